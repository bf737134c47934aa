"""The person's own skin from the clip's pictures: moles, lips, brows and stubble as they are.

Each sampled frame is laid onto the sheet and its light divided out; the median over the calmer
frames, registered to each other, is what lasts. One light a clip can't tell pigment from its own
errors: what differs from the head's albedo model over more than _BROAD_MM is in part taken for
light, and what is brighter than the skin around it for gloss. Where the clip shows no skin the
model's colour stays, and as far as the clip says little: a small face, noise.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ..easing import ease
from ..faces import FaceTrack
from ..geometry import harmonics
from ..head.model import FaceParams, Head
from ..media import Clip
from ..media.hues import colourless
from .beard_ground import as_hair, brows_and_lip, dark_beard, white_beard
from .face_sheet import FaceSheet
from .folds import bare_of_holes, round_brows
from .paint import DARKEST, change_colours, own_hues, read_colours
from .residual import LUMINANCE, masked_blur
from .shown import shown_skin, square
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
from .spectacles import without_spectacles

_TEXELS = 768  # most, across the face
_FRAMES = 16
_FEWEST = 6  # of them, the calmest, that are always used
_LEAST_SHADE = 0.12, 0.3  # of the median: no colour is told below, none darker is divided out
_LEAST_WEIGHT = 0.15
_ASLANT = 0.3, 0.5  # cosine: what is seen more slantwise may be hair or what lies behind
_BURNT = 0.95  # linear: a brighter texel has lost its colour
_DIM = 5e-3, 2e-2  # linear: no hue, all of it
_BROAD_MM = 14.0  # Gaussian sigma
_BROAD_KEPT = 0.4, 0.8  # shares of their lightness and hue that count as pigment
_GLOSS = 0.18  # log contrast at which what is brighter than around is half taken for gloss
_HUE = 0.6  # log contrast of hue that is half taken for colour of the light
_FEWEST_SHOWN = 0.02  # of the window
_NOISY_BLUR = 3.0  # times the grain's, where nothing fine lasts
_COARSEST_MM = 2.5, 5.0  # a pixel on the face: all is said, nothing is
_BEARD_MM = 5.0  # Gaussian sigma instead of _BROAD_MM where hair grows: it ends more sharply
_EDGE_MM, _FADE_MM = 7.0, 30.0  # over which fine and broad differences fade beside hair
_HOLE_MM, _GAP_MM = 2.0, 6.0  # over which fine ones do beside eyes, and gaps as narrow as that
_RIM_MM = 20.0  # and all of them towards the window's rim


@dataclass(frozen=True)
class Lasting:
    """What lasts of a person's skin over some frames, on a canvas of R x R texels."""

    own: np.ndarray  # (R, R, 3) log reflectance
    known: np.ndarray  # (R, R) in [0, 1], how many frames show it
    halves: np.ndarray  # (2, R, R) its lightness by every other frame alone
    grey: float  # 1 where the film tells no hues: without colours, or too dark


