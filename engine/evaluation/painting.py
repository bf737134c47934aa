"""Things painted before a face that has been followed: what is beneath stays known.

A cover keeps its place on the face and drifts a little, slides in within a few pictures and out
again. Balls and sheets are ellipses; hands are the training's own. Glasses and a shadow hide
nothing: they must not be taken for covers. What hides a part of the mouth is `painted_hands`'.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

import cv2
import numpy as np

from ..exchange.take import REGIONS
from ..faces import FaceTrack
from ..media import Clip, read_frames
from ..training.occlusions import draw_hand, render_hand
from ..training.people.transfer import transfer_colours
from .painted_hands import PART_KINDS, PartKind, draw_thing, paint_thing

Kind = Literal["skin", "dark", "pattern", "hand", "hair", "glasses", "shadow"] | PartKind
HARMLESS = ("glasses", "shadow")
_SLIDE_FRAMES = 4
_DRIFT = 0.004  # of the face's width, from one picture to the next
# Points of the mesh that a region is hidden with, and about which a cover of it is laid.
_PLACES = {
    "mouth": (61, 291, 0, 17, 13, 14, 37, 267, 84, 314, 91, 321),
    "left_eye": (263, 362, 386, 374, 385, 380, 387, 373),
    "right_eye": (33, 133, 159, 145, 158, 153, 160, 144),
    "brows": (300, 293, 334, 296, 336),
}
_EYES = ("left_eye", "right_eye")
_SKIN = (50, 280, 205, 425, 101, 330, 36, 266)


@dataclass(frozen=True)
class Cover:
    """What is painted before which region, in the frames `start` to `stop` (not included)."""

    kind: Kind
    region: str
    start: int
    stop: int


def paint_cover(
    clip: Clip, track: FaceTrack, cover: Cover, generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The clip's pictures with the cover, (H, W, 3) uint8, and the points it hides, (478,) bool."""
    brush = _Brush(cover, generator)
    for frame, picture in read_frames(clip):
        hidden = np.zeros(len(track.landmarks[frame]), bool)
        if track.seen[frame] and cover.start <= frame < cover.stop:
            points = track.landmarks[frame, :, :2].astype(float)
            away = _away(frame, cover, clip.frame_count)
            colour, alpha = brush.paint(picture, points, away)
            blended = picture + alpha[..., None] * (colour - picture)
            picture = np.clip(np.rint(blended), 0, 255).astype(np.uint8)
            if cover.kind not in HARMLESS:
                hidden = _hidden_points(alpha, points)
        yield picture, hidden


def _away(frame: int, cover: Cover, frames: int) -> float:
    """How far the cover still is, 0 in its place: it is there at the clip's very ends."""
    since = frame - cover.start if cover.start > 0 else _SLIDE_FRAMES
    until = cover.stop - 1 - frame if cover.stop < frames else _SLIDE_FRAMES
    return max(0.0, 1 - (1 + min(since, until)) / _SLIDE_FRAMES)


def hidden_shares(hidden: np.ndarray) -> np.ndarray:
    """The hidden share of each region by its points: (..., 478) bool -> (..., R) in 0..1.

    In the order of `exchange.take.REGIONS`; the face's is left 0.
    """
    shares = np.zeros((*hidden.shape[:-1], len(REGIONS)))
    for region, points in _PLACES.items():
        shares[..., REGIONS.index(region)] = hidden[..., list(points)].mean(-1)
    return shares


def _hidden_points(alpha: np.ndarray, points: np.ndarray) -> np.ndarray:
    height, width = alpha.shape
    column, row = np.rint(points).astype(int).T
    hidden: np.ndarray = alpha[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)] > 0.5
    return hidden


