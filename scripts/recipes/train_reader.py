"""Train the reader of landmarks: nothing is drawn or downloaded, minutes on one core.

    python scripts/recipes/train_reader.py --folder runs/reader [--minutes 30]

In the engine's environment. Goes on where it stopped; prints the figures on held-out people and
leaves `reader.safetensors` (half precision) in the folder.
"""

import argparse
from pathlib import Path

from recipe import leave, say


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the reader of landmarks.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--start-from", type=Path, help="weights to begin with (safetensors)")
    options = parser.parse_args()

    import torch

    from engine.models.reader import ReaderNet
    from engine.training.loop import LoopOptions, train
    from engine.training.reader import ReaderTask

    torch.set_num_threads(1)
    torch.manual_seed(0)
    loop = LoopOptions(
        folder=options.folder, seconds=60 * options.minutes, lr=options.lr, warmup=300,
        optimizer="adamw", weight_decay=0.01, clip=5.0, ema=0.998, evaluate_every=3000,
        start_from=options.start_from,
    )  # fmt: skip
    result = train(ReaderTask(ReaderNet()), loop, say)
    leave("reader", options.folder, {}, result["figures"])


if __name__ == "__main__":
    main()