def project_colour(
    clip: Clip,
    track: FaceTrack,
    params: FaceParams,
    head: Head,
    texture: np.ndarray,
    forced: bool = False,
    shade: np.ndarray | None = None,
) -> np.ndarray | None:
    """A person's texture with the clip's own skin in it; None when the clip shows too little.

    Args:
        clip: Its pictures.
        track: Where the face is, and how well each part is seen.
        params: The fitted performance; its `light` (9, 3) is divided out.
        head: The head.
        texture: (n, n, 3) uint8 sRGB of the model, the whole sheet.
        forced: The clip's skin also where a small or noisy picture says little of it.
        shade: (n, n) log light that the relief which lasts adds: it isn't painted as well.

    Returns:
        (n, n, 3) uint8 sRGB.
    """
    frames = calm_frames(track, params, _FRAMES)
    if not len(frames):
        return None
    canvas = prepare_canvas(head, params, frames, _TEXELS)
    lasting = lasting_colour(clip, track, params, canvas, frames)
    model = read_colours(texture, canvas.sheet)
    own = own_hues(lasting.own, model, lasting.grey)
    if shade is not None:
        own = own - cv2.resize(shade, own.shape[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    white = white_beard(own, model, lasting.known > 0.5, canvas.sheet)
    beard, own = np.maximum(dark_beard(model, canvas.sheet), white), as_hair(own, white)
    shown = shown_skin(own, model, lasting.known, beard > 0, canvas.sheet)
    if shown.mean() < _FEWEST_SHOWN:
        return None
    wide, grain = _BROAD_MM / canvas.sheet.texel_mm, canvas.grain.blur
    finest = _agreement(lasting.halves, shown, grain, 2 * grain)
    blur = grain * (_NOISY_BLUR + (1 - _NOISY_BLUR) * finest)
    hair = np.maximum(beard, brows_and_lip(canvas.sheet)), white
    change = _change(own, model, shown, hair, (blur, wide), canvas.sheet)
    change = without_spectacles(change, model, canvas.sheet)
    if not forced:
        clear = (_COARSEST_MM[1] - canvas.grain.picture_mm) / (_COARSEST_MM[1] - _COARSEST_MM[0])
        change *= ease(clear) * _agreement(lasting.halves, shown, 2 * grain, wide)
    return change_colours(texture, change, canvas.sheet)


def _agreement(halves: np.ndarray, shown: np.ndarray, fine: float, wide: float) -> float:
    """How much of what the frames show between two Gaussian sigmas, texels, lasts: 0 to 1.

    What noise and slips of the fit add is another in each half (2, R, R) of the frames.
    """
    weight = shown.astype(np.float32)
    first, second = (
        (masked_blur(half, weight, fine) - masked_blur(half, weight, wide))[shown]
        for half in halves
    )
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    alike = max(float(first @ second), 0) / max(size, 1e-9)
    return 2 * alike / (1 + alike)  # Spearman and Brown: of all frames, not of half of them


def _change(
    own: np.ndarray, model: np.ndarray, shown: np.ndarray, hair: tuple[np.ndarray, np.ndarray],
    sigmas: tuple[float, float], sheet: FaceSheet,
) -> np.ndarray:  # fmt: skip
    """What makes the model's colours the clip's, log (R, R, 3), where `shown` (R, R) is skin.

    Of two Gaussian `sigmas`, texels, what is finer than the first stays the model's. What is
    broader than the second goes on beyond the skin shown and fades slowly: else its rim would be a
    veil's. In `hair`, (R, R) any and white one, it is no shade, and in white one no gloss. Nor is
    gloss what makes the model's dark patches as light as its skin, brows aside.
    """
    weight = shown.astype(np.float32)
    usual, off_brows = np.median(model[shown], axis=0), ~round_brows(sheet)

    def bands(
        finest: float, widest: float, shade: float, white: np.ndarray | float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """What differs broadly, with a share of its lightness, and finely."""
        fine_own, broad_own = (masked_blur(own, weight, sigma) for sigma in (finest, widest))
        fine_model, broad_model = (masked_blur(model, weight, sigma) for sigma in (finest, widest))
        broad, fine = broad_own - broad_model, fine_own - broad_own - (fine_model - broad_model)
        patch, mark = (
            np.maximum(darker @ LUMINANCE, 0) * off_brows
            for darker in (usual - broad_model, broad_model - fine_model)
        )
        skin = _weighed(_natural(broad, patch), shade, _BROAD_KEPT[1]), _natural(fine, mark)
        return skin[0] + white * (broad - skin[0]), skin[1] + white * (fine - skin[1])

    haired, white = (ground[..., None] for ground in hair)
    broad, fine = bands(*sigmas, _BROAD_KEPT[0])
    # as dark as at the skin's rim a beard goes on under chin and jaw
    hairy_broad, hairy_fine = bands(sigmas[0], _BEARD_MM / sheet.texel_mm, 1.0, white)
    broad, fine = broad + haired * (hairy_broad - broad), fine + haired * (hairy_fine - fine)
    window = np.pad(np.ones_like(shown), 1)  # nothing is painted beyond its rim
    whole = (shown | ~bare_of_holes(sheet)).astype(np.uint8)
    whole = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, square(_GAP_MM, sheet))
    inside, within, outside, rim = (
        cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) * sheet.texel_mm
        for mask in (shown, whole, ~shown, window)
    )
    rim = ease(rim[1:-1, 1:-1] / _RIM_MM)
    near = ease(1 - outside / _FADE_MM) * rim
    far = ease(inside / _HOLE_MM) * ease(within / _EDGE_MM) * rim
    return broad * near[..., None] + fine * far[..., None]


def _weighed(change: np.ndarray, shade: float, hue: float) -> np.ndarray:
    """Log contrast (..., 3) with a share of its lightness, and one of its hue."""
    lightness = (change @ LUMINANCE)[..., None]
    return shade * lightness + hue * (change - lightness)


def _natural(contrast: np.ndarray, mark: np.ndarray | float = 0.0) -> np.ndarray:
    """Log contrast (..., 3) without gloss and without hues that no skin has.

    What makes a `mark` (...), log lightness below the skin's, as light as skin is no gloss.
    """
    lightness = contrast @ LUMINANCE
    hue = contrast - lightness[..., None]
    brighter = np.maximum(lightness - mark, 0)
    lightness = np.minimum(lightness, mark) + brighter / (1 + brighter / _GLOSS)
    strong = np.linalg.norm(hue, axis=-1, keepdims=True)
    return lightness[..., None] + hue / (1 + strong / _HUE)


def calm_frames(track: FaceTrack, params: FaceParams, count: int) -> np.ndarray:
    """The calmer half of up to `count` frames in which the face is well seen, in order."""
    frames = sample_frames(track, count)
    order = np.argsort(activity(params, frames), kind="stable")
    return np.sort(frames[order[: max(_FEWEST, len(frames) // 2)]])


def lasting_colour(
    clip: Clip, track: FaceTrack, params: FaceParams, canvas: Canvas, frames: np.ndarray
) -> Lasting:
    """What lasts over the frames, light and the sky's share divided out."""
    size = canvas.sheet.size
    colours = np.zeros((3, len(frames), size, size), np.float16)
    weights = np.zeros((len(frames), size, size), np.float16)
    grey = np.zeros(len(frames))
    for k, view in enumerate(views(clip, track, params, canvas, frames)):
        colours[:, k], weights[k] = _unlit(view, params.light)
        grey[k] = max(colourless(view.picture), _darkness(view))

    first, known = median_of_seen(_lightness(colours), weights > _LEAST_WEIGHT)
    for k in range(len(frames)):
        lightness = _lightness(colours[:, k : k + 1])[0]
        flow = register(first, known, lightness, weights[k].astype(np.float32), canvas)
        weights[k] = shift(weights[k].astype(np.float32), flow)
        for channel in colours:
            channel[k] = shift(channel[k].astype(np.float32), flow)
    seen, lightness = weights > _LEAST_WEIGHT, _lightness(colours)
    medians = [median_of_seen(channel.astype(np.float32), seen) for channel in colours]
    own = np.stack([middle for middle, _ in medians], -1) - np.log(openness(canvas))
    halves = [median_of_seen(lightness[k::2], seen[k::2])[0] for k in (0, min(1, len(frames) - 1))]
    known = np.clip(2 * medians[0][1], 0, 1)
    return Lasting(own, known, np.stack(halves), float(np.median(grey)))


def _darkness(view: View) -> float:
    """1 where a face's weakest colour is noise and rounding, 0 where it is seen."""
    colours = view.colour[view.seen > 0.5]
    weakest = np.median(colours, axis=0).min() if len(colours) else 0.0
    return float(np.clip((_DIM[1] - weakest) / (_DIM[1] - _DIM[0]), 0, 1))


def _unlit(view: View, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log reflectance (3, R, R) of one frame, and its weight (R, R)."""
    shade = harmonics(view.surface.normal) @ light.astype(np.float32)
    brightness, squarely = shade @ LUMINANCE, view.seen > 0.5
    usual = float(np.median(brightness[squarely])) if squarely.any() else 1.0
    black, least = (share * usual for share in _LEAST_SHADE)
    shade *= np.maximum(least / np.maximum(brightness, 1e-2), 1)[..., None]
    colour = np.log(np.maximum(view.colour, DARKEST)) - np.log(np.maximum(shade, 1e-2))
    facing = np.clip((view.surface.normal[..., 2] - _ASLANT[0]) / (_ASLANT[1] - _ASLANT[0]), 0, 1)
    sound = view.colour[..., 1:].max(-1) < _BURNT  # red burns first, and green still tells
    weight = view.seen * facing * sound * (brightness > black)
    return np.moveaxis(colour, -1, 0), weight


def _lightness(colours: np.ndarray) -> np.ndarray:
    """(3, T, R, R) log colours -> (T, R, R)."""
    return np.tensordot(LUMINANCE, colours.astype(np.float32), 1)
