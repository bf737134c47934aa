"""Train the network that reads where rows of teeth end, on drawn open mouths.

    python scripts/recipes/train_rows.py --folder runs/rows

In the engine's environment, a quarter of an hour of one core. Goes on where it stopped. Prints the
figures on held-out people and leaves `rows.safetensors` (half precision) in the folder.
"""

import argparse
from pathlib import Path

from recipe import leave, say

SEED, HELD_SEED, HELD_PICTURES = 1, 2, 1500


def main() -> None:
    """Draw, train, save, tell."""
    parser = argparse.ArgumentParser(description="Train the network of rows.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=20000)
    parser.add_argument("--steps", type=int, default=7000)
    options = parser.parse_args()

    import torch

    from engine.training.loop import LoopOptions, train
    from engine.training.open_mouths import OpenMouths, draw_mouths
    from engine.training.rows import Mouths, RowsTask

    options.folder.mkdir(parents=True, exist_ok=True)
    seen = {}
    for name, seed, count in (("held", HELD_SEED, HELD_PICTURES), ("ring", SEED, options.pictures)):
        path = options.folder / f"{name}.npz"
        if not path.is_file():
            draw_mouths(seed, count).write(path)
        seen[name] = Mouths.of(OpenMouths.read(path))
    torch.manual_seed(0)
    loop = LoopOptions(
        options.folder, options.steps, lr=2e-3, warmup=options.steps // 4, optimizer="adamw",
        weight_decay=0.02, clip=5.0, ema=0.995,
    )  # fmt: skip
    result = train(RowsTask(seen["ring"], seen["held"]), loop, say)
    leave("rows", options.folder, {}, result["figures"])


if __name__ == "__main__":
    main()
