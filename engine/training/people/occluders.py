"""Things before the face: hands, microphones, cups, telephones, masks, patches; all can move.

A thing hangs on a point of the face, in units of the face's width; in a sequence it follows a path
of its own. Hands take the face's colours by sliced optimal transport.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .background import paint_background, soft_polygon
from .drawing import draw_capsules
from .light import Lighting, light_plain
from .stage import Stage
from .transfer import transfer_colours

Kind = Literal["hand", "microphone", "cup", "phone", "mask", "patch"]
_KINDS: tuple[Kind, ...] = ("hand", "microphone", "cup", "phone", "mask", "patch")
_JAW_LINE = (93, 132, 172, 150, 152, 379, 397, 361, 323, 425, 195, 205)


@dataclass(frozen=True)
class Clutter:
    """How often things are before a face, which, and where."""

    least: float = 0.0  # share of faces with a thing, at difficulty 0
    more: float = 0.45  # and how much more at 1
    two: float = 0.15  # of them with two
    often: tuple[float, ...] = (0.42, 0.16, 0.1, 0.07, 0.08, 0.17)  # of each kind
    targets: tuple[tuple[int, float], ...] = (
        (13, 0.42), (468, 0.11), (473, 0.11), (105, 0.05), (334, 0.05), (4, 0.1), (152, 0.06),
        (50, 0.05), (280, 0.05),
    )  # fmt: skip


USUAL = Clutter()
# Mostly hands, that touch the mouth's corners, cheeks and chin as often as they hide the mouth.
TOUCHES = Clutter(
    least=0.75, more=0.0, two=0.1, often=(0.56, 0.1, 0.1, 0.04, 0.06, 0.14),
    targets=((13, 0.14), (61, 0.1), (291, 0.1), (187, 0.08), (411, 0.08), (152, 0.1), (199, 0.06),
             (4, 0.05), (468, 0.07), (473, 0.07), (105, 0.05), (334, 0.05), (50, 0.025),
             (280, 0.025)),
)  # fmt: skip


@dataclass(frozen=True)
class Occluder:
    """One thing; lengths in face widths, angles in radians."""

    kind: Kind
    target: int  # the mesh point it hangs on
    offset: np.ndarray  # (2,) from there
    angle: float
    size: float
    colour: np.ndarray  # (3,) reflectance
    outline: np.ndarray  # (48,) radii of a patch, or what the kind wants
    fingers: np.ndarray  # (5, 3): spread, curl, length of each finger
    skin: bool  # takes the face's colours
    seed: int
    path: np.ndarray  # (K, 4) offset x, y, angle, curl at equally spaced times


def choose_occluders(
    generator: np.random.Generator, difficulty: float, moving: bool, clutter: Clutter
) -> list[Occluder]:
    """None for most at low difficulty; two at the most."""
    if generator.random() > clutter.least + clutter.more * difficulty:
        return []
    count = 1 + (generator.random() < clutter.two)
    return [_choose(generator, moving, clutter) for _ in range(count)]


def _choose(generator: np.random.Generator, moving: bool, clutter: Clutter) -> Occluder:
    kind = _KINDS[generator.choice(len(_KINDS), p=clutter.often)]
    targets, weights = zip(*clutter.targets, strict=True)
    colour = generator.random(3) ** 3 * 0.3 if generator.random() < 0.4 else generator.random(3)
    fingers = np.stack([
        generator.normal(0, 0.07, 5), generator.uniform(0, 1, 5) * generator.random(),
        generator.normal(1, 0.06, 5),
    ], 1)  # fmt: skip
    return Occluder(
        kind=kind, target=int(generator.choice(targets, p=weights)),
        offset=generator.normal(0, 0.10, 2), angle=float(generator.uniform(0, 2 * np.pi)),
        size=float(np.exp(generator.normal(0, 0.25))), colour=colour,
        outline=_outline(generator), fingers=fingers,
        skin=bool(generator.random() < (0.85 if kind == "hand" else 0.12)),
        seed=int(generator.integers(1 << 30)), path=_path(generator, moving),
    )  # fmt: skip


def _outline(generator: np.random.Generator) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radii = np.ones(48)
    for k in range(1, 5):
        a, b = generator.normal(0, 0.22 / k, 2)
        radii += a * np.cos(k * turn) + b * np.sin(k * turn)
    return np.clip(radii, 0.3, 2)


def _path(generator: np.random.Generator, moving: bool) -> np.ndarray:
    """Still; or passing by, coming to stay, or fidgeting in place."""
    path = np.zeros((6, 4))
    if not moving:
        return path
    kind = generator.random()
    steps = np.linspace(-1, 1, 6)[:, None]
    away = generator.normal(size=2)
    away *= generator.uniform(0.5, 1.5) / np.linalg.norm(away)
    if kind < 0.4:
        path[:, :2] = away * steps
    elif kind < 0.7:
        path[:, :2] = away * np.clip(-steps * generator.choice([1, -1]) + 0.2, 0, 1)
    path[:, :2] += generator.normal(0, 0.05, (6, 2))
    path[:, 2] = np.cumsum(generator.normal(0, 0.12, 6))
    path[:, 3] = np.cumsum(generator.normal(0, 0.12, 6))
    return path


def moved(thing: Occluder, share: float) -> Occluder:
    """The thing as it is at a share 0..1 of the sequence."""
    at = np.linspace(0, 1, len(thing.path))
    x, y, angle, curl = (np.interp(share, at, thing.path[:, k]) for k in range(4))
    fingers = thing.fingers.copy()
    fingers[:, 1] = np.clip(fingers[:, 1] + curl, 0, 1)
    return replace(
        thing, offset=thing.offset + np.array([x, y]), angle=thing.angle + angle, fingers=fingers
    )


def cover(
    stage: Stage,
    thing: Occluder,
    picture: np.ndarray,
    points: np.ndarray,
    lighting: Lighting,
    face_colours: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The picture with the thing before it, and what share of each pixel it hides.

    Args:
        picture: (S, S, 3) float32 linear.
        points: (478, 2) px of the face.
        lighting: the performer's.
        face_colours: (n, 3) pixels of the face as lit.
    """
    generator = np.random.default_rng(thing.seed)
    size = len(picture)
    face = float(np.ptp(points[:468], axis=0).max()) * 0.8
    where = points[thing.target] + thing.offset * face
    if thing.kind in ("hand", "microphone"):
        limbs = (_hand if thing.kind == "hand" else _microphone)(thing, where, face)
        hidden, normals, owner = draw_capsules(limbs.astype(np.float32), size, size)
    else:
        hidden, normals = _flat(thing, where, face, points, size)
        owner = np.zeros((size, size), np.int8)
    inside = hidden > 0
    if not inside.any():
        return picture, hidden
    noise = stage.noise[generator.integers(len(stage.noise))][:size, :size]
    rough = np.float32(generator.uniform(0, 0.12 if thing.kind == "hand" else 0.3))
    albedo = np.float32(thing.colour) * (1 + rough * noise[inside])[:, None]
    if thing.kind == "microphone":  # its stem is another material than its head
        albedo[owner[inside] > 0] = generator.random(3) ** 2 * 0.5
    if thing.kind == "patch" and generator.random() < 0.4:
        albedo = paint_background(stage, generator, size, 1.0)[inside]
    lit = np.maximum(albedo, 0) * light_plain(lighting, normals[inside])
    if thing.skin and len(face_colours) > 60:
        lit = transfer_colours(lit, face_colours * np.float32(generator.uniform(0.75, 1.2)),
                               generator)  # fmt: skip
    out = picture.copy()
    share = hidden[inside][:, None]
    out[inside] = picture[inside] * (1 - share) + lit * share
    return out, hidden