class _Brush:
    """One thing, with its looks and its place on the face; it drifts from picture to picture."""

    def __init__(self, cover: Cover, generator: np.random.Generator) -> None:
        self._cover = cover
        self._hand = draw_hand(generator)
        self._seed = int(generator.integers(1 << 30))
        self._side = generator.uniform(-1, 1)  # from where it comes: left, below, right
        self._size = generator.uniform(0.9, 1.15)
        self._pattern = cv2.resize(
            generator.uniform(20, 235, (6, 6, 3)).astype(np.float32), (64, 64)
        )
        self._drift = np.zeros(2)
        self._steps = generator
        self._colours: np.ndarray | None = None  # of the face, as first seen
        is_part = cover.kind in PART_KINDS
        self._thing = draw_thing(cast(PartKind, cover.kind), generator) if is_part else None

    def paint(
        self, picture: np.ndarray, points: np.ndarray, away: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Colours (H, W, 3) and coverage (H, W) over a face with these points (478, 2)."""
        width = float(np.ptp(points[:468, 0]))
        self._drift = self._drift + self._steps.normal(0, _DRIFT, 2)
        coming = away * np.array([0.9 * self._side, 1 - 0.4 * abs(self._side)])
        moved = width * (self._drift + coming)
        middle = points[list(_PLACES[self._cover.region])].mean(0) + moved
        if self._colours is None:
            self._colours = _skin_colours(picture, points)
        if self._thing is not None:
            return paint_thing(self._thing, picture, points, moved, self._colours)
        if self._cover.kind == "hand":
            return self._paint_hand(picture, middle, width)
        if self._cover.kind == "glasses":
            return _paint_glasses(picture, points, width)
        if self._cover.kind == "shadow":
            return _paint_shadow(picture, points, width, 1 - away)
        if self._cover.kind == "hair":
            return _paint_hair(picture, middle, width, self._seed)
        reach = {"mouth": (0.26, 0.2), "left_eye": (0.19, 0.13), "right_eye": (0.19, 0.13),
                 "brows": (0.22, 0.09)}[self._cover.region]  # fmt: skip
        return self._paint_ball(picture, middle, self._size * width * np.array(reach))

    def _paint_ball(
        self, picture: np.ndarray, middle: np.ndarray, reach: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        height, width = picture.shape[:2]
        y, x = np.mgrid[:height, :width].astype(np.float32)
        x, y = (x - middle[0]) / reach[0], (y - middle[1]) / reach[1]
        distance = np.hypot(x, y)
        alpha = np.clip((1 - distance) * reach.min() / 1.5 + 0.5, 0, 1)
        shade = 1 - 0.25 * np.clip(distance, 0, 1) ** 2 + 0.1 * x.clip(-1, 1)
        if self._cover.kind == "pattern":
            place = [((v.clip(-1, 1) + 1) * 31.5).astype(int) for v in (y, x)]
            return self._pattern[place[0], place[1]], alpha
        assert self._colours is not None
        tone = np.median(self._colours, axis=0) if self._cover.kind == "skin" else (34, 34, 38)
        noise = self._steps.normal(0, 2.5, (height, width, 1))
        return shade[..., None] * np.asarray(tone, np.float32) + noise, alpha

    def _paint_hand(
        self, picture: np.ndarray, middle: np.ndarray, width: float
    ) -> tuple[np.ndarray, np.ndarray]:
        side = max(picture.shape[:2])
        angle = np.pi + 0.9 * self._side  # the wrist below, or to one side
        brightness, coverage = render_hand(self._hand, middle, angle, self._size * width, side)
        height, wide = picture.shape[:2]
        brightness, coverage = brightness[:height, :wide], coverage[:height, :wide]
        colour, solid = picture.astype(np.float32), coverage > 0
        assert self._colours is not None
        if solid.any():
            tones = np.repeat(brightness[solid][:, None], 3, 1) * 255
            own = np.random.default_rng(self._seed)  # the same slices in each picture: no flicker
            colour[solid] = transfer_colours(tones, self._colours, own)
        return colour, coverage


def _skin_colours(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Pixels (n, 3) around points of cheeks and forehead."""
    height, width = picture.shape[:2]
    column, row = np.rint(points[list(_SKIN)]).astype(int).T
    near = np.arange(-3, 4)
    rows = np.clip(row[:, None, None] + near[:, None], 0, height - 1)
    columns = np.clip(column[:, None, None] + near, 0, width - 1)
    return picture[rows, columns].reshape(-1, 3).astype(np.float32)


def _paint_hair(
    picture: np.ndarray, middle: np.ndarray, width: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """A lock that hangs from the forehead over a brow."""
    own = np.random.default_rng(seed)
    alpha = np.zeros(picture.shape[:2], np.uint8)
    colour = np.full(picture.shape, own.uniform(15, 60), np.float32)
    for _ in range(60):
        across = own.normal(0, 0.09, 2)
        ends = middle + width * np.array([[across[0], -0.4], [across[1], own.uniform(0.02, 0.1)]])
        first, last = (tuple(int(16 * v) for v in end) for end in ends)
        cv2.line(alpha, first, last, 255, max(1, round(width / 70)), cv2.LINE_AA, 4)
    return colour, alpha / np.float32(255)


def _paint_glasses(
    picture: np.ndarray, points: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Dark rims around both eyes, a bridge, and lenses that shine a little."""
    alpha = np.zeros(picture.shape[:2], np.float32)
    colour = np.full(picture.shape, 40, np.float32)
    middles = [points[list(_PLACES[eye])].mean(0) for eye in _EYES]
    across = middles[0] - middles[1]
    turn = float(np.degrees(np.arctan2(across[1], across[0])))
    thick = max(1, round(width / 45))
    for middle in middles:
        axes = (round(0.19 * width), round(0.14 * width))
        place = tuple(int(v) for v in np.rint(middle))
        lens = cv2.ellipse(np.zeros_like(alpha), place, axes, turn, 0, 360, 1.0, -1)
        colour[lens > 0] = 230
        alpha = np.maximum(alpha, 0.07 * lens)
    for middle in middles:
        place = tuple(int(v) for v in np.rint(middle))
        rim = cv2.ellipse(np.zeros_like(alpha), place, axes, turn, 0, 360, 1.0, thick, cv2.LINE_AA)
        colour[rim > 0], alpha = 40, np.maximum(alpha, rim)
    first, last = (
        tuple(int(v) for v in m + s * 0.19 * across / np.linalg.norm(across) * width)
        for m, s in zip(middles, (-1, 1), strict=True)
    )
    bridge = cv2.line(np.zeros_like(alpha), first, last, 1.0, thick, cv2.LINE_AA)
    colour[bridge > 0] = 40
    return colour, np.maximum(alpha, bridge)


def _paint_shadow(
    picture: np.ndarray, points: np.ndarray, width: float, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """The side of the face beyond the nose in a hard shadow, as a lamp from the side leaves it."""
    height, wide = picture.shape[:2]
    down = points[152] - points[168]
    down = down / np.linalg.norm(down)
    y, x = np.mgrid[:height, :wide].astype(np.float32)
    beside = (x - points[4, 0]) * down[1] - (y - points[4, 1]) * down[0]
    alpha = share * np.clip(beside / (0.06 * width) + 0.5, 0, 1) * 0.62
    return np.zeros(picture.shape, np.float32), alpha
