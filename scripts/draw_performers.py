"""Draw a sheet of synthetic performers: moments of many people, then one sequence a row.

`python scripts/draw_performers.py [--out docs/pictures/performers.jpg]`, in the engine's
environment. `--labels` draws the points (green seen, red covered, blue turned away) instead.
"""

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.training.people import build_stage, render_scene, render_sequence  # noqa: E402
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
    stage, rows = build_stage(), []
    for row in range(options.rows):
        tiles = []
        for column in range(options.columns):
            index = row * options.columns + column
            scene = render_scene(stage, options.seed, index, 1, options.size, options.difficulty)
            tiles.append(_marked(scene.pictures[0], scene.labels, 0) if options.labels
                         else scene.pictures[0])  # fmt: skip
        rows.append(np.concatenate(tiles, 1))
    for index in range(options.sequences):
        shown = render_sequence(
            stage, options.seed + 1, index, 3 * options.columns, 25.0, options.size,
            options.difficulty,
        )  # fmt: skip
        picked = range(0, 3 * options.columns, 3)
        rows.append(np.concatenate([
            _marked(shown.pictures[t], shown.labels, t) if options.labels else shown.pictures[t]
            for t in picked
        ], 1))  # fmt: skip
    _write(np.concatenate(rows), options.out)


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


def _write(picture: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name("partial-" + path.name)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 86] if path.suffix == ".jpg" else []
    cv2.imwrite(str(partial), np.ascontiguousarray(picture[..., ::-1]), quality)
    os.replace(partial, path)


if __name__ == "__main__":
    main()
