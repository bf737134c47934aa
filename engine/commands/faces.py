"""The command `faces`: whose faces a picture of a clip shows."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exchange.protocol import DONE, VERSION, Hello, answer
from ..exchange.saving import save
from .flags import add_command
from .wire import speak

if TYPE_CHECKING:
    import numpy as np

    from ..faces.still import Still

_LARGEST_SIDE_PX = 1280  # of the picture that is written: it is to be looked at


def add_commands(commands: Any) -> None:
    """Its parser; heavy imports wait for the command."""
    faces = add_command(commands, "faces", "where faces are in one picture of a clip", _faces)
    faces.add_argument("clip", type=Path, help="video or folder of pictures")
    faces.add_argument(
        "--time", type=float, metavar="SECONDS", default=0.0,
        help="the picture nearest to this; default the first",
    )  # fmt: skip
    faces.add_argument(
        "--out", type=Path, metavar="JSON", required=True, help="the boxes, NAME.json"
    )
    faces.add_argument("--picture", type=Path, metavar="PNG", help="also the picture, NAME.png")
    faces.add_argument(
        "--fps", type=float, metavar="RATE", help="of a picture sequence, frames per second"
    )
    faces.add_argument("--events", action="store_true", help="speak as `run` does, to a program")


def _faces(options: argparse.Namespace) -> int:
    if options.events:
        send = speak()
        send(Hello(VERSION, "cpu"))

        def work() -> str:
            _look(options)
            return str(options.out)

        return answer(work, send)
    still = _look(options)
    count = len(still.boxes)
    print(f"{options.out}: {count} {'face' if count == 1 else 'faces'} at {still.time:.2f} s")
    return DONE


def _look(options: argparse.Namespace) -> "Still":
    """Find the faces, and write what was asked for."""
    from ..faces.still import look_at_frame
    from ..media import open_clip
    from ..media.pictures import write_picture

    clip = open_clip(options.clip, fps=options.fps)
    still = look_at_frame(clip, options.time)
    content = {
        "clip": str(options.clip),
        "time": still.time,
        "size": list(clip.size),
        "faces": [{"box": [round(float(v), 1) for v in box]} for box in still.boxes],
    }
    if options.picture:
        write_picture(_shown(still.picture), options.picture)
    save(options.out, json.dumps(content, indent=1))
    return still


def _shown(picture: "np.ndarray") -> "np.ndarray":
    """The picture (H, W, 3) RGB, averaged down to _LARGEST_SIDE_PX."""
    import cv2

    scale = _LARGEST_SIDE_PX / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return picture
