"""The person's own skin from the clip's pictures: moles, lips, brows and stubble as they are.

Each sampled frame is laid onto the sheet and its light divided out; the median over the calmer
frames, registered to each other, is what lasts. One light a clip can't tell pigment from its own
errors: what differs from the head's albedo model over more than _BROAD_MM is mostly taken for
light, and what is brighter than the skin around it for gloss. Where the clip shows no skin the
model's colour stays.
"""

import cv2
import numpy as np

from ..faces import FaceTrack
from ..geometry import harmonics
from ..head.model import FaceParams, Head
from ..media import Clip
from .folds import bare_of_eyes, hair_reaches
from .paint import DARKEST, change_colours, read_colours
from .residual import LUMINANCE, masked_blur
from .skin import (
    Canvas,
    View,
    activity,
    median_of_seen,
    openness,
    prepare_canvas,
    register,
    sample_frames,
    shift,
    views,
)

_TEXELS = 768  # most, across the face
_FRAMES = 16
_FEWEST = 6  # of them, the calmest, that are always used
_LEAST_SHADE = 0.3  # of the median shading: darker skin says little of its colour
_LEAST_WEIGHT = 0.15
_ASLANT = 0.35, 0.55  # cosine: what is seen more slantwise may be hair or what lies behind
_BURNT = 0.95  # linear: a brighter texel has lost its colour
_BROAD_MM = 14.0  # Gaussian sigma
_BROAD_KEPT = 0.25  # share of broad differences that counts as pigment
_GLOSS = 0.18  # log contrast at which what is brighter than around is half taken for gloss
_LIMIT = 1.5  # log contrast to the model: no skin differs more
_STRAND = 0.3  # log lightness below the model's: hair that hangs over the skin
_STRAND_MM = 2.5  # round it, where single hairs show
_EDGE_MM = 5.0  # over which the clip's colours fade into the model's


def project_colour(
    clip: Clip, track: FaceTrack, params: FaceParams, head: Head, texture: np.ndarray
) -> np.ndarray | None:
    """A person's texture with the clip's own skin in it; None when the clip shows too little.

    Args:
        clip: Its pictures.
        track: Where the face is, and how well each part is seen.
        params: The fitted performance; its `light` (9, 3) is divided out.
        head: The head.
        texture: (n, n, 3) uint8 sRGB of the model, the whole sheet.

    Returns:
        (n, n, 3) uint8 sRGB.
    """
    frames = calm_frames(track, params, _FRAMES)
    if not len(frames):
        return None
    canvas = prepare_canvas(head, params, frames, _TEXELS)
    own, known = lasting_colour(clip, track, params, canvas, frames)
    own -= np.log(openness(canvas))[..., None]
    model = read_colours(texture, canvas.sheet)
    own = np.clip(own, model - _LIMIT, model + _LIMIT)
    trust = _trust(own - model, known, canvas)
    if trust.mean() < 0.02:
        return None
    broad, usual = (masked_blur(x, trust, _BROAD_MM / canvas.sheet.texel_mm) for x in (own, model))
    change = usual + _BROAD_KEPT * (broad - usual) + _without_gloss(own - broad) - model
    return change_colours(texture, change * trust[..., None], canvas.sheet)


def _without_gloss(change: np.ndarray) -> np.ndarray:
    """Log contrast (R, R, 3) with what is brighter than around, in any channel, compressed."""
    brighter = np.maximum(change, 0)
    return np.minimum(change, 0) + brighter / (1 + brighter / _GLOSS)


def calm_frames(track: FaceTrack, params: FaceParams, count: int) -> np.ndarray:
    """The calmer half of up to `count` frames in which the face is well seen, in order."""
    frames = sample_frames(track, count)
    order = np.argsort(activity(params, frames), kind="stable")
    return np.sort(frames[order[: max(_FEWEST, len(frames) // 2)]])


def lasting_colour(
    clip: Clip, track: FaceTrack, params: FaceParams, canvas: Canvas, frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log reflectance (R, R, 3) that lasts over the frames, and how many show it (R, R), 0..1."""
    size = canvas.sheet.size
    colours = np.zeros((3, len(frames), size, size), np.float16)
    weights = np.zeros((len(frames), size, size), np.float16)
    for k, view in enumerate(views(clip, track, params, canvas, frames)):
        colours[:, k], weights[k] = _unlit(view, params.light)

    first, known = median_of_seen(_lightness(colours), weights > _LEAST_WEIGHT)
    for k in range(len(frames)):
        lightness = _lightness(colours[:, k : k + 1])[0]
        flow = register(first, known, lightness, weights[k].astype(np.float32), canvas)
        weights[k] = shift(weights[k].astype(np.float32), flow)
        for channel in colours:
            channel[k] = shift(channel[k].astype(np.float32), flow)
    seen = weights > _LEAST_WEIGHT
    medians = [median_of_seen(channel.astype(np.float32), seen) for channel in colours]
    return np.stack([middle for middle, _ in medians], -1), np.clip(2 * medians[0][1], 0, 1)


def _unlit(view: View, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log reflectance (3, R, R) of one frame, and its weight (R, R)."""
    shade = harmonics(view.surface.normal) @ light.astype(np.float32)
    usual = np.median(shade[view.seen > 0.5], axis=0) if (view.seen > 0.5).any() else 1.0
    lit = shade @ LUMINANCE > _LEAST_SHADE * float(np.dot(usual, LUMINANCE))
    colour = np.log(np.maximum(view.colour, DARKEST)) - np.log(np.maximum(shade, 1e-2))
    facing = np.clip((view.surface.normal[..., 2] - _ASLANT[0]) / (_ASLANT[1] - _ASLANT[0]), 0, 1)
    weight = view.seen * facing * lit * (view.colour.max(-1) < _BURNT)
    return np.moveaxis(colour, -1, 0), weight


def _lightness(colours: np.ndarray) -> np.ndarray:
    """(3, T, R, R) log colours -> (T, R, R)."""
    return np.tensordot(LUMINANCE, colours.astype(np.float32), 1)


def _trust(change: np.ndarray, known: np.ndarray, canvas: Canvas) -> np.ndarray:
    """(R, R) in [0, 1]: skin that the clip shows, without eyes, nostrils, strands and rims."""
    sheet = canvas.sheet
    shown = bare_of_eyes(sheet) & (known > 0.5)
    dark = masked_blur(change @ LUMINANCE, known, 0.8 / sheet.texel_mm) < -_STRAND
    dark &= hair_reaches(sheet)
    side = 2 * round(_STRAND_MM / sheet.texel_mm) + 1
    shown &= cv2.dilate(dark.astype(np.uint8), np.ones((side, side))) == 0
    inside = cv2.distanceTransform(shown.astype(np.uint8), cv2.DIST_L2, 5) * sheet.texel_mm
    fade = np.clip(inside / _EDGE_MM, 0, 1)
    return (fade * fade * (3 - 2 * fade)).astype(np.float32)
