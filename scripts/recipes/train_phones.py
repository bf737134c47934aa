"""Train the acoustic network that AVFace ships: sound to 29 classes of speech sounds.

    .venv/engine/bin/python scripts/recipes/train_phones.py SCRATCH [--seconds 2400] [--hours 8]

Speaks its own corpus with espeak-ng, flite and festival (Debian: espeak-ng libespeak-ng1 flite
festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts festvox-ca-ona-hts
festvox-czech-dita festvox-czech-krb festvox-czech-machac festvox-czech-ph festvox-suopuhe-lj
festvox-suopuhe-mv festvox-hi-nsk festvox-mr-nsk festvox-te-nsk festvox-ru festvox-italp16k
festvox-itapc16k), trains, and leaves SCRATCH/phones.safetensors with a table of held-out voices
and, with --judge FOLDER, of real recordings. Called again, it goes on where it stopped.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from recipe import say


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scratch", type=Path, help="folder of the corpus and of the run")
    parser.add_argument("--seconds", type=float, default=2400, help="of training")
    parser.add_argument("--hours", type=float, default=8.0, help="of speech to make")
    parser.add_argument("--neural", type=float, default=0.0, help="hours by neural voices too")
    parser.add_argument("--run", default="phones", help="name of the run in SCRATCH")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge", type=Path, help="folder of NAME.wav and NAME.phone.json")
    parser.add_argument("--start-from", type=Path, help="weights to begin with")
    return parser.parse_args()


def main() -> int:
    """Corpus, training, weights, tables."""
    options = read_options()

    import torch

    from engine.models.phone_classes import CLASSES
    from engine.training.checkpoint import last_weights, save_weights
    from engine.training.loop import LoopOptions, train
    from engine.training.speech.balance import balance_closures
    from engine.training.speech.corpus import Plan, held_out, make_corpus
    from engine.training.speech.task import PhonesTask
    from engine.training.speech.voices import HELD_OUT, NEURAL_HELD_OUT, REAL_HELD_OUT

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    shares = asdict(Plan())
    whole = sum(shares.values())
    hours = {name: share * options.hours / whole for name, share in shares.items()}
    plan = Plan(**hours | {"neural": options.neural})
    corpus = make_corpus(options.scratch / "corpus", plan, say, options.seed)
    say(f"corpus: {corpus.seconds / 3600:.1f} h, {len(set(corpus.voices))} voices")
    measured = HELD_OUT + (NEURAL_HELD_OUT if options.neural else ())
    judges = held_out(16, voices=measured)
    task = PhonesTask(corpus, judges, seed=options.seed)
    folder = options.scratch / options.run
    loop = LoopOptions(
        folder, seconds=options.seconds, lr=options.lr, warmup=60, optimizer="adamw",
        weight_decay=1e-2, clip=2.0, ema=0.995, evaluate_every=1000, seed=options.seed,
        device="cpu", start_from=options.start_from,
    )  # fmt: skip
    done = train(task, loop, say)
    say(json.dumps(done["figures"], indent=1))
    task.model.load_state_dict(last_weights(folder))
    balanced = [voice for voice in measured if voice in REAL_HELD_OUT + NEURAL_HELD_OUT]
    real = [u for voice in balanced for u in judges[voice]]
    bias, recall, precision = balance_closures(task.model.eval(), real, task.pool)
    say(f"/p b m/ by {bias:.1f}: recall {recall:.3f}, precision {precision:.3f} on {balanced}")
    about = {
        "kind": "phones",
        "classes": json.dumps(CLASSES),
        "config": json.dumps(asdict(task.model.config)),
        "steps": done["step"],
    }
    path = options.scratch / f"{options.run}.safetensors"
    save_weights(task.model, path, about)
    say(f"{path}: {path.stat().st_size} bytes")
    if options.judge:
        from engine.training.speech.judge import judge_folder

        say(judge_folder(task.model.eval(), options.judge))
    return 0


if __name__ == "__main__":
    sys.exit(main())
