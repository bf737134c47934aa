"""Draw heads of known relief by Blender's Cycles and measure a capture's relief on them.

    python scripts/recipes/cycles_relief.py FOLDER [--heads 2]

In the engine's environment; Blender is taken from `.venv/blender-4.5` (`scripts/environments.py`).
Prints degrees between normals and the true ones, of the coarse head and with the fine stage. Half a
minute a picture, six pictures a head; pictures that are there stay.
"""

import argparse
import json
import subprocess
from pathlib import Path

from recipe import ROOT


def main() -> None:
    from environments import blender_python

    from engine.evaluation.reliefs import LIGHTS, measure, write_heads

    parser = argparse.ArgumentParser(description="Relief against its truth.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--heads", type=int, default=2)
    parser.add_argument("--samples", type=int, default=12)
    found = parser.parse_args()
    write_heads(found.folder, found.heads)
    lights = found.folder / "lights.json"
    lights.write_text(json.dumps(LIGHTS), encoding="utf-8")
    script = ROOT / "scripts" / "blender_render_relief.py"
    command = [blender_python(), script, found.folder, lights, "--samples", found.samples]
    subprocess.run([str(part) for part in command], check=True)
    print(f"{'normals, degrees':20}{'face':>8}{'folds':>8}")
    for moment, stages in measure(found.folder).items():
        for stage, errors in stages.items():
            print(f"{moment + ', ' + stage:20}{errors.face:8.2f}{errors.folds:8.2f}")


if __name__ == "__main__":
    main()
