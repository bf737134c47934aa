"""How high a person's teeth stand: one number for a clip, read wherever the lips part.

Upper teeth are fixed to the skull, so over a clip their edge is off the fitted head's by one
height. For each height it is told how likely what was read between the lips is, column by column,
with either row in sight or hidden. Smiles lay the upper row bare, over lower teeth that a smile's
jaw may have put anywhere. Speech keeps the upper row in the lip's shade and shows the lower one,
which stands off by as much as the upper but for the bite. Where a row follows on a row, lightness
can't tell one from two: there the rows' reader knows where the upper one ends. Both rows and the
tongue go by the mean over all heights, so that the bite stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..exchange.head_file import TEETH_LIFT, HeadFile
from ..faces.mouth_crop import INNER_LIPS
from ..geometry import project, rotation_matrix, to_camera
from ..head.model import FaceParams, Head
from ..head.mouth import part_of

if TYPE_CHECKING:
    from ..faces import FaceTrack

_COLUMNS = slice(2, 7)  # of the nine between the lips: the incisors
_WEIGHTS = np.array([0.3, 0.8, 1.0, 1.0, 1.0, 0.8, 0.3])  # of the rows: the first and last are lip
# What counts of a column, and of a frame: their neighbours are read off the same teeth.
_COLUMN_SHARE, _FRAME_SHARE = 0.6, 0.08
_MOST_FRAMES = 120
_BARE = (0.5, 0.75)  # of a mouth read as teeth: speech ends, a smile begins
_SHADED = 0.3  # of what is read in speech, that tells of the upper row too: the rest is lip's shade
_READ, _READ_FAR, _MISREAD = 0.85, 0.45, 0.06  # teeth as teeth at their edge, beyond; flesh as them
_EDGE = 1.5e-3  # m from its edge where a row is out of the lips' shade
_UPPER_SHOWN, _LOWER_SHOWN = 0.5, 0.8  # of a row where lips uncover it: shade, the tongue
_TOLD_GAP = 3e-3  # m of opening from which a column tells all it can
_STEP = 0.5e-3  # m between the heights that are tried
_UPPER, _UPPER_SD = np.arange(-6, 7) * _STEP, 1.3e-3  # m; of people about the head
_LOWER, _SMILE_SD = np.arange(-6, 13) * _STEP, 1.3e-3  # m; about the fitted, in smiles
_BITE_SD = 1.5e-3  # m; about the upper row's, in speech: a person's bite and a clip's jaw
_FREE = 0.5  # of a point of the lips, how far it is hidden
# The rows' reader: how exactly it reads at best, m; share of readings that are wrong, which lie
# anywhere in so many openings; deviation, in openings, from which it doesn't know; what a frame
# counts, as neighbouring ones err alike.
_READ_SD, _MISTAKEN, _SEEN_ROWS, _UNSURE, _READER_SHARE = 0.5e-3, 0.15, 1.8, 0.25, 0.2
_JAW, _JAW_SD = np.arange(-4, 5) * _STEP, 1.0e-3  # m at the teeth; a frame's jaw about the clip's
_ARCH = np.arange(-22, 22.1) * 1e-3  # m, where along x the rows' edges are taken
_NEAR_X, _FRONT = 1.2e-3, 10e-3  # m about such a place; from the foremost vertex there


@dataclass(frozen=True)
class _Edge:
    """Where a row's edge crosses n frames' columns, 0 at the upper lip and 1 at the lower."""

    place: np.ndarray  # (n, C), NaN where it doesn't
    rise: np.ndarray  # (n, C) what a metre of height adds


def place_teeth(params: FaceParams, track: FaceTrack, head: Head) -> FaceParams:
    """The same performance of a person whose teeth stand as high as the clip shows them.

    Heads without teeth, and clips that never part the lips, are left alone.
    """
    if not head.file.lifts_teeth or track.teeth is None:
        return params
    told = np.flatnonzero(np.isfinite(track.teeth).all((1, 2)) & track.seen)
    if not len(told):
        return params
    frames = told[np.linspace(0, len(told) - 1, min(len(told), _MOST_FRAMES)).astype(int)]
    read = track.teeth[frames][:, :, _COLUMNS]
    upper, lower, gaps = _edges(params, track.size, head, frames)
    bare = np.clip((read[:, 1:-1].mean((1, 2)) - _BARE[0]) / (_BARE[1] - _BARE[0]), 0, 1)
    likelihood = _likelihood(read, upper, lower, gaps)
    shape = np.zeros(head.file.shape_basis.shape[2])
    shape[: len(params.shape)] = params.shape
    by_reader = _by_reader(track, frames, upper, gaps)
    shape[-1] = _height(likelihood, by_reader, bare) / TEETH_LIFT
    return params.replace(shape=shape)


def _edges(
    params: FaceParams, size: tuple[int, int], head: Head, frames: np.ndarray
) -> tuple[_Edge, _Edge, np.ndarray]:
    """The rows' edges between the head's own lips in n frames, and how far these part, (n, C) m."""
    faces, weights = (part[_lip_points()] for part in head.file.landmarks_468)  # (2, C)
    corners = head.file.faces[faces]  # (2, C, 3)
    rows = [edge_vertices(head.file, name) for name in ("upper_teeth", "lower_teeth")]
    near = np.zeros(len(head.file.template), bool)
    for vertices in (corners, *rows):
        near[vertices] = True
    mouth = part_of(head.file, near)
    jaw, pose, translation = (
        each[frames] for each in (params.jaw, params.head_pose, params.head_translation)
    )
    posed = mouth.pose(params.expression[frames], jaw, mouth.rest(params.shape))

    def seen(points: np.ndarray) -> np.ndarray:
        return project(to_camera(points, pose, translation), params.focal, size)

    lips = posed[:, np.searchsorted(mouth.vertices, corners)]  # (n, 2, C, 3, 3)
    top, bottom = (seen(line) for line in np.einsum("rck,nrckd->rncd", weights, lips))
    up = np.stack([np.tile([0.0, 1.0, 0.0], (len(frames), 1)), rotation_matrix(jaw)[:, :, 1]])
    edges = []
    for row, upwards in zip(rows, up, strict=True):
        line = posed[:, np.searchsorted(mouth.vertices, row)]
        place = _crossings(seen(line), top, bottom)
        above = _crossings(seen(line + _STEP * upwards[:, None]), top, bottom)
        edges.append(_Edge(place, (above - place) / _STEP))
    depth = -translation[:, 2] - mouth.template[:, 2].max()
    gaps = np.linalg.norm(bottom - top, axis=-1) * (depth / params.focal)[:, None]
    return edges[0], edges[1], gaps


def _lip_points() -> np.ndarray:
    """Landmarks where the columns begin and end, (2, C)."""
    from ..faces.looks import LOWER_INNER, UPPER_INNER

    return np.array([UPPER_INNER[_COLUMNS], LOWER_INNER[_COLUMNS]])


def edge_vertices(file: HeadFile, name: str) -> np.ndarray:
    """The vertices (K,) of the upper or lower front teeth's edge, from side to side."""
    places, own = file.template, np.flatnonzero(file.masks[name])
    outwards = -1 if name == "upper_teeth" else 1
    found = []
    for x in _ARCH:
        near = own[np.abs(places[own, 0] - x) < _NEAR_X]
        front = near[places[near, 2] > places[near, 2].max() - _FRONT]
        found.append(front[np.argmax(outwards * places[front, 1])])
    return np.array(found)