def _axes(angle: float) -> tuple[np.ndarray, np.ndarray]:
    along = np.array([np.cos(angle), np.sin(angle)])
    return along, np.array([-along[1], along[0]])


def _hand(thing: Occluder, where: np.ndarray, face: float) -> np.ndarray:
    """Palm, fingers of two or three bones, thumb and forearm as capsules, (n, 7)."""
    along, across = _axes(thing.angle)
    unit = face * 0.52 * thing.size  # of the palm
    thick = 0.125 * unit * 2
    wrist = where - along * unit * 0.95
    limbs = [[*(wrist - along * unit * 2.2), 0.34 * unit, *wrist, 0.27 * unit, -0.25 * unit]]
    for k in range(4):
        side = (k - 1.5) * 0.25 * unit
        knuckle = wrist + along * unit * (0.93 - 0.05 * abs(k - 1.3)) + across * side
        limbs.append([*(wrist + across * side * 0.6 + along * 0.12 * unit), 0.24 * unit,
                      *knuckle, 0.145 * unit, -0.1 * unit])  # fmt: skip
        spread, curl, length = thing.fingers[k]
        heading = thing.angle + spread + (k - 1.5) * 0.09
        start, radius = knuckle, thick * 0.52
        reach = unit * length * (0.86, 0.98, 0.92, 0.72)[k]
        for bone, share in enumerate((0.48, 0.30, 0.22)):
            bent = max(0.22, 1 - curl * (0.35, 0.8, 1.0)[bone])
            direction = np.array([np.cos(heading), np.sin(heading)])
            end = start + direction * reach * share * bent
            limbs.append(
                [*start, radius, *end, radius * 0.9, 0.02 * unit + curl * bone * 0.05 * unit]
            )
            start, radius = end, radius * 0.9
    spread, curl, length = thing.fingers[4]
    side = 1 if thing.seed % 2 else -1
    heading = thing.angle + side * (0.75 + spread)
    start = wrist + across * side * 0.28 * unit + along * 0.2 * unit
    for share, radius in ((0.5, 0.17 * unit), (0.42, 0.14 * unit)):
        end = start + np.array([np.cos(heading), np.sin(heading)]) * unit * share * length
        limbs.append([*start, radius, *end, radius * 0.88, 0.12 * unit])
        start, heading = end, heading - side * 0.5 * curl
    return np.array(limbs)


