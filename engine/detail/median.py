"""The median picture of a face over some frames, and what each shows of eyes, teeth and hair."""

from dataclasses import dataclass

import numpy as np

from ..faces import FaceTrack
from ..head.model import FaceParams
from ..media import Clip
from ..media.hues import colourless, hue_of_whites, whitest
from .forehead import Forehead, ForeheadSight, see_forehead
from .hair_colour import see_hair
from .mouth import MouthSight, see_mouth
from .parts import Sight, see_irises, see_teeth
from .skin import Canvas, median_of_seen, openness, views
from .volume import Outline, see_outline
from .whites import see_whites

_OUTLINED = 2  # every so many frames tells how far hair stands off


@dataclass(frozen=True)
class Median:
    """The median picture of the face, R x R texels."""

    colour: np.ndarray  # (R, R, 3) linear
    normal: np.ndarray  # (R, R, 3) unit
    openness: np.ndarray  # (R, R, 3) share of the sky that reaches the face at rest
    trust: np.ndarray  # (R, R) the share of the frames that show a texel
    irises: list[Sight]
    eye_whites: list[Sight]
    teeth: list[Sight]
    mouths: list[MouthSight]
    hair: list[Sight]
    outlines: list[Outline]
    foreheads: list[ForeheadSight]
    grey: float  # 1 where the pictures have one hue all over
    white: float  # linear: how bright the pictures get
    whites: np.ndarray  # (3,) log hue of what is brightest in them


def gather(
    clip: Clip,
    track: FaceTrack,
    params: FaceParams,
    canvas: Canvas,
    frames: np.ndarray,
    forehead: Forehead,
) -> Median:
    """What `frames` (n,) show on the canvas, each looked at once."""
    size = canvas.sheet.size
    pictures = np.zeros((3, len(frames), size, size), np.float32)
    weights = np.zeros((len(frames), size, size), np.float32)
    normals = np.zeros((size, size, 3), np.float32)
    irises, eye_whites, teeth, mouths, hair, outlines, foreheads = ([] for _ in range(7))
    grey, white, whites = [], [], []
    for k, view in enumerate(views(clip, track, params, canvas, frames)):
        pictures[:, k] = np.moveaxis(view.colour, -1, 0)
        weights[k] = view.seen
        normals += view.surface.normal * view.seen[..., None]
        grey.append(colourless(view.picture))
        white.append(whitest(view.picture))
        whites.append(hue_of_whites(view.picture))
        irises.append(see_irises(view.picture, track, params, view.frame))
        eye_whites.append(see_whites(view.picture, track, params, view.frame))
        teeth.append(see_teeth(view.picture, track, params, view.frame))
        mouth = see_mouth(view.picture, track, params, canvas, view.frame)
        mouths += [mouth] if mouth else []
        sight = view.picture, params, canvas.head, canvas.rest, view.frame
        hair.append(see_hair(*sight))
        foreheads.append(see_forehead(*sight, forehead))
        if k % _OUTLINED == 0:
            outlines.append(see_outline(*sight))
    medians = [median_of_seen(picture, weights > 0.3) for picture in pictures]
    colour = np.stack([middle for middle, _ in medians], -1)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals /= np.maximum(length, 1e-6)
    return Median(
        colour, normals, openness(canvas), medians[0][1], irises, eye_whites, teeth, mouths,
        hair, outlines, foreheads, float(np.median(grey)), float(np.median(white)),
        np.median(whites, axis=0),
    )  # fmt: skip
