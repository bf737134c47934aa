"""What a clip says about a person's skin: the light on it, its albedo, and each frame's own change.

Frames are looked at one at a time; of the sampled ones only brightness and weight are kept, so that
memory doesn't grow with the clip.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numba
import numpy as np

from ..faces import FaceTrack
from ..geometry import rotation_matrix
from ..head.model import FaceParams, Head
from ..media import Clip, read_some
from ..render import interpolate
from ..render.occlusion import RED_IN_HOLLOWS, ambient_openness
from .face_sheet import FaceSheet, Surface, build_sheet, window_mm
from .folds import calm_skin, fold_zones, fringe, on_hair_ground, open_skin, region_reach, trusted
from .light import draw_samples, fit_light, log_shading
from .residual import LUMINANCE, Grain, masked_blur, skin_share
from .unwrap import unwrap

SAMPLES = 24  # frames from which light and albedo are taken
_HAIR_CONTRAST = 0.5  # log albedo below the middle of the face
_FEWEST = 8  # of them, before worse frames are taken in
_COARSE = 4  # the coarse surface's shading is smooth: every fourth texel is enough
_LEAST_WEIGHT = 0.15
_FLOW_LIMIT_MM = 2.5
_FLOW_SMOOTH_MM = 3.0
_LEAST_SIZE = 128  # texels
_SKIES, _DEEPEST = 48, 0.4  # directions; deeper than that light from the skin round it fills in
JAW_UNIT = 0.15  # rad: half open counts as one unit


@dataclass(frozen=True)
class Canvas:
    """A person's texture sheet at the resolution that a clip can fill."""

    head: Head
    rest: tuple[np.ndarray, np.ndarray]  # vertices, joints of the person
    sheet: FaceSheet
    open: np.ndarray  # (R, R) skin that may bear relief
    calm: np.ndarray  # (R, R) bool
    zones: np.ndarray  # (R, R)
    fringe: np.ndarray  # (R, R) bool
    reach: np.ndarray  # (len(REGIONS), R, R)
    grain: Grain


@dataclass(frozen=True)
class View:
    """One frame on the canvas."""

    frame: int
    picture: np.ndarray  # (H, W, 3) uint8, the whole frame
    brightness: np.ndarray  # (R, R) log luminance
    colour: np.ndarray  # (R, R, 3) linear RGB
    seen: np.ndarray  # (R, R) in [0, 1]: nothing but a region's low confidence taken off
    bare: np.ndarray  # (R, R) in [0, 1]: of this person's colour, no hair
    weight: np.ndarray  # (R, R) trust: open skin only
    surface: Surface


@dataclass(frozen=True)
class Skin:
    """Light and albedo of a person in a clip."""

    light: np.ndarray  # (9,) luminance
    albedo: np.ndarray  # (R, R) log luminance without shading, of the calm face
    bare: np.ndarray  # (R, R) in [0, 1]: no strands, no beard
    weight: np.ndarray  # (R, R) how well it is known


def picture_mm(params: FaceParams, frames: np.ndarray) -> float:
    """How much of the face one pixel of the clip covers, millimetres, over `frames`."""
    distance = np.median(-params.head_translation[frames, 2])
    return float(distance / params.focal * 1e3)


def prepare_canvas(head: Head, params: FaceParams, frames: np.ndarray, largest: int) -> Canvas:
    """The sheet at a little finer than the clip's pixels, at most `largest` texels wide."""
    rest = head.rest(params.shape)
    pixel_mm = picture_mm(params, frames)
    texels = window_mm(head, rest[0]) / (0.75 * pixel_mm)
    size = int(np.clip(32 * np.ceil(texels / 32), _LEAST_SIZE, largest))
    sheet = build_sheet(head, rest[0], size)
    return Canvas(
        head, rest, sheet, open_skin(sheet), calm_skin(sheet), fold_zones(sheet),
        fringe(sheet), region_reach(sheet), Grain(sheet.texel_mm, pixel_mm),
    )  # fmt: skip


def openness(canvas: Canvas) -> np.ndarray:
    """How much of the sky's red, green and blue reaches each texel, (R, R, 3) up to 1.

    Not below _DEEPEST; 1 off the skin.
    """
    sheet = canvas.sheet
    at_vertices = ambient_openness(canvas.rest[0], canvas.head.file.faces, _SKIES)
    laid = interpolate(at_vertices[:, None], sheet.faces, sheet.face_id, sheet.barycentric)[..., 0]
    seen = np.where(sheet.on_skin, np.maximum(laid, _DEEPEST), 1)
    return np.stack([seen * (1 + RED_IN_HOLLOWS * (1 - seen)), seen, seen], -1).astype(np.float32)


