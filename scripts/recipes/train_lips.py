"""Train the lip network that AVFace carries: a SIREN conditioned by speech (AVFace, section 3.2).

    .venv/engine/bin/python scripts/recipes/train_lips.py SCRATCH [--seconds 400] [--minutes 40]

Speaks and hears its own corpus as train_voice.py does, leaves lips as a landmark fit would, trains,
and leaves SCRATCH/lips.safetensors with a table of voices that no training heard: how far lips are
from the full ones before and after, in mm. Called again, it goes on where it stopped; train it anew
whenever the acoustic network changes.
"""

import sys

from recipe import say


def main() -> int:
    """Clips, training, weights, table."""
    from train_voice import read_options, speak_clips, speak_judges

    options = read_options(__doc__, 40)

    import torch

    from engine.models.lips import describe
    from engine.training.checkpoint import last_weights, save_weights
    from engine.training.lips import LipTask
    from engine.training.loop import LoopOptions, train
    from engine.weights import load_head, registry

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    clips = speak_clips(options.minutes, options.seed, options.neural)
    judges = speak_judges(options.seed)["random speakers"]
    task = LipTask(load_head(), clips, judges, seed=options.seed)
    loop = LoopOptions(
        options.scratch / "lips", seconds=options.seconds, lr=4e-3, warmup=100, weight_decay=0,
        clip=2.0, ema=0.99, evaluate_every=500, seed=options.seed, device="cpu",
        start_from=options.start_from,
    )  # fmt: skip
    done = train(task, loop, say)

    net = task.model.cpu()
    net.load_state_dict(last_weights(loop.folder))
    about = describe(net, "phones", registry()["phones"]["sha256"]) | {"steps": done["step"]}
    path = options.scratch / "lips.safetensors"
    save_weights(net, path, about)
    say(f"{path}: {path.stat().st_size} bytes")
    say(str({name: round(value, 3) for name, value in task.evaluate(net.eval()).items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
