"""How far down the hair hangs: what lies over the ears and beside the neck.

Places beside the neck are hair where they are nearer to the colours of the head's hair than to
background and skin. A dark wall, hood or jacket is that too; but hair that hangs goes on from
above, over the ear. So both sides must show it and the ears be covered in part, or one side whose
ear is covered; nobody has it whose ears are bare. Fair hair looks like skin: where both sides show
it one covered ear outweighs a bare one. What covers an ear tells the colour of the strands below
it, which needn't be that of the crown; where it covers both ears it reaches down to the jaw,
whatever is seen below.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import KDTree

from ..geometry import project, to_camera
from ..head.model import FaceParams, Head
from ..srgb import linear_from_srgb

DARKEST = 4e-3  # linear
_NEAREST = 4  # the neighbour whose distance counts
_BELOW_MM, _BESIDE_MM = np.arange(10.0, 130, 5), np.arange(-10.0, 22, 4)  # ears' ends, outer edges
_FIRST = 5  # heights below the ears: all of them have hair where it hangs
_LIKE_HAIR = 0.4  # share of the way from background and skin
_NOT_HAIR = 2.0  # log: so far from any hair (an eighth, or eight times) is something else
_STRAND = 75  # percentile across: some of it may be background
_FEWEST_FRAMES, _FEWEST_OF_EAR = 2, 60  # vertices
_OUTSIDE_PX = 1.0  # of the face, where an ear may be seen
_UNLIKE_SKIN, _AS_BACKGROUND = 0.6, 0.5  # log; share of that
_BARE_SKIN = 0.35  # log: an ear in the face's own light
_COVERED, _BARE = 0.45, 0.75  # share of an ear
_COVERED_ALONE, _MORE = 0.6, 0.2  # of the ear on a side that alone shows it; than is bare
_IN_PART = 0.45  # of what is bare of the ears: less is covered of nobody whose hair hangs
_WHOLLY, _TO_JAW_MM = 0.8, 40.0  # covered, the mean; how far hair hangs then at least


@dataclass(frozen=True)
class Palette:
    """Log colours (n, 3) that are known for sure in a frame."""

    hair: np.ndarray
    back: np.ndarray
    skin: np.ndarray


@dataclass(frozen=True)
class Sides:
    """What a frame tells of the left and the right side; NaN where it can't tell."""

    hanging: np.ndarray  # (2, len(_BELOW_MM)) how like hair it is beside the neck
    covered: np.ndarray  # (2,) share of the ear's place that is hair
    bare: np.ndarray  # (2,) share of it that is skin in the face's light


UNSEEN = Sides(np.full((2, len(_BELOW_MM)), np.nan), np.full(2, np.nan), np.full(2, np.nan))


def see_sides(
    picture: np.ndarray,
    params: FaceParams,
    head: Head,
    rest: tuple,
    frame: int,
    palette: Palette,
) -> Sides:
    """What lies over the ears and beside the neck in a picture (H, W, 3) uint8 of a frame."""
    size = picture.shape[1::-1]
    places = project(head.camera_frame(params, frame, rest), params.focal, size)
    below = _beside_neck(head, rest[0])
    hanging = np.full((2, len(_BELOW_MM)), np.nan)
    covered, bare = np.full(2, np.nan), np.full(2, np.nan)
    for k, ear in enumerate(_ears_outside(head, rest[0], places)):
        colours, hair = log_colours(picture, places[ear]), palette.hair
        colours = colours[np.isfinite(colours[:, 0])]
        if len(colours) >= _FEWEST_OF_EAR:
            to_hair, to_back, to_skin = _away_from_all(palette, colours)
            over = (to_skin > _UNLIKE_SKIN) & (to_hair < _NOT_HAIR)
            over &= to_back > _AS_BACKGROUND * to_skin
            covered[k] = max(over.mean(), (to_hair < to_skin).mean())
            bare[k] = ((to_skin < _BARE_SKIN) & (to_skin <= to_hair)).mean()
            if over.mean() > _COVERED:
                hair = np.vstack([hair, colours[over]])
        posed = to_camera(
            below[k].reshape(-1, 3), params.head_pose[frame], params.head_translation[frame]
        )
        seen = log_colours(picture, project(posed, params.focal, size))
        hanging[k] = _like_hair(seen, Palette(hair, palette.back, palette.skin))
    return Sides(hanging, covered, bare)