def look(
    canvas: Canvas, track: FaceTrack, params: FaceParams, frame: int, picture: np.ndarray
) -> View:
    """One frame's picture (H, W, 3) uint8 on the canvas, with what is not open skin weighed out."""
    vertices = canvas.head.camera_frame(params, frame, canvas.rest)
    landmarks = track.landmarks[frame, :468, :2].astype(np.float64)
    turn = rotation_matrix(params.head_pose[frame][None])[0]
    seen = unwrap(canvas.sheet, canvas.head, vertices, params.focal, picture, turn, landmarks)
    uncovered = seen.weight * trusted(canvas.reach, track.confidence[frame])
    weight = uncovered * canvas.open
    bare = skin_share(seen.colour, weight, canvas.calm, canvas.sheet.texel_mm)
    weight *= bare
    brightness = np.log(np.maximum(seen.colour @ LUMINANCE, 1e-3))
    return View(frame, picture, brightness, seen.colour, uncovered, bare, weight, seen.surface)


def views(
    clip: Clip, track: FaceTrack, params: FaceParams, canvas: Canvas, frames: Iterable[int]
) -> Iterator[View]:
    """The wanted frames of a clip, in order, each on the canvas."""
    for frame, picture in read_some(clip, np.unique(np.array(list(frames), int))):
        yield look(canvas, track, params, frame, picture)


def sample_frames(track: FaceTrack, count: int = SAMPLES) -> np.ndarray:
    """Up to `count` frames spread over those in which all of the face, or most of it, is seen."""
    good = np.flatnonzero(track.seen)
    for best in (track.confidence.min(1) > 0.5, track.confidence[:, 0] > 0.3):
        if (track.seen & best).sum() >= _FEWEST:
            good = np.flatnonzero(track.seen & best)
            break
    picks = np.linspace(0, len(good) - 1, min(count, len(good))).round().astype(int)
    return good[np.unique(picks)]


def learn_skin(
    clip: Clip, track: FaceTrack, params: FaceParams, canvas: Canvas, frames: np.ndarray
) -> Skin | None:
    """Light and albedo from sampled frames; None when they show no skin.

    The albedo is the median over the calmer half of the frames, first as they lie, then once more
    with each frame registered to the first median: the fit's small slips would blur it.
    """
    size = canvas.sheet.size
    ratios = np.zeros((len(frames), size, size), np.float16)
    weights = np.zeros_like(ratios)
    normals, light_normals, light_values = [], [], []
    generator = np.random.default_rng(0)
    for k, view in enumerate(views(clip, track, params, canvas, frames)):
        ratios[k], weights[k] = view.brightness, view.weight
        normals.append(view.surface.normal[::_COARSE, ::_COARSE].astype(np.float16))
        drawn = draw_samples(view.weight, generator)
        light_normals.append(view.surface.normal.reshape(-1, 3)[drawn])
        light_values.append(np.exp(view.brightness.ravel()[drawn]))
    if sum(map(len, light_values)) < 1000:
        return None
    light = fit_light(np.concatenate(light_normals), np.concatenate(light_values))
    for k, coarse in enumerate(normals):
        ratios[k] -= _enlarge(log_shading(coarse.astype(np.float32), light), size)

    calm = _calm_half(params, frames[: len(normals)])
    first, known = _median(ratios[calm], weights[calm])
    known *= canvas.open
    for k in calm:
        flow = register(first, known, ratios[k].astype(np.float32), weights[k], canvas)
        ratios[k], weights[k] = (shift(a[k].astype(np.float32), flow) for a in (ratios, weights))
    albedo, known = _median(ratios[calm], weights[calm])
    bare = _not_hair(albedo, known, canvas)
    return Skin(light, albedo, bare, known * canvas.open * bare)


def _not_hair(albedo: np.ndarray, known: np.ndarray, canvas: Canvas) -> np.ndarray:
    """(R, R) in [0, 1]: 0 where the albedo is far darker than this skin: strands, beard, frames."""
    usual = np.median(albedo[canvas.calm & (known > 0.5)]) if known.max() > 0.5 else 0.0
    texel_mm = canvas.sheet.texel_mm
    dark = (masked_blur(albedo, known, 0.6 / texel_mm) < usual - _HAIR_CONTRAST) & (known > 0.1)
    dark &= on_hair_ground(canvas.sheet, canvas.zones)
    side = 2 * round(2.0 / texel_mm) + 1
    dark = cv2.dilate(dark.astype(np.float32), np.ones((side, side)))
    return np.clip(1 - 1.5 * cv2.GaussianBlur(dark, (0, 0), max(0.8 / texel_mm, 0.5)), 0, 1)