def _microphone(thing: Occluder, where: np.ndarray, face: float) -> np.ndarray:
    angle = np.pi / 2 + 0.9 * np.sin(thing.angle)
    along, _ = _axes(angle)
    radius = 0.13 * face * thing.size
    ball = [*where, radius, *(where + along * radius * 0.5), radius, 0.3 * radius]
    stem = [
        *(where + along * radius),
        radius * 0.62,
        *(where + along * 2.5 * face),
        radius * 0.5,
        0,
    ]
    return np.array([ball, stem])


def _flat(
    thing: Occluder, where: np.ndarray, face: float, points: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and normals of cups, telephones, masks and patches."""
    normals = np.zeros((size, size, 3), np.float32)
    x = (np.arange(size, dtype=np.float32) - np.float32(where[0]))[None] / np.float32(0.4 * face)
    along, across = _axes(0.6 * np.sin(thing.angle))
    if thing.kind == "mask":
        outline = points[list(_JAW_LINE)]
        middle = outline.mean(0)
        outline = middle + (outline - middle) * 1.03
    elif thing.kind == "patch":
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False) + thing.angle
        radius = 0.2 * face * thing.size * thing.outline
        outline = (
            where
            + np.stack([np.cos(turn), np.sin(turn) * thing.fingers[0, 2]], 1) * radius[:, None]
        )
    else:
        wide, tall = (0.2, 0.26) if thing.kind == "cup" else (0.17, 0.36)
        narrow = 0.8 if thing.kind == "cup" else 1.0
        corners = np.array(
            [(-wide, -tall), (wide, -tall), (wide * narrow, tall), (-wide * narrow, tall)]
        )
        outline = where + corners * face * thing.size @ np.stack([along, across])
    normals[..., 0] = np.clip(x, -0.9, 0.9) * (0.9 if thing.kind in ("cup", "mask") else 0.2)
    normals[..., 2] = np.sqrt(1 - normals[..., 0] ** 2)
    return soft_polygon(outline, size), normals
