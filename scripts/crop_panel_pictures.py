"""Cut the documents' pictures of the add-on out of what the window test photographs.

Run it in the engine's environment after `tests/window` with `AVFACE_WINDOW_PICTURES=FOLDER`:
`python scripts/crop_panel_pictures.py FOLDER` writes `docs/pictures/panel.png` and the others. The
panel shows where the add-on lies: let AVFACE_BLENDER name a script that starts Blender with
BLENDER_USER_RESOURCES=/home/ada/.config/blender.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from engine.media.pictures import write_picture  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"


@dataclass(frozen=True)
class Cut:
    """A part of one screenshot (1600 x 1200 px): left, top, right, bottom."""

    source: str
    box: tuple[int, int, int, int]


_WORK = (420, 28, 1322, 1084)  # the 3D view without its tools, with the sidebar
_CUTS = {
    "panel.png": Cut("captured", (745, 82, 1322, 1084)),
    "capturing.png": Cut("progress_2", (1038, 82, 1298, 830)),
    "faces.jpg": Cut("faces", (40, 28, 1322, 1084)),
    "captured.jpg": Cut("captured_end", _WORK),
    "corrected.jpg": Cut("corrected", _WORK),
    "refined.jpg": Cut("refined", _WORK),
    "landmarks.jpg": Cut("landmark_dragged", (190, 28, 1038, 1084)),
    "beside.jpg": Cut("beside", (0, 28, 1038, 1084)),
    "trust.jpg": Cut("trust_painted", (0, 28, 1322, 1200)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Cut out the documents' pictures of the add-on.")
    parser.add_argument("folder", type=Path, help="the window test's screenshots")
    folder = parser.parse_args().folder
    for name, cut in _CUTS.items():
        screen = cv2.imread(str(folder / f"{cut.source}.png"))
        if screen is None:
            raise SystemExit(f"{folder} holds no {cut.source}.png: run tests/window first.")
        left, top, right, bottom = cut.box
        write_picture(screen[top:bottom, left:right, ::-1], PICTURES / name)


if __name__ == "__main__":
    main()