def change(view: View, skin: Skin, canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """A frame's log ratio to its shaded albedo, registered to it, and its weight: (R, R) each.

    The albedo cancels: what is left is how this frame's relief differs from the calm face's.
    """
    coarse = log_shading(view.surface.normal[::_COARSE, ::_COARSE], skin.light)
    ratio = view.brightness - _enlarge(coarse, canvas.sheet.size)
    flow = register(skin.albedo, skin.weight, ratio, view.weight, canvas)
    weight = shift(view.weight, flow) * skin.weight
    return (shift(ratio, flow) - skin.albedo) * (weight > 0), weight


def register(
    albedo: np.ndarray, known: np.ndarray, ratio: np.ndarray, weight: np.ndarray, canvas: Canvas
) -> np.ndarray:
    """How far (R, R, 2) texels a frame's texture lies from the albedo's; smooth and small."""
    texel_mm = canvas.sheet.texel_mm
    weight = weight.astype(np.float32)

    def picture(values: np.ndarray, trust: np.ndarray) -> np.ndarray:
        fine = values - masked_blur(values, trust, 4 / texel_mm)
        return np.clip(128 + 260 * fine * (trust > 0.05), 0, 255).astype(np.uint8)

    still, moving = picture(albedo, known), picture(ratio, weight)
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = finder.calc(still, moving, None)  # type: ignore[call-overload]
    limit, reach = _FLOW_LIMIT_MM / texel_mm, _FLOW_SMOOTH_MM / texel_mm
    trust = known * weight + np.float32(1e-3)
    flow = masked_blur(np.clip(flow, -limit, limit), trust, reach)

    # On skin without marks the flow is a guess (a new wrinkle is pulled onto nothing): it counts
    # as far as it makes the pictures more alike.
    def unlike(values: np.ndarray) -> np.ndarray:
        return masked_blur((still - values.astype(np.float32)) ** 2, trust, reach)

    gain = 1 - unlike(shift(moving, flow)) / (unlike(moving) + 1)
    return flow * np.clip((gain - 0.2) / 0.2, 0, 1)[..., None]


def shift(values: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Values (R, R) read where the flow points."""
    rows, columns = values.shape
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return cv2.remap(values, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)


def activity(params: FaceParams, frames: np.ndarray) -> np.ndarray:
    """How far each frame's face is from rest, in units of expression coefficients."""
    jaw = np.linalg.norm(params.jaw[frames], axis=1) / JAW_UNIT
    return np.abs(params.expression[frames]).sum(1) + jaw


def _calm_half(params: FaceParams, frames: np.ndarray) -> np.ndarray:
    """Positions in `frames` of the calmer half, at least _FEWEST where there are as many."""
    order = np.argsort(activity(params, frames), kind="stable")
    return np.sort(order[: max(_FEWEST, len(frames) // 2)])


def _enlarge(coarse: np.ndarray, size: int) -> np.ndarray:
    """Every _COARSE-th texel back to (size, size); texel 0 sits on texel 0."""
    grid = np.arange(size, dtype=np.float32) / _COARSE
    x, y = np.meshgrid(grid, grid)
    return cv2.remap(coarse, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _median(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median (R, R) over the frames that see a texel, and how many do, as a weight in [0, 1]."""
    middle, share = median_of_seen(values.astype(np.float32), weights > _LEAST_WEIGHT)
    return middle, np.clip(2 * share, 0, 1)


def median_of_seen(values: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median (R, R) of values (T, R, R) over the frames that see a texel, and their share."""
    return _median_of_seen(values, seen)


@numba.njit(cache=True)
def _median_of_seen(values, seen):
    frames, rows, columns = values.shape
    middle = np.zeros((rows, columns), np.float32)
    share = np.zeros((rows, columns), np.float32)
    some = np.empty(frames, np.float32)
    for i in range(rows):
        for j in range(columns):
            count = 0
            for k in range(frames):
                if seen[k, i, j]:
                    some[count] = values[k, i, j]
                    count += 1
            if count:
                middle[i, j] = np.median(some[:count])
                share[i, j] = count / frames
    return middle, share
