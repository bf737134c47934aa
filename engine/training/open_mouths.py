"""Open mouths of performers, cut out by a tracker's lips, and where their rows of teeth end.

Jaw, lips and the rows' heights are drawn independently of each other: what a network learns from
these mouths must come from what is seen between the lips, not from how speech goes.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..exchange.reading import load_arrays
from ..exchange.saving import save_arrays
from ..faces.looks import SKIN
from ..faces.mouth_crop import LOWER_INNER, UPPER_INNER, between_eyes, crop_mouth, gaps
from ..fitting.teeth import edge_vertices
from .mouth_clips import paint_mouth
from .people import Stage, build_stage, performers
from .people.acting import Acting, Moment, gaze
from .people.camera import place_camera, to_screen, turn_heads
from .people.identity import Performer, cast_performer
from .people.occluders import USUAL
from .people.posing import mesh_points, pose_vertices

_MOMENTS = 8  # of a performer
_SIZES = (96, 112, 144, 192, 256)  # px along a face's crop
_TRACKED = 2  # ways in which a tracker may have placed the lips in one picture
_LIPS_OFF, _POINT_OFF = 0.010, 0.004  # how far it is off: a lip, each point; of the eyes' distance
_MIDDLE = 4  # of the nine pairs of inner lip points
_SPEECH = 0.3  # of the moments; the rest are jaws and lips of any kind
_WIDE_JAW = 0.36  # rad
_DEPTH = (0.5, 1.4)  # of hollows
_LEAST_SEEN = 0.9  # of the mouth
_UPPER_OFF, _LOWER_OFF = 1.6e-3, 1.2e-3  # m: standard deviations of the rows' heights
_LONGER, _LONGER_SD, _FORWARD_OFF = 0.05, 0.12, 0.8e-3  # log of teeth's length; m
_INNER = np.array([UPPER_INNER, LOWER_INNER])


@dataclass(frozen=True)
class OpenMouths:
    """N pictures between the lips."""

    crops: np.ndarray  # (N, rows, columns, 3) uint8 RGB by `crop_mouth`
    skin: np.ndarray  # (N, 3) RGB of the face's skin
    gaps: np.ndarray  # (N,) of the lips, over the way between the eyes' outer corners
    edges: np.ndarray  # (N, 2) upper row's end, lower row's begin: 0 the upper lip, 1 the lower

    @staticmethod
    def read(path: Path) -> "OpenMouths":
        """From a file by `write`."""
        return OpenMouths(**load_arrays(path, "drawn mouths", "Delete it and draw them anew."))

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        save_arrays(path, vars(self))


def draw_mouths(seed: int, count: int) -> OpenMouths:
    """At least `count` pictures of the performers of `seed`."""
    stage, kept, person = build_stage(), [], 0
    rows = [edge_vertices(stage.head.file, name) for name in ("upper_teeth", "lower_teeth")]
    while len(kept) < count:
        kept += _mouths_of(stage, rows, np.random.default_rng([seed, person]))
        person += 1
    columns = (np.array(column) for column in zip(*kept, strict=True))
    return OpenMouths(*columns)


def _mouths_of(
    stage: Stage, rows: list[np.ndarray], generator: np.random.Generator
) -> list[tuple[np.ndarray, ...]]:
    """Some moments of one performer in the order of `OpenMouths`; `rows`: their edges' vertices."""
    difficulty = float(generator.random() ** 0.8)
    stage = paint_mouth(stage, generator, lighter=0.6)
    person = _with_own_teeth(stage, cast_performer(stage, generator, difficulty), generator)
    acting = _act(stage, generator)
    vertices = pose_vertices(stage, person, acting)
    points = mesh_points(stage, vertices)
    turns, out = turn_heads(generator, len(acting), min(difficulty, 0.8)), []
    for t in range(len(acting)):
        here, size = slice(t, t + 1), int(generator.choice(_SIZES))
        view = place_camera(
            stage, generator, turns[here], np.zeros((1, 3)), points[here], size, difficulty
        )
        placed = to_screen(view, 0, points[t])[1][:, :2].astype(float)
        setting = performers.furnish(
            stage, generator, view, points[t], size, difficulty, False, USUAL
        )
        if generator.random() < 0.5:  # more light behind the lips
            lighting = replace(setting.lighting, depth=float(generator.uniform(*_DEPTH)))
            setting = replace(setting, lighting=lighting)
        moment = performers.Moment(vertices[t], points[t], 0, 0.5)
        picture, label = performers.shoot(stage, person, setting, moment, generator)
        if label["visible"][1] < _LEAST_SEEN:
            continue
        screen = to_screen(view, 0, vertices[t])[1][:, :2].astype(float)
        lines = [screen[row] for row in rows]
        for _ in range(_TRACKED):
            cut = _cut_out(picture, placed, lines, generator)
            out += [] if cut is None else [cut]
    return out


