"""What the track says to the fit: what is hidden, how sure points are, where teeth tell the jaw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..exchange.take import REGIONS
from ..geometry import rotation_matrix
from .landmark_head import (
    JAW,
    LEFT_PUPIL,
    MESH_POINTS,
    POSE,
    RIGHT_PUPIL,
    TRANSLATION,
    LandmarkHead,
)
from .lids import shut_lids
from .solver import Targets
from .sound import SoundTerms, closing
from .start import Start, observed_points
from .subject import Evidence
from .terms import (
    INNER_LIPS,
    LIP_PAIRS,
    OUTER_LIPS,
    OVAL,
    PAIR_SD,
    PAIRS,
    ROBUST_SIZE,
    landmark_sd,
    region_points,
    region_unknowns,
)

if TYPE_CHECKING:
    from ..faces import FaceTrack

# Errors of the 468 landmarks go together: their weight is that of far fewer independent points.
# What a pair of lips says is said by its points, too; lids are thin, and their points less exact.
_POINT_SHARE, _LIP_PAIR_SHARE, _LID_PAIR_SHARE = 0.60, 0.30, 0.50
_CLOSURE_TRUST, _CLOSURE_GAP = 40.0, 1e-3  # shut lips are a sharp event: weight, and its width, m
_TOUCH = (0.6e-3, 1.6e-3)  # m: the tracker leaves lips that touch this far open
_HIDDEN_WEIGHT = 0.002  # of points behind a cover or out of the picture: the tracker invents them
_SHAKEN_WEIGHT = 0.01  # of all others while the mouth is covered: the tracker turns the face
_JAW_LINE_WEIGHT = 0.07  # of the chin and jaw beneath a covered mouth, as the network sees them
_LOST_BELOW, _COVERED_BELOW = 0.2, 0.5  # confidence in the face, in a region of it
_EYE_SHUT, _EYE_OPEN = 0.10, 0.22  # height over width between which the iris comes into view
_EYE_SMALL, _EYE_LARGE = 28.0, 38.0  # px wide, between which irises come to be found in the picture
_FOUND_TRUST = 2.25  # of an iris so found, over one that the network places
# Of the samples between the lips: the rows below the upper lip's shade, the incisors' columns.
_TEETH_ROWS, _TEETH_COLUMNS = slice(2, 6), slice(2, 7)
# Share of them that is teeth without a break from above, and gap (m), at which teeth tell of the
# jaw. Drawn people with jaws up to .06 rad have .8 to 1 where their teeth can be seen, at .10 and
# .12 rad .4, beyond .1 (docs/log.md).
_TEETH, _SMILE_GAP = (0.6, 0.8), (3e-3, 5e-3)
_CLENCHED, _CLENCHED_SD = 0.025, 0.005  # rad: rows that touch


def hidden_frames(track: FaceTrack, unseen: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """For each region the frames (T,) in which it can't be believed: lost or covered.

    And those in which a cover of the mouth disturbs the whole face: "shaken"; from the side a mouth
    is hard to see without one. In the frames `unseen` (T,) bool the mouth is not to count, whatever
    is seen of it.
    """
    lost = np.asarray(~track.seen | (track.confidence[:, 0] < _LOST_BELOW))
    covered = track.confidence < _COVERED_BELOW
    hidden = {name: covered[:, k] | lost for k, name in enumerate(REGIONS) if k}
    hidden["shaken"] = hidden["mouth"] & ~track.from_side()
    if unseen is not None:
        hidden["mouth"] = hidden["mouth"] | unseen
    return {"face": lost} | hidden


def gather(
    track: FaceTrack,
    head: LandmarkHead,
    start: Start,
    x: np.ndarray,
    frames: np.ndarray,
    hidden: dict[str, np.ndarray],
    sound: SoundTerms | None = None,
) -> Evidence:
    """The picture's evidence for `frames`, with the points' visibility at the unknowns `x`.

    Lips that `sound` says are shut are seen shut, where they are seen nearly so or not at all.
    """
    points = observed_points(track, frames)
    metre = start.metre_per_px[frames]
    facing = np.einsum("nc,lc->nl", rotation_matrix(x[:, POSE])[:, 2], head.normals)
    visible = np.clip((facing + 0.15) / 0.5, 0.05, 1)  # (n, L)
    visible[:, MESH_POINTS:] = 1
    hidden = {name: mask[frames] for name, mask in hidden.items()}
    inside = _inside(points, track.size)
    shown = visible.copy()
    shown[:, INNER_LIPS] = visible[:, OUTER_LIPS]  # a rim that faces the gap shows by its edge
    weight = _POINT_SHARE * shown * _trust(head, hidden, _SHAKEN_WEIGHT, track, frames) * inside
    weight /= landmark_sd(head) ** 2
    weight[:, LEFT_PUPIL] *= _iris_trust(points, 386, 374, 263, 362)
    weight[:, RIGHT_PUPIL] *= _iris_trust(points, 159, 145, 33, 133)
    upper, lower = PAIRS.T
    trust = _trust(head, hidden) * inside
    lips = len(LIP_PAIRS)
    pair_weight = np.minimum(visible[:, upper], visible[:, lower])
    pair_weight *= np.minimum(trust[:, upper], trust[:, lower]) / PAIR_SD**2
    pair_weight[:, :lips] *= _LIP_PAIR_SHARE
    pair_weight[:, lips:] *= _LID_PAIR_SHARE
    offset = points[:, upper] - points[:, lower]
    gap = np.linalg.norm(offset[:, :lips], axis=2) * metre[:, None]
    if sound is not None:
        shut = closing(sound, frames, gap)
        led = (sound.unseen * sound.trust)[frames, None]
        heard = shut * sound.unseen[frames, None] * _LIP_PAIR_SHARE / PAIR_SD**2
        pair_weight[:, :lips] = np.maximum(pair_weight[:, :lips] * (1 - led), heard)
        gap, offset[:, :lips] = gap * (1 - shut), offset[:, :lips] * (1 - shut)[:, :, None]
    pair_weight[:, :lips] *= 1 + _CLOSURE_TRUST * np.exp(-((gap / _CLOSURE_GAP) ** 2))
    offset[:, :lips] *= np.clip((gap - _TOUCH[0]) / (_TOUCH[1] - _TOUCH[0]), 0, 1)[:, :, None]
    offset[:, lips:], pair_weight[:, lips:] = shut_lids(
        points, offset[:, lips:], pair_weight[:, lips:]
    )
    return Evidence(
        points=points,
        point_weight=weight,
        robust=ROBUST_SIZE,
        pair_offset=_lift_contact(offset, head, x, metre),
        pair_weight=pair_weight,
        metre_per_px=metre,
    )


def hidden_unknowns(
    head: LandmarkHead, hidden: dict[str, np.ndarray], frames: np.ndarray
) -> np.ndarray:
    """How far each unknown must be guessed from its neighbours in time, (n, D) in [0, 1]."""
    out = np.zeros((len(frames), head.unknowns))
    for name, unknowns in region_unknowns(head).items():
        out[np.ix_(hidden[name][frames], unknowns)] = 1
    out[hidden["shaken"][frames], : TRANSLATION.stop] = 1
    return out


def pace_of_unknowns(
    head: LandmarkHead, pace: dict[str, np.ndarray], frames: np.ndarray
) -> np.ndarray:
    """The pace of each unknown's region, (n, D); the whole head's own is 1."""
    out = np.ones((len(frames), head.unknowns))
    for name, unknowns in region_unknowns(head).items():
        out[:, unknowns] = pace[name][frames, None]
    return out


def jaw_target(
    track: FaceTrack,
    head: LandmarkHead,
    start: Start,
    frames: np.ndarray,
    hidden: dict[str, np.ndarray],
) -> Targets:
    """The jaw where teeth fill the parted lips: where it is when the rows touch.

    Lips and chin can't tell a smile from an open mouth; the inside of the mouth can. An open jaw
    leaves a hollow between the rows, so nothing is said where teeth don't follow on teeth.
    """
    targets = Targets(*np.zeros((2, len(frames), head.unknowns)))
    if track.teeth is None:
        return targets
    read = np.nan_to_num(track.teeth[frames][:, _TEETH_ROWS, _TEETH_COLUMNS])
    unbroken = np.cumprod(read, axis=1).mean((1, 2))  # (n,)
    points = observed_points(track, frames)
    gap = np.linalg.norm(points[:, 13] - points[:, 14], axis=1) * start.metre_per_px[frames]
    sure = np.clip((unbroken - _TEETH[0]) / (_TEETH[1] - _TEETH[0]), 0, 1)
    sure *= np.clip((gap - _SMILE_GAP[0]) / (_SMILE_GAP[1] - _SMILE_GAP[0]), 0, 1)
    targets.value[:, JAW.start] = _CLENCHED
    targets.weight[:, JAW.start] = np.where(hidden["mouth"][frames], 0, sure / _CLENCHED_SD**2)
    return targets


def _trust(
    head: LandmarkHead,
    hidden: dict[str, np.ndarray],
    shaken_weight: float = 1.0,
    track: FaceTrack | None = None,
    frames: np.ndarray | None = None,
) -> np.ndarray:
    """The weight of each point by what hides it, (n, L); of the rest of a face so disturbed.

    Where a `track` was looked at beneath its covers, it says itself which points hold in `frames`.
    """
    trust = np.ones((len(hidden["face"]), len(head.template)))
    trust[hidden["shaken"]] = shaken_weight
    told = None if track is None or track.trust is None else track.trust[frames]
    if told is not None:
        known = np.isfinite(told[:, 0]) & hidden["shaken"]
        trust[known, :MESH_POINTS] = told[known, :MESH_POINTS]
        trust[known, MESH_POINTS:] = 1
    regions = region_points(head)
    for name, points in regions.items():
        trust[np.ix_(hidden[name], points)] = _HIDDEN_WEIGHT * shaken_weight
    if told is not None:
        below = np.flatnonzero(regions["mouth"] & np.isin(np.arange(len(head.template)), OVAL))
        trust[np.ix_(known, below)] = _JAW_LINE_WEIGHT * told[np.ix_(known, below)]
    if told is not None and track is not None and track.guessed is not None:
        guessed = track.guessed[frames]  # hidden points, too, but for what they would say of lips
        trust[guessed, :MESH_POINTS] = told[guessed, :MESH_POINTS]
        trust[np.ix_(guessed & hidden["mouth"], np.array(OUTER_LIPS + INNER_LIPS))] = 0
    trust[hidden["face"]] = 0
    return trust


def _inside(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The weight of points (n, L, 2) px by whether the picture shows them, (n, L)."""
    shown = np.all((points >= 0) & (points <= size), axis=2)
    return np.where(shown, 1.0, _HIDDEN_WEIGHT)


