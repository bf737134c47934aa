"""Draw a sheet of random people, in shape and colour as the default head's priors have them.

`python scripts/draw_people.py [--out docs/pictures/albedo.jpg]`, in the engine's environment.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.geometry import to_camera  # noqa: E402
from engine.head.albedo import load_albedo  # noqa: E402
from engine.head.model import Head  # noqa: E402
from engine.media.pictures import grid, write_picture  # noqa: E402
from engine.preview.overlay import before_backdrop  # noqa: E402
from engine.preview.sitter import Sitter  # noqa: E402
from engine.preview.studio import draw  # noqa: E402
from engine.weights import load_head, locate  # noqa: E402

DISTANCE_M, HEAD_SPAN_M = 0.8, 0.295  # from the camera; what a tile shows at that distance


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a sheet of random people.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures" / "albedo.jpg")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--tile", type=int, default=240, help="pixels along a tile")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--shape-spread", type=float, default=1.0, help="standard deviations")
    parser.add_argument("--albedo-spread", type=float, default=1.0, help="standard deviations")
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)
    head, albedo = Head(load_head()), load_albedo(locate("albedo_default"))
    tiles = []
    for _ in range(options.count):
        shape = options.shape_spread * generator.normal(size=head.file.face_columns)
        colours = options.albedo_spread * generator.normal(size=len(albedo.names))
        sitter = Sitter(head, shape, albedo.texture(colours))
        tiles.append(draw_portrait(sitter, np.radians(generator.uniform(-28, 28)), options.tile))
    write_picture(grid(tiles, options.columns), options.out)


def draw_portrait(sitter: Sitter, yaw: float, size: int) -> np.ndarray:
    """The person at rest, (size, size, 3) uint8 sRGB."""
    translation = np.array([0, -0.010, -DISTANCE_M])
    vertices = to_camera(sitter.rest[0], np.array([0, yaw, 0]), translation)
    shot = draw(sitter, vertices, 2 * DISTANCE_M * size / HEAD_SPAN_M, (2 * size, 2 * size))
    return cv2.resize(before_backdrop(shot), (size, size), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main()
