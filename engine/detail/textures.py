"""The pictures beside a take: the skin's colours and its normal maps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..exchange.files import take_stem
from ..exchange.take import Take
from ..faces import FaceTrack
from ..head.model import FaceParams, Head
from ..media import Clip
from ..media.pictures import read_picture, write_picture
from ..options import CaptureOptions
from ..progress import Report
from .appearance import Face
from .bake import bake_normals
from .complexion import person_texture
from .features import paint_features
from .projected import project_colour
from .recover import DetailOptions, recover_detail

_SIZE = 1024  # px, the whole sheet of colours


@dataclass(frozen=True)
class Performed:
    """What is seen and heard of a face in each picture of a clip."""

    clip: Clip
    track: FaceTrack
    params: FaceParams
    sound: np.ndarray | None = None  # (T, 16, C) around each picture


def write_textures(
    done: Performed,
    face: Face | None,
    head: Head,
    out: Path,
    options: CaptureOptions,
    report: Report,
) -> dict[str, Any]:
    """Write the skin's colour and normal maps beside the take; what `Take` stores about them."""
    name, clip, track, params = take_stem(out), done.clip, done.track, done.params
    stage = report.part("detail", 0.6, 0.4)
    read, drawn = stage.part("detail", 0, 0.7), stage.part("detail", 0.7, 0.3)
    relief = DetailOptions(quality=options.detail)
    detail = recover_detail(clip, track, params, head, relief, read, done.sound)
    normals = bake_normals(detail, head, params, out.parent, name, drawn)
    texture = paint_features(person_texture(head, params.albedo, _SIZE), face)
    if options.skin != "model":
        forced = options.skin == "clip"
        shade = None if detail is None else detail.shade
        projected = project_colour(clip, track, params, head, texture, forced, shade)
        if projected is not None:
            texture = projected
        elif forced:
            report.warn("The clip shows too little skin: its colours are the head's model's.")
    return {**write_colours(texture, out), **normals}


def unseen_skin(take: Take, person: Take | None, head: Head, options: CaptureOptions) -> np.ndarray:
    """The skin (n, n, 3) uint8 of somebody who is only heard: as another take has painted it."""
    painted = Path(options.person).parent / person.albedo_image if person else Path()
    if painted.is_file():
        return read_picture(painted)
    return person_texture(head, take.albedo, _SIZE)


def write_colours(texture: np.ndarray, out: Path) -> dict[str, Any]:
    """Write the skin's colours beside the take; what `Take` stores about them."""
    name = take_stem(out)
    colour = out.with_name(f"{name}.albedo.png")
    write_picture(texture, colour)
    return {"albedo_image": colour.name}
