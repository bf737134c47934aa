"""Make a test set with truth that Blender's Cycles draws, and measure on it.

    python scripts/recipes/cycles_testset.py FOLDER [--scenes 3]
    python -m engine evaluate tables --synthetic 0 --testset FOLDER

In the engine's environment; Blender is taken from `.venv/blender-4.5` (`scripts/environments.py`).
"""

import argparse
import subprocess
from pathlib import Path

from recipe import ROOT


def main() -> None:
    from environments import blender_python

    from engine.evaluation.scenes import write_scenes

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=3)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--samples", type=int, default=32)
    found = parser.parse_args()
    write_scenes(found.folder, found.scenes, found.frames)
    script = ROOT / "scripts" / "blender_render_testset.py"
    command = [blender_python(), script, found.folder, "--samples", found.samples]
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    main()
