"""What recipes have in common, imported first of all: each process keeps to one core.

They stand on this repository's engine, say how far they are, and leave weights beside their run.
"""

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read when numpy is imported
    os.environ.setdefault(_threads, "1")

say = partial(print, flush=True)


def leave(
    name: str, run: Path, about: Mapping[str, object], figures: Mapping[str, float], part: str = ""
) -> None:
    """Write the last weights of a run as NAME.safetensors in half precision; print the figures.

    `part`: only tensors whose name begins so.
    """
    from engine.training.checkpoint import last_weights, save_tensors

    weights = last_weights(run)
    chosen = {key: value for key, value in weights.items() if key.startswith(part)}
    save_tensors(chosen, run / f"{name}.safetensors", {"network": name, **about}, half=True)
    for figure, value in figures.items():
        say(f"{figure:20}{value:9.3f}")
