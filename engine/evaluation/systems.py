"""The systems that can be compared here: what the product's options give, and plain landmarks."""

from dataclasses import dataclass, field, replace

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..faces import FaceOptions, track_face
from ..fitting.landmark_track import landmark_track
from ..head.landmarks import mesh_to_68
from ..head.model import FaceParams, Head, fitted_params_of
from ..media import Clip
from ..methods.coarse import Sounding, estimate_coarse, unpack_models
from ..options import CaptureOptions
from ..pipeline import capture_motion
from ..progress import Report
from ..speech.hearing import hear_clip
from ..weights import load_network

NAME_WIDTH = 37  # letters of a row's name in every table


@dataclass(frozen=True)
class System:
    """One row of a table. `options` are fields of CaptureOptions; None: the tracker alone.

    `layered`: rows for its lips and its fine stage follow. `by_frame`: AVFace's networks without
    their temporal part: no frame knows another, as where a network reads single pictures.
    """

    name: str
    options: dict[str, object] | None = field(default_factory=dict)
    needs_sound: bool = False
    layered: bool = False
    by_frame: bool = False


@dataclass(frozen=True)
class Answer:
    """What a system says of a clip."""

    landmarks: np.ndarray  # (T, 68, 2) px, NaN where there is none
    params: FaceParams | None = None  # as a fit leaves them; None: landmarks alone
    take: Take | None = None  # of a capture


LANDMARKS = System("raw landmarks (tracker)", None)
SYSTEMS = (
    LANDMARKS,
    System("fit, picture alone", {"method": "fit", "senses": "picture"}),
    System("fit, picture and sound", {"method": "fit"}, needs_sound=True),
    System("sound alone", {"method": "fit", "senses": "sound"}, needs_sound=True),
    System("landmark reader alone (draft)", {"method": "fit", "quality": "draft"}),
    # as DECA reads single images, and as Abdelaziz et al. fuse (AV, dropout, no temporal part)
    System("networks by frame, picture", {"senses": "picture"}, by_frame=True),
    System("networks by frame, picture and sound", {}, needs_sound=True, by_frame=True),
    System("AVFace networks (draft)", {"method": "avface", "quality": "draft"}),
    System("AVFace networks + fit", {"method": "avface", "quality": "standard"}, layered=True),
    System("SPECTRE, lips not read", {"method": "spectre", "lip_reader": "none"}),
    System("SPECTRE", {"method": "spectre"}),
)


def ask(system: System, clip: Clip, head_file: HeadFile, report: Report) -> Answer:
    """A system's answer to a clip. Raises AVFaceError when it can't serve (weights missing)."""
    if system.options is None:
        track = track_face(clip, FaceOptions(), report)
        return Answer(mesh_to_68(track.landmarks[..., :2]))
    options = CaptureOptions(**system.options)  # type: ignore[arg-type]
    try:
        if system.by_frame:
            return _ask_by_frame(clip, Head(head_file), options, report)
        take = capture_motion(clip, head_file, options, report)
    except KeyError as error:  # a network that isn't in the registry
        raise AVFaceError(f"{system.name}: no weights for {error} here.", "Train them.") from error
    marks = np.where(take.found[:, None, None], take.landmarks_px, np.nan)
    return Answer(marks.astype(float), fitted_params_of(take), take)


def _ask_by_frame(clip: Clip, head: Head, options: CaptureOptions, report: Report) -> Answer:
    models = unpack_models(*load_network("avface"))
    models = replace(models, config=replace(models.config, window=1))
    track = track_face(clip, FaceOptions(), report)
    heard = hear_clip(clip, track, options)
    sound = Sounding(heard.features, heard.offset_seconds) if heard else None
    params = estimate_coarse(clip, track, sound, models, head, report)
    marks = landmark_track(head, params, track.size)
    return Answer(np.where(track.seen[:, None, None], marks, np.nan).astype(float), params)
