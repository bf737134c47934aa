"""Draw a sheet of synthetic performers: moments of many people, then one sequence a row.

`python scripts/draw_performers.py [--out docs/pictures/performers.jpg]`, in the engine's
environment. `--labels` draws the points (green seen, red covered, blue turned away) instead.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.media.pictures import grid, write_picture  # noqa: E402
from engine.training.people import Scene, build_stage, render_scene, render_sequence  # noqa: E402
from engine.training.people.labels import COVERED, TURNED_AWAY, Labels  # noqa: E402

_SCALE = 3  # of the tiles on which points are drawn


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a sheet of synthetic performers.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures" / "performers.jpg")
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--rows", type=int, default=5, help="of moments")
    parser.add_argument("--sequences", type=int, default=2, help="rows of sequences")
    parser.add_argument("--size", type=int, default=128, help="pixels along a tile")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--difficulty", type=float, default=0.75)
    parser.add_argument("--labels", action="store_true")
    options = parser.parse_args()
    stage, columns, shown = build_stage(), options.columns, (options.size, options.difficulty)

    def tile(shot: Scene, t: int) -> np.ndarray:
        return _marked(shot.pictures[t], shot.labels, t) if options.labels else shot.pictures[t]

    tiles = [
        tile(render_scene(stage, options.seed, index, 1, *shown), 0)
        for index in range(options.rows * columns)
    ]
    for index in range(options.sequences):
        shot = render_sequence(stage, options.seed + 1, index, 3 * columns, 25.0, *shown)
        tiles += [tile(shot, t) for t in range(0, 3 * columns, 3)]
    write_picture(grid(tiles, columns), options.out)


def _marked(picture: np.ndarray, labels: Labels, t: int) -> np.ndarray:
    out = cv2.resize(picture, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC)
    for (x, y), hidden in zip(labels.points[t], labels.hidden[t], strict=True):
        colour = (0, 255, 0)
        if hidden & COVERED:
            colour = (255, 0, 0)
        elif hidden & TURNED_AWAY:
            colour = (60, 60, 255)
        cv2.circle(out, (round(float(x) * _SCALE), round(float(y) * _SCALE)), 1, colour, -1)
    return out


if __name__ == "__main__":
    main()
