"""Train the landmark network on synthetic performers that a second process draws meanwhile.

    python scripts/recipes/train_landmarks.py --folder runs/landmarks            two processor cores
    python scripts/recipes/train_landmarks.py --folder runs/landmarks --full     one GPU, many cores

In the engine's environment. Goes on where it stopped, ends itself after --minutes, prints the
figures on held-out people and leaves `landmarks.safetensors` (half precision) in the folder.
"""

import argparse
import multiprocessing
import os
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from recipe import leave, say

HELD_PICTURES, HELD_SEED = 1024, 99
FIRST_PICTURES = 2000  # before the training begins


def draw(folder: str, size: int, capacity: int, until: int, seed: int, ramp: int) -> None:
    """One process that fills a ring."""
    import cv2

    from engine.training.people.ring import RingOptions, fill_ring

    cv2.setNumThreads(1)
    if ramp and hasattr(os, "setsid"):
        os.setsid()  # Linux shares the processor between sessions first
    easy = 1.0 if ramp == 0 else 0.3
    fill_ring(Path(folder), RingOptions(capacity, size, seed, easy, ramp), until)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the landmark network.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=70.0)
    parser.add_argument(
        "--pictures", type=int, default=120_000, help="different ones that are drawn"
    )
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--full", action="store_true", help="192 px and the wide network")
    parser.add_argument("--drawers", type=int, default=1, help="processes that draw")
    return parser.parse_args()


def begin_drawing(folders: list[Path], size: int, pictures: int) -> list[BaseProcess]:
    """A process for each ring; returns when all have enough to begin with."""
    share = pictures // len(folders)
    context = multiprocessing.get_context("spawn")
    drawers = [
        context.Process(
            target=draw, daemon=True, args=(str(folder), size, share, share, 1 + k, share // 4)
        )
        for k, folder in enumerate(folders)
    ]  # fmt: skip
    for process in drawers:
        process.start()
    while not all(_count(folder) >= FIRST_PICTURES for folder in folders):
        time.sleep(1)
    return drawers


def main() -> None:
    """Draw, train meanwhile, save, tell."""
    options = read_options()

    import torch

    from engine.models.landmarks import FULL, POINTS, LandmarkNet, LandmarkNetConfig
    from engine.training.landmarks import LandmarkTask
    from engine.training.loop import LoopOptions, train
    from engine.training.people.ring import open_ring

    config = FULL if options.full else LandmarkNetConfig()
    folders = [options.folder / f"ring{k}" for k in range(options.drawers)]
    held = options.folder / "held"
    if not (held / "written.txt").is_file():
        draw(str(held), config.size, HELD_PICTURES, HELD_PICTURES, HELD_SEED, 0)
    drawers = begin_drawing(folders, config.size, options.pictures)
    torch.set_num_threads(1 if not torch.cuda.is_available() else torch.get_num_threads())
    torch.manual_seed(0)
    model = LandmarkNet(config).to(memory_format=torch.channels_last)
    task = LandmarkTask(model, [open_ring(f) for f in folders], open_ring(held), options.batch)
    loop = LoopOptions(
        folder=options.folder, seconds=60 * options.minutes, lr=options.lr, warmup=200,
        optimizer="adamw", weight_decay=0.02, clip=5.0, ema=0.998, precision="bf16",
        evaluate_every=1500,
    )  # fmt: skip
    result = train(task, loop, say)
    for process in drawers:
        process.terminate()
    leave("landmarks", options.folder, {"points": len(POINTS)}, result["figures"])


def _count(folder: Path) -> int:
    path = folder / "written.txt"
    return int(path.read_text()) if path.is_file() else 0


if __name__ == "__main__":
    main()
