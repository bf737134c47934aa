"""The systems that can be compared here: what the product's options give, and plain landmarks."""

from dataclasses import dataclass, field, fields

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..faces import FaceOptions, track_face
from ..head.landmarks import MESH_TO_68
from ..media import Clip
from ..options import CaptureOptions
from ..pipeline import capture_motion
from ..progress import Report


@dataclass(frozen=True)
class System:
    """One row of a table. `options` are fields of CaptureOptions; None: the tracker alone.

    `layered`: rows for its lips and its fine stage follow.
    """

    name: str
    options: dict[str, object] | None = field(default_factory=dict)
    needs_sound: bool = False
    layered: bool = False


@dataclass(frozen=True)
class Answer:
    """What a system says of a clip."""

    landmarks: np.ndarray  # (T, 68, 2) px, NaN where there is none
    take: Take | None  # None: landmarks alone


LANDMARKS = System("raw landmarks (tracker)", None)
SYSTEMS = (
    LANDMARKS,
    System("fit, picture alone", {"senses": "picture"}),
    System("fit, picture and sound", {}, needs_sound=True),
    System("sound alone", {"senses": "sound"}, needs_sound=True),
    System("landmark reader alone (draft)", {"quality": "draft"}),
    System("AVFace networks (draft)", {"method": "avface", "quality": "draft"}),
    System("AVFace networks + fit", {"method": "avface", "quality": "standard"}, layered=True),
    System("SPECTRE, lips not read", {"method": "spectre", "lip_reader": "none"}),
    System("SPECTRE", {"method": "spectre"}),
)


def known_systems() -> tuple[list[System], list[str]]:
    """The systems that this version's options know, and sentences about those that they don't."""
    known = {item.name for item in fields(CaptureOptions)}
    found, missing, seen = [], [], []
    for system in SYSTEMS:
        lacking = set(system.options or {}) - known
        if system.name == "fit, picture and sound" and "senses" not in known:
            continue  # the fit hears nothing here: the row above is all of it
        if system.name == "fit, picture alone" and "senses" not in known:
            found.append(System(system.name, {}))
        elif lacking:
            names = ", ".join(sorted(lacking))
            missing.append(f"{system.name}: this version has no option {names}")
        elif system.options not in seen:
            found.append(system)
            seen.append(system.options)
    return found, missing


def ask(system: System, clip: Clip, head_file: HeadFile, report: Report) -> Answer:
    """A system's answer to a clip. Raises AVFaceError when it can't serve (weights missing)."""
    if system.options is None:
        track = track_face(clip, FaceOptions(), report)
        return Answer(track.landmarks[:, MESH_TO_68, :2].astype(float), None)
    options = CaptureOptions(**system.options)  # type: ignore[arg-type]
    try:
        take = capture_motion(clip, head_file, options, report)
    except KeyError as error:  # a network that isn't in the registry
        raise AVFaceError(f"{system.name}: no weights for {error} here.", "Train them.") from error
    marks = np.where(take.found[:, None, None], take.landmarks_px, np.nan)
    return Answer(marks.astype(float), take)