def hanging_down(sights: list[Sides]) -> float:
    """How far below the ears the hair hangs, mm; 0 where it doesn't."""
    like = np.array([sight.hanging for sight in sights]).reshape(-1, 2, len(_BELOW_MM))
    covered, bare = (
        _medians(np.array([getattr(sight, name) for sight in sights]).reshape(-1, 2))
        for name in ("covered", "bare")
    )
    haired = _medians(like) > _LIKE_HAIR
    hangs, known = haired[:, :_FIRST].all(1), np.isfinite(covered)
    hidden = float(covered[known].mean()) if known.any() else 0.0
    shown = float(bare[known].mean()) if known.any() else 0.0
    least = _TO_JAW_MM if hidden > _WHOLLY and shown < 1 - _WHOLLY else 0.0
    if not hangs.all():  # one side alone: by what lies over its ear, and more of both than is bare
        hangs &= (covered > _COVERED_ALONE) & (hidden > shown + _MORE) & ~(bare > _BARE).any()
    elif (bare > _BARE).any() and not (covered > _COVERED_ALONE).any():
        return 0.0
    if not hangs.any() or hidden < _IN_PART * shown:
        return least
    ends = [int(np.argmin(np.append(side, False))) - 1 for side in haired[hangs]]
    return max(float(_BELOW_MM[ends].mean()), least)


def log_colours(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Log linear colours (n, 3) of a picture at places (n, 2) px; NaN outside."""
    size = np.array(picture.shape[1::-1])
    inside = ((places >= 0) & (places < size)).all(1)
    column, row = places[inside].astype(int).T
    colours = np.full((len(places), 3), np.nan)
    colours[inside] = np.log(linear_from_srgb(picture[row, column]) + DARKEST)
    return colours


def away_from(samples: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """How far colours (n, 3) lie from the _NEAREST-th nearest of samples, (n,)."""
    return KDTree(samples).query(colours, k=_NEAREST)[0][:, -1]


def _away_from_all(palette: Palette, colours: np.ndarray) -> tuple[np.ndarray, ...]:
    """How far colours (n, 3) lie from hair, background and skin, (n,) each."""
    return tuple(away_from(x, colours) for x in (palette.hair, palette.back, palette.skin))


def _like_hair(colours: np.ndarray, palette: Palette) -> np.ndarray:
    """0 to 1 at each height below an ear, (len(_BELOW_MM),), by colours of all places there."""
    whole = np.isfinite(colours[:, 0])
    like = np.full(len(colours), np.nan)
    if whole.any():
        to_hair, to_back, to_skin = _away_from_all(palette, colours[whole])
        other = np.minimum(to_back, to_skin)
        like[whole] = np.where(to_hair < _NOT_HAIR, other / (to_hair + other + 1e-6), 0)
    like = like.reshape(len(_BELOW_MM), -1)
    seen, across = np.isfinite(like).any(1), np.full(len(_BELOW_MM), np.nan)
    across[seen] = np.nanpercentile(like[seen], _STRAND, axis=1)
    return across


def _medians(values: np.ndarray) -> np.ndarray:
    """The median over frames (F, ...); NaN where too few tell."""
    told = np.isfinite(values).sum(0) >= _FEWEST_FRAMES
    middle = np.full(values.shape[1:], np.nan)
    middle[told] = np.nanmedian(values[:, told], axis=0)
    return middle


def _ears_outside(head: Head, rest: np.ndarray, places: np.ndarray) -> list[np.ndarray]:
    """The vertices of the left and the right ear that lie outside the face in the picture."""
    masks = head.file.masks
    face = cv2.convexHull(places[masks["face"]].astype(np.float32))
    ears = []
    for side in (1, -1):
        ear = np.flatnonzero(masks["ears"] & (side * rest[:, 0] > 0))
        inside = [cv2.pointPolygonTest(face, (x, y), True) for x, y in places[ear].tolist()]
        ears.append(ear[np.array(inside) < -_OUTSIDE_PX])
    return ears


def _beside_neck(head: Head, rest: np.ndarray) -> np.ndarray:
    """Places (2, len(_BELOW_MM), len(_BESIDE_MM), 3) m below the ears, on both sides."""
    ears = rest[head.file.masks["ears"]]
    places = np.empty((2, len(_BELOW_MM), len(_BESIDE_MM), 3))
    places[..., 0] = np.abs(ears[:, 0]).max() + 1e-3 * _BESIDE_MM
    places[1, ..., 0] *= -1
    places[..., 1] = ears[:, 1].min() - 1e-3 * _BELOW_MM[:, None]
    places[..., 2] = ears[:, 2].mean()
    return places