def _with_own_teeth(stage: Stage, person: Performer, generator: np.random.Generator) -> Performer:
    """The performer with rows that stand higher or lower and with longer or shorter teeth."""
    vertices = person.vertices.copy()
    for name, spread, root in (
        ("upper_teeth", _UPPER_OFF, np.max),
        ("lower_teeth", _LOWER_OFF, np.min),
    ):
        row = stage.head.file.masks[name]
        height = vertices[row, 1]
        base, longer = root(height), np.exp(generator.normal(_LONGER, _LONGER_SD))
        vertices[row, 1] = base + (height - base) * longer + generator.normal(0, spread)
        vertices[row, 2] += np.float32(generator.normal(0, _FORWARD_OFF))
    return replace(person, vertices=vertices)


def _act(stage: Stage, generator: np.random.Generator) -> Acting:
    """Moments whose lips and jaw know nothing of each other."""
    moments = [Moment(stage, generator) for _ in range(_MOMENTS)]
    for moment in moments:
        moment.upper_face()
        if generator.random() < _SPEECH:
            moment.mouth()
        else:
            _open(moment, generator)
        for name in ("tongueUp", "tongueBack"):
            if generator.random() < 0.35:
                moment.add(name, generator.random())
    return Acting(
        np.stack([m.clipped() for m in moments]).astype(np.float32),
        np.stack([m.jaw for m in moments]).astype(np.float32),
        np.stack([gaze(generator) for _ in moments]).astype(np.float32),
    )


def _open(moment: Moment, generator: np.random.Generator) -> None:
    """A jaw anywhere, nearly shut a third of the time, and lips drawn any way."""
    moment.jaw[0] = generator.uniform(0, _WIDE_JAW if generator.random() < 0.7 else _WIDE_JAW / 3)
    for name in ("mouthUpperUp", "mouthLowerDown", "mouthSmile", "mouthStretch"):
        if generator.random() < 0.5:
            moment.both(name, generator.uniform(0, 0.9))
    for name, chance in (
        ("lipsPart", 0.3), ("mouthFunnel", 0.3), ("mouthPucker", 0.3),
        ("mouthRollLower", 0.2), ("mouthRollUpper", 0.1),
    ):  # fmt: skip
        if generator.random() < chance:
            moment.add(name, generator.uniform(0, 0.8))
    if generator.random() < 0.35:
        moment.seal(generator.uniform(0, 0.8))


def _cut_out(
    picture: np.ndarray,
    points: np.ndarray,
    lines: list[np.ndarray],
    generator: np.random.Generator,
) -> tuple[np.ndarray, ...] | None:
    """One row of `OpenMouths` by a tracker's lips; None where they meet or hang askew.

    Args:
        picture: (S, S, 3) uint8.
        points: (478, 2) px, the true ones.
        lines: (K, 2) px, the rows' edges.
        generator: Of the tracker's errors.
    """
    eyes = between_eyes(points[None])[0]
    tracked = points.copy()
    tracked[_INNER] += eyes * generator.normal(0, _LIPS_OFF, (2, 1, 2))
    tracked[_INNER] += eyes * generator.normal(0, _POINT_OFF, (2, 9, 2))
    crop = crop_mouth(picture, tracked)
    top, bottom = tracked[_INNER[:, _MIDDLE]]
    edges = np.array([_crossing(line, top, bottom) for line in lines])
    if not crop.any() or not np.isfinite(edges).all():
        return None
    column, row = np.clip(np.rint(points[list(SKIN)]).astype(int), 0, len(picture) - 1).T
    skin = np.median(picture[row, column], axis=0)
    gap = gaps(tracked[None])[0] / eyes
    return crop, skin.astype(np.float32), np.array(gap, np.float32), edges.astype(np.float32)


def _crossing(line: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> float:
    """Where a row's edge (K, 2) crosses the way from lip to lip: 0 at `top`, 1 at `bottom`."""
    way = bottom - top
    across = np.array([way[1], -way[0]])
    aside, along = (line - top) @ across, (line - top) @ way / (way @ way)
    crosses = np.flatnonzero(np.sign(aside[:-1]) != np.sign(aside[1:]))
    if not len(crosses):
        return np.nan
    k = crosses[0]
    share = aside[k] / (aside[k] - aside[k + 1])
    return float(along[k] + share * (along[k + 1] - along[k]))
