"""Train the fine network that AVFace carries: relief of skin from what coarse shading leaves.

    .venv/engine/bin/python scripts/recipes/train_fine_lite.py SCRATCH [--minutes 35]

Makes its own examples (people, pigment, folds, light, a camera; `engine/training/unwrapped.py`),
trains on one core, ends itself and leaves SCRATCH/fine.safetensors (half precision) with a table:
degrees between normals found and true, on people who weren't seen, beside those of a smooth head
and of shape from shading. Called again, it goes on where it stopped.
"""

import argparse
import sys
from pathlib import Path

from recipe import say


def main() -> int:
    """Examples, training, weights, table."""
    parser = argparse.ArgumentParser(description="Train the fine network.")
    parser.add_argument("scratch", type=Path, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=35, help="of training")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start-from", type=Path, help="weights to begin with")
    options = parser.parse_args()

    import cv2
    import torch

    from engine.training.checkpoint import last_weights, save_tensors
    from engine.training.loop import LoopOptions, train
    from engine.training.relief import ReliefTask

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    task = ReliefTask(options.batch, options.seed)
    loop = LoopOptions(
        options.scratch, seconds=60 * options.minutes, lr=options.lr, warmup=100,
        optimizer="adamw", weight_decay=0.02, clip=1.0, ema=0.995, precision="bf16",
        evaluate_every=500, seed=options.seed, device="cpu", start_from=options.start_from,
    )  # fmt: skip
    done = train(task, loop, say)

    path = options.scratch / "fine.safetensors"
    save_tensors(
        last_weights(options.scratch), path, task.metadata | {"steps": done["step"]}, half=True
    )
    say(f"{path}: {path.stat().st_size} bytes, {done['step']} steps")
    say(f"{'normals, degrees':20}{'net':>8}{'flat':>8}{'solved':>8}")
    for kind in ("lasting", "passing"):
        for where in ("face", "folds"):
            row = [done["figures"][f"{kind}_{where}_{name}"] for name in ("net", "flat", "solved")]
            say(f"{kind + ', ' + where:20}" + "".join(f"{value:8.2f}" for value in row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
