"""Train the network that sees what is before which point of a face, on drawn performers.

    python scripts/recipes/train_covers.py --folder runs/covers

In the engine's environment, four minutes of one core. Goes on where it stopped. Needs the landmark
network, whose maps it reads; prints the figures on held-out people and leaves `covers.safetensors`
(half precision) in the folder.
"""

import argparse
from pathlib import Path

from recipe import leave, say

SIZE, SEED, HELD_SEED, HELD_PICTURES = 112, 4242, 991, 800


def main() -> None:
    """Draw, train, save, tell."""
    parser = argparse.ArgumentParser(description="Train the network of covers.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=7256)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()

    import torch

    from engine.models.landmarks import LandmarkNet
    from engine.training.covers import BATCH, CoverTask, see_examples
    from engine.training.loop import LoopOptions, train
    from engine.training.people.occluders import TOUCHES
    from engine.training.people.ring import RingOptions, fill_ring, open_ring
    from engine.weights import load_network, registry

    for name, seed, count in (("held", HELD_SEED, HELD_PICTURES), ("ring", SEED, options.pictures)):
        drawn = RingOptions(count, SIZE, seed, easy=1.0, ramp=0, clutter=TOUCHES)
        fill_ring(options.folder / name, drawn, count)
    torch.manual_seed(0)
    landmarks = LandmarkNet().eval()
    landmarks.load_state_dict(load_network("landmarks")[0])
    sizes = {"held": HELD_PICTURES, "ring": options.pictures}
    seen = {name: see_examples(open_ring(options.folder / name), landmarks, count)
            for name, count in sizes.items()}  # fmt: skip
    steps = options.rounds * options.pictures // BATCH
    loop = LoopOptions(
        options.folder, steps, lr=3e-3, warmup=steps // 4, optimizer="adamw", weight_decay=0.01,
        ema=0.99,
    )  # fmt: skip
    result = train(CoverTask(seen["ring"], seen["held"]), loop, say)
    about = {"landmarks": registry()["landmarks"]["sha256"]}
    leave("covers", options.folder, about, result["figures"])


if __name__ == "__main__":
    main()