def _crossings(line: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Where a line (n, K, 2) crosses the ways from `top` to `bottom` (n, C, 2): shares (n, C)."""
    way = bottom - top
    length = np.maximum(np.sum(way**2, -1), 1e-9)[..., None]
    off = line[:, None] - top[:, :, None]  # (n, C, K, 2)
    along = np.sum(off * way[:, :, None], -1) / length
    beside = off[..., 1] * way[:, :, None, 0] - off[..., 0] * way[:, :, None, 1]
    crosses = (beside[..., :-1] <= 0) != (beside[..., 1:] <= 0)
    k = crosses.argmax(-1)[..., None]
    a, b = np.take_along_axis(beside, k, -1), np.take_along_axis(beside, k + 1, -1)
    share = a / np.where(a == b, 1, a - b)
    near, far = np.take_along_axis(along, k, -1), np.take_along_axis(along, k + 1, -1)
    return np.where(crosses.any(-1), (near + share * (far - near))[..., 0], np.nan)


def _likelihood(read: np.ndarray, upper: _Edge, lower: _Edge, gaps: np.ndarray) -> np.ndarray:
    """Log-likelihood of what was read (n, rows, C) in each frame, by the rows' heights.

    Over that of no teeth in sight; (U, W, n) for _UPPER and `_tried`.
    """
    rows = read.shape[1]
    middle = (np.arange(rows)[:, None] + 0.5) / rows

    def told(edge: _Edge, heights: np.ndarray, side: int) -> np.ndarray:
        """How much likelier than flesh each sample is, by the row's heights: (H, n, rows, C)."""
        place = edge.place + heights[:, None, None] * edge.rise  # (H, n, C)
        beyond = side * (place[:, :, None] - middle)
        covered = np.nan_to_num(np.clip(beyond * rows + 0.5, 0, 1))
        lit = beyond * gaps[:, None] < _EDGE
        chance = _MISREAD + covered * (np.where(lit, _READ, _READ_FAR) - _MISREAD)
        as_flesh = read * np.log(_MISREAD) + (1 - read) * np.log(1 - _MISREAD)
        return read * np.log(chance) + (1 - read) * np.log(1 - chance) - as_flesh

    share = np.clip(2 * read.max(1) - 0.5, 0, 1) * np.clip(gaps / _TOLD_GAP, 0, 1)  # (n, C)
    share = np.where(np.isfinite(upper.place + lower.place), share, 0) * _COLUMN_SHARE
    over, under = told(upper, _UPPER, 1), told(lower, _tried(), -1)
    free = np.where(over == 0, _WEIGHTS[:, None], 0)  # upper teeth stand before lower ones
    over = np.einsum("unrc,r->unc", over, _WEIGHTS)
    under = np.einsum("unrc,wnrc->uwnc", free, under)
    over = np.logaddexp(over + np.log(_UPPER_SHOWN), np.log(1 - _UPPER_SHOWN))
    under = np.logaddexp(under + np.log(_LOWER_SHOWN), np.log(1 - _LOWER_SHOWN))
    return np.einsum("uwnc,nc->uwn", over[:, None] + under, share)


def _by_reader(track: FaceTrack, frames: np.ndarray, upper: _Edge, gaps: np.ndarray) -> np.ndarray:
    """Log-likelihood (U,) of where the rows' reader saw the upper one end in n frames.

    What hides a part of the lips has an edge that passes for a row's: such frames don't tell.
    """
    if track.rows is None:
        return np.zeros(len(_UPPER))
    read = track.rows[frames, 0]  # (n, 2) share of the opening in its middle, standard deviation
    if track.hidden is not None:
        read = np.where(
            track.hidden[frames][:, INNER_LIPS].max(1, keepdims=True) < _FREE, read, np.nan
        )
    middle = gaps.shape[1] // 2
    place, rise, gap = upper.place[:, middle], upper.rise[:, middle], gaps[:, middle]
    told = (read[:, 1] < _UNSURE) & np.isfinite(place + rise) & (gap > _TOLD_GAP)
    read, place, rise, gap = read[told], place[told], rise[told], gap[told]
    off = read[:, 0] - place - _UPPER[:, None] * rise  # (U, n)
    sd = np.hypot(read[:, 1], _READ_SD / gap)
    right = np.exp(-((off / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))
    return _READER_SHARE * np.log((1 - _MISTAKEN) * right + _MISTAKEN / _SEEN_ROWS).sum(1)


def _tried() -> np.ndarray:
    """The lower row's heights that a clip's and a frame's jaw can add up to, (W,) m."""
    return np.arange(len(_LOWER) + len(_JAW) - 1) * _STEP + _LOWER[0] + _JAW[0]


def _height(likelihood: np.ndarray, by_reader: np.ndarray, bare: np.ndarray) -> float:
    """The upper row's mean height, m, by the log-likelihood (U, W, n) of the frames.

    `by_reader` (U,) is what the rows' reader adds. `bare` (n,), 0 to 1: how far a frame is a smile.
    Lower teeth have a height in smiles, and one in speech.
    """
    jaw, height = _normal(_JAW, _JAW_SD), _normal(_UPPER, _UPPER_SD)
    smile = np.tile(_normal(_LOWER, _SMILE_SD), (len(_UPPER), 1))  # (U, L)
    speech = _normal(_LOWER - _UPPER[:, None], _BITE_SD)
    for k in range(len(_LOWER)):
        by_jaw = likelihood[:, k : k + len(_JAW)] + jaw[:, None]
        both = np.logaddexp.reduce(by_jaw, axis=1)  # (U, n)
        lower = np.logaddexp.reduce(both + height[:, None], axis=0)  # (n,)
        smile[:, k] += _FRAME_SHARE * (both @ bare)
        speech[:, k] += _FRAME_SHARE * ((_SHADED * both + (1 - _SHADED) * lower) @ (1 - bare))
    log = height + by_reader + np.logaddexp.reduce(smile, axis=1)
    log += np.logaddexp.reduce(speech, axis=1)
    chance = np.exp(log - log.max())
    return float(_UPPER @ chance / chance.sum())


def _normal(x: np.ndarray, sd: float) -> np.ndarray:
    """Log-probabilities of the values `x`, which the last axis holds all of."""
    log = -((x / sd) ** 2) / 2
    return log - np.logaddexp.reduce(log, axis=-1, keepdims=True)