def _iris_trust(points: np.ndarray, upper: int, lower: int, outer: int, inner: int) -> np.ndarray:
    """What an iris counts, (n,): nothing in a shut eye, more in a large one than in a small one."""
    height = np.linalg.norm(points[:, upper] - points[:, lower], axis=1)
    width = np.maximum(np.linalg.norm(points[:, outer] - points[:, inner], axis=1), 1e-6)
    shown = np.clip((height / width - _EYE_SHUT) / (_EYE_OPEN - _EYE_SHUT), 0, 1)
    found = np.clip((width - _EYE_SMALL) / (_EYE_LARGE - _EYE_SMALL), 0, 1)
    return shown * (1 + (_FOUND_TRUST - 1) * found)


def _lift_contact(
    offset: np.ndarray, head: LandmarkHead, x: np.ndarray, metre: np.ndarray
) -> np.ndarray:
    """Apertures as seen, but never less than the gap of the head's own shut lips, (n, P, 2) px."""
    upper, lower = PAIRS.T
    shut = np.maximum(head.template[upper, 1] - head.template[lower, 1], 0)
    shut[len(LIP_PAIRS) :] = 0
    up = rotation_matrix(x[:, POSE])[:, :2, 1] * [1, -1]  # (n, 2) the head's up in the picture
    length = np.linalg.norm(up, axis=1, keepdims=True)
    along = np.einsum("npr,nr->np", offset, up / length)
    least = shut * length / metre[:, None]
    lift = np.maximum(least - along, 0) * (length > 0.3)
    return offset + lift[:, :, None] * (up / length)[:, None]
