"""What is lost when a performance goes from the default head to another, and back again."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..exchange.head_file import HeadFile
from ..head.bridge import PointHead, default_head
from ..head.model import FaceParams, Head
from ..head.transfer import Person, aperture_mm, carry_params, make_pair
from ..media.pictures import write_picture

_MOVED = 0.2  # of a unit's largest motion: points that it moves
_PERSON_SEED, _PERSON_COLUMNS, _PERSON_SD = 1, 20, 0.7
_JAWS = {"jaw 0.2 rad": (0.2, 0, 0), "jaw 0.4 rad": (0.4, 0, 0), "jaw sideways": (0, 0.1, 0)}
_SHOWN = (
    "neutral", "mouthSmileLeft", "mouthFunnel", "eyeBlinkLeft", "browDownLeft", "jaw 0.2 rad",
)  # fmt: skip
_TILE, _DISTANCE_M, _SPAN_M = 220, 0.8, 0.31


@dataclass(frozen=True)
class RoundTrip:
    """Each unit alone, at 1: how far it moves the skin, and how far the copies are off (mm)."""

    names: tuple[str, ...]
    moved: np.ndarray  # (K,) mean over the points that it moves
    there: np.ndarray  # (K,) on the other head
    back: np.ndarray  # (K,) on the default head again
    lips: np.ndarray  # (K,) openings between the lips, after the round trip
    lids: np.ndarray  # (K,)
    person_mm: float  # the person, on the other head
    params: tuple[FaceParams, FaceParams, FaceParams]  # default, other, default


def round_trip(other: HeadFile) -> RoundTrip:
    """Carry every unit and a few jaw poses of one person to `other` and back."""
    default = default_head()
    there, back = make_pair(default, other), make_pair(other, default)
    names, params = _poses(default)
    on_other, person = carry_params(there, params)
    again, _ = carry_params(back, on_other)
    first, second = _points(there.source, params), _points(there.target, on_other)
    third = _points(there.source, again)
    moving = np.flatnonzero(there.points.moving)
    motion = first[:, moving] - first[:1, moving]
    size = np.linalg.norm(motion, axis=2)
    touched = size > _MOVED * np.maximum(size.max(1, keepdims=True), 1e-6)

    def off(points: np.ndarray, person: Person | None) -> np.ndarray:
        turn = np.eye(3) if person is None else person.turn
        copy = (points[:, moving] - points[:1, moving]) @ turn.T
        apart = np.linalg.norm(motion - copy, axis=2)
        return 1e3 * np.sum(apart * touched, 1) / np.maximum(touched.sum(1), 1)

    gaps = zip(aperture_mm(first), aperture_mm(third), strict=True)
    lips, lids = (np.abs(a - b).mean(1) for a, b in gaps)
    moved = 1e3 * np.sum(size * touched, 1) / np.maximum(touched.sum(1), 1)
    kept = np.flatnonzero((moved > 0.3) | (np.arange(len(names)) == 0))
    return RoundTrip(
        tuple(names[k] for k in kept), moved[kept], off(second, person)[kept],
        off(third, None)[kept], lips[kept], lids[kept], person.error_mm,
        (_rows(params, kept), _rows(on_other, kept), _rows(again, kept)),
    )  # fmt: skip


def table(trip: RoundTrip) -> str:
    """The round trip for a person to read."""
    lines = [
        f"the person, on the other head: {trip.person_mm:.2f} mm",
        f"{'unit':22}{'moves':>7}{'there':>7}{'back':>7}{'lips':>7}{'lids':>7}   mm, mean",
    ]
    rows = zip(trip.moved, trip.there, trip.back, trip.lips, trip.lids, strict=True)
    for name, values in zip(trip.names[1:], list(rows)[1:], strict=True):
        lines.append(f"{name:22}" + "".join(f"{value:7.2f}" for value in values))
    means = [getattr(trip, n)[1:].mean() for n in ("moved", "there", "back", "lips", "lids")]
    lines.append(f"{'mean':22}" + "".join(f"{value:7.2f}" for value in means))
    return "\n".join(lines)


def draw_round_trip(trip: RoundTrip, other: HeadFile, path: Path) -> None:
    """A picture: some units on the default head, on the other, on the default again."""
    from ..detail.complexion import person_texture
    from ..preview.sitter import Sitter

    rows = []
    for file, params in zip((default_head(), other, default_head()), trip.params, strict=True):
        head = Head(file)
        sitter = Sitter(head, params.shape, person_texture(head, params.albedo))
        rest = head.rest(params.shape)
        frames = [trip.names.index(name) for name in _SHOWN if name in trip.names]
        rows.append(np.concatenate([_portrait(sitter, head.camera_frame(params, t, rest))
                                    for t in frames], 1))  # fmt: skip
    write_picture(np.concatenate(rows), path)


def _portrait(sitter, vertices: np.ndarray) -> np.ndarray:
    from ..preview.overlay import before_backdrop
    from ..preview.studio import draw

    return before_backdrop(draw(sitter, vertices, _TILE * _DISTANCE_M / _SPAN_M, (_TILE, _TILE)))


def _poses(default: HeadFile) -> tuple[list[str], FaceParams]:
    units = list(default.expression_names)
    names = ["neutral", *units, *_JAWS, "eyes up", "m with the jaw open"]
    count = len(names)
    params = FaceParams.neutral(Head(default), count, 1000.0, _DISTANCE_M)
    shape = np.zeros_like(params.shape)
    generator = np.random.default_rng(_PERSON_SEED)
    shape[:_PERSON_COLUMNS] = generator.normal(0, _PERSON_SD, _PERSON_COLUMNS)
    expression, jaw, eyes = np.zeros((count, len(units))), np.zeros((count, 3)), params.eyes.copy()
    expression[1 : 1 + len(units)] = np.eye(len(units))
    jaw[1 + len(units) : -2] = list(_JAWS.values())
    eyes[-2, [0, 3]] = -0.3
    jaw[-1, 0], expression[-1, units.index("mouthClose")] = 0.25, 0.8
    pose = np.tile([0.0, 0.35, 0.0], (count, 1))
    return names, params.replace(
        shape=shape, expression=expression, jaw=jaw, eyes=eyes, head_pose=pose
    )


def _points(head: PointHead, params: FaceParams) -> np.ndarray:
    return head.pose(head.person(params.shape), params.expression, params.jaw, params.eyes)


def _rows(params: FaceParams, kept: np.ndarray) -> FaceParams:
    fields = ("expression", "head_pose", "head_translation", "jaw", "eyes")
    return params.replace(**{name: getattr(params, name)[kept] for name in fields})
