"""Draw the pictures of the README with the program itself.

Run it in the engine's environment: `python scripts/make_pictures.py [TAKE]`. It writes
`docs/pictures/preview.jpg` (two moments of the demo clip's preview; captures the clip unless a
take of it is given), `docs/pictures/head.jpg` (the default head and some of its units) and
`docs/pictures/people.jpg` (random people).
"""

import argparse
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.cli import main as run_engine  # noqa: E402
from engine.detail.complexion import person_texture  # noqa: E402
from engine.detail.volume import usual_hair  # noqa: E402
from engine.exchange.take import Take  # noqa: E402
from engine.head.albedo import load_albedo  # noqa: E402
from engine.head.looks import draw_look  # noqa: E402
from engine.head.model import FaceParams, Head  # noqa: E402
from engine.media import open_clip, read_frames  # noqa: E402
from engine.media.pictures import grid, write_picture  # noqa: E402
from engine.preview.crops import crop_of  # noqa: E402
from engine.preview.overlay import before_backdrop  # noqa: E402
from engine.preview.panels import Panels, write  # noqa: E402
from engine.preview.sitter import Sitter  # noqa: E402
from engine.preview.studio import draw  # noqa: E402
from engine.weights import load_head, locate  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
MOMENTS_S = (1.48, 4.56)  # of the demo clip: an open vowel, a w
CELL, FINER = (232, 290), 2  # px of the picture; of a drawing for each of them, along an edge
FOCAL, DISTANCE_M, DOWN_M = 620.0, 0.66, 0.022

# caption, units, jaw (rad), gaze left (rad), head (pitch, yaw in degrees)
FACES = (
    ("at rest", {}, 0.0, 0.0, (0, 0)),
    ("three quarters", {}, 0.0, 0.0, (4, 38)),
    ("jaw open", {}, 0.32, 0.0, (0, -14)),
    ("smile", {"mouthSmile": 0.9, "mouthUpperUp": 0.7, "cheekSquint": 0.6}, 0.02, 0.0, (0, 14)),
    ("blink", {"eyeBlink": 1.0}, 0.0, 0.0, (0, 0)),
    ("surprise", {"browInnerUp": 1.0, "browOuterUp": 0.8, "eyeWide": 0.8}, 0.16, 0.0, (0, 8)),
    ("frown", {"browDown": 1.0, "mouthFrown": 0.7, "noseSneer": 0.5}, 0.0, 0.0, (4, -10)),
    ("pucker, glance", {"mouthPucker": 0.9}, 0.04, 0.35, (0, -16)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the README's pictures.")
    parser.add_argument("take", type=Path, nargs="?", help="a take of the demo clip")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        take = options.take or Path(folder) / "demo.take.npz"
        if not options.take:
            run_engine(["capture", str(locate("demo_clip")), "--out", str(take)])
        write_picture(preview_picture(take), PICTURES / "preview.jpg")
    write_picture(head_picture(), PICTURES / "head.jpg")
    write_picture(people_picture(), PICTURES / "people.jpg")


def preview_picture(take_path: Path) -> np.ndarray:
    """Two moments of the demo clip, one above the other."""
    take, clip = Take.load(take_path), open_clip(locate("demo_clip"))
    panels = Panels(take, load_head(), take_path.parent)
    crop = crop_of(take, np.flatnonzero(take.found), 360)
    frames = [int(np.argmin(np.abs(take.times - seconds))) for seconds in MOMENTS_S]
    rows = []
    for frame in frames:
        for _, picture in read_frames(clip, frame, frame + 1):
            rows.append(panels.triple(picture, frame, crop, panels.relief(frame)))
    return np.vstack(rows)


def head_picture() -> np.ndarray:
    """The mean person at rest and in some expressions."""
    head = Head(load_head())
    nobody = np.zeros(head.file.shape_basis.shape[2])
    texture = person_texture(head, np.zeros(50), 2048)
    sitter = Sitter(head, nobody, texture, usual_hair(head, nobody))
    cells = []
    for caption, units, jaw, gaze, (pitch, yaw) in FACES:
        params = FaceParams.neutral(head, 1, FOCAL, DISTANCE_M)
        for name, value in units.items():
            for unit in (name, f"{name}Left", f"{name}Right"):
                if unit in head.unit:
                    params.expression[0, head.unit[unit]] = value
        params.jaw[0, 0] = jaw
        params.eyes[0, [1, 4]] = gaze
        params.head_pose[0] = np.radians([pitch, yaw, 0])
        cell = portrait(sitter, params)
        write(cell, caption, (10, CELL[1] - 12))
        cells.append(cell)
    return grid(cells, 4)


def people_picture() -> np.ndarray:
    """Eight people drawn at random from the head's identities and likely looks, with any hair."""
    head, generator, cut = Head(load_head()), np.random.default_rng(5), np.random.default_rng(2)
    names = load_albedo(locate("albedo_default")).names
    cells = []
    for _ in range(8):
        shape = np.clip(0.6 * generator.normal(size=head.file.face_columns), -1.5, 1.5)
        texture = person_texture(head, draw_look(names, generator), 1024)
        params = FaceParams.neutral(head, 1, FOCAL, DISTANCE_M).replace(shape=shape)
        params.head_pose[0, 1] = generator.normal(0, 0.25)
        params.eyes[0, [1, 4]] = -params.head_pose[0, 1]
        stands, hangs = cut.uniform(0.4, 1.7), cut.choice([0.0, 0.0, 70.0])
        hair = usual_hair(head, shape)
        if hair is not None:
            hair = np.where(hair > 0, stands * hair, hair)  # below 0 it tells of the hairline
        sitter = Sitter(head, shape, texture, hair, hangs)
        cells.append(portrait(sitter, params))
    return grid(cells, 4)


def portrait(sitter: Sitter, params: FaceParams) -> np.ndarray:
    """One head before the backdrop, drawn larger: what is finer than a pixel would glitter."""
    params.head_translation[0, 1] = -DOWN_M
    vertices = sitter.head.camera_frame(params, 0, sitter.rest)
    larger = CELL[0] * FINER, CELL[1] * FINER
    picture = before_backdrop(draw(sitter, vertices, params.focal * FINER, larger))
    return cv2.resize(picture, CELL, interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main()
