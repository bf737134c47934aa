"""Draw the default head's texture sheet: its charts, and a checkerboard of it on the head.

`python scripts/draw_sheet.py [--out docs/pictures/sheet.jpg]`, in the engine's environment.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from draw_people import draw_portrait  # noqa: E402

from engine.exchange.head_file import HeadFile  # noqa: E402
from engine.head.model import Head  # noqa: E402
from engine.media.pictures import grid, write_picture  # noqa: E402
from engine.preview.sitter import Sitter  # noqa: E402
from engine.weights import load_head  # noqa: E402

# Regions from back to front, RGB.
COLOURS = {
    "skin": (90, 90, 90),
    "scalp": (70, 100, 60),
    "ears": (40, 140, 60),
    "face": (30, 80, 190),
    "eyelids": (220, 150, 20),
    "lips": (210, 40, 50),
    "mouth_inside": (160, 50, 150),
    "left_eye": (20, 130, 160),
    "right_eye": (20, 130, 160),
    "upper_teeth": (150, 120, 60),
    "lower_teeth": (150, 120, 60),
    "tongue": (190, 90, 110),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the default head's texture sheet.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures" / "sheet.jpg")
    parser.add_argument("--tile", type=int, default=560, help="pixels along a picture")
    options = parser.parse_args()
    file = load_head()
    sitter = Sitter(Head(file), np.zeros(1), checkerboard(1024, 64))
    turns = [draw_portrait(sitter, np.radians(yaw), options.tile) for yaw in (0, 40)]
    write_picture(grid([draw_charts(file, options.tile), *turns], 3), options.out)


def draw_charts(file: HeadFile, size: int) -> np.ndarray:
    """Every triangle's outline in its region's colour, (size, size, 3) uint8 RGB."""
    colours = np.zeros((len(file.faces), 3))
    for name, colour in COLOURS.items():
        colours[file.masks[name][file.faces].all(1)] = colour
    zoom = 3
    points = np.stack([file.uv[:, 0], 1 - file.uv[:, 1]], 1)[file.uv_faces] * size * zoom
    canvas = np.full((size * zoom, size * zoom, 3), 255, np.uint8)
    for triangle, colour in zip(np.round(points).astype(np.int32), colours, strict=True):
        cv2.polylines(canvas, [triangle], True, colour.tolist(), 1)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)


def checkerboard(size: int, squares: int) -> np.ndarray:
    """(size, size, 3) uint8, in four tints that show orientation."""
    cell = np.arange(size) * squares // size
    row, column = np.meshgrid(cell, cell, indexing="ij")
    tint = np.where((row + column) % 2 == 1, 235, 120).astype(np.uint8)
    picture = np.stack([tint] * 3, 2)
    picture[..., 2] = np.where(row % 8 == 0, 40, picture[..., 2])
    picture[..., 0] = np.where(column % 8 == 0, 40, picture[..., 0])
    return picture


if __name__ == "__main__":
    main()
