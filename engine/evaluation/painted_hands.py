"""Things that hide a part of the mouth: a finger, hands at cheek and chin, a cup, a bite of food.

Hands are capsules in widths of the face with colours taken over from the face (facts of AVFace's
section 3.4); cups and bites have a colour of their own.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ..training.occlusions import Hand, draw_hand, render_hand
from ..training.people.transfer import transfer_colours

PartKind = Literal["finger", "cheek", "chin", "cup", "food"]
PART_KINDS: tuple[PartKind, ...] = ("finger", "cheek", "chin", "cup", "food")
_REACH = 1.3  # of a hand's drawing about its palm
_LEFT_CORNER, _RIGHT_CORNER, _LOWER_LIP, _UPPER_LIP, _CHIN = 291, 61, 17, 0, 152


@dataclass(frozen=True)
class Thing:
    """One thing and how it is held. Lengths in widths of the face, angles in radians."""

    kind: PartKind
    hand: Hand
    side: int  # 1 the subject's left, -1 right
    angle: float
    reach: float  # from the corner or the lip to the palm's middle
    size: float
    colour: np.ndarray  # (3,) of cups and food
    outline: np.ndarray  # (24,) radii of a bite
    seed: int


def draw_thing(kind: PartKind, generator: np.random.Generator) -> Thing:
    """A random one."""
    side = 1 if generator.random() < 0.5 else -1
    hand = _pointing_hand(generator) if kind == "finger" else draw_hand(generator)
    lean = {"finger": 0.15, "cheek": 0.5, "chin": 0.35}.get(kind, 0.2)
    return Thing(
        kind, hand, side, float(generator.normal(0, lean)), float(generator.uniform(0.24, 0.3)),
        float(generator.uniform(0.85, 1.1)), generator.uniform(30, 230, 3),
        generator.uniform(0.8, 1.2, 24), int(generator.integers(1 << 30)),
    )  # fmt: skip


def paint_thing(
    thing: Thing, picture: np.ndarray, points: np.ndarray, moved: np.ndarray, skin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (H, W, 3) and coverage (H, W) of a thing before a face.

    Args:
        thing: What.
        picture: (H, W, 3) uint8.
        points: (478, 2) px of the face.
        moved: (2,) px from the thing's place on the face.
        skin: (n, 3) colours of the face.
    """
    width = float(np.ptp(points[:468, 0]))
    down = points[_CHIN] - points[168]
    down = down / np.linalg.norm(down)
    left = np.array([down[1], -down[0]])  # to the subject's left, which is the picture's right
    lean = float(np.arctan2(-down[0], down[1]))  # of the head, in the picture
    if thing.kind == "cup":
        return _paint_cup(thing, picture, points[_LOWER_LIP] + moved, left, down, width)
    if thing.kind == "food":
        middle = (points[_LOWER_LIP] + points[_UPPER_LIP]) / 2 + moved
        return _paint_bite(thing, picture, middle, width)
    if thing.kind == "finger":  # the finger's middle on the lips, the fist on the chin
        place, angle = points[_LOWER_LIP] + 0.42 * width * down, np.pi + lean + thing.angle
    elif thing.kind == "cheek":
        corner = points[_LEFT_CORNER if thing.side > 0 else _RIGHT_CORNER]
        place = corner + width * (thing.side * 0.6 * thing.reach * left + 0.1 * down)
        angle = np.pi + lean + thing.angle + 0.2 * thing.side
    else:
        place = points[_LOWER_LIP] + width * thing.reach * down
        angle = lean + np.pi + thing.side * (1.1 + thing.angle)
    return _paint_hand(thing, picture, place + moved, angle, width, skin)


def _paint_hand(
    thing: Thing,
    picture: np.ndarray,
    place: np.ndarray,
    angle: float,
    width: float,
    skin: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    height, wide = picture.shape[:2]
    colour, alpha = picture.astype(np.float32), np.zeros((height, wide), np.float32)
    half = round(_REACH * width)  # beyond it nobody looks, and large pictures take long
    left, top = np.rint(place).astype(int) - half
    part = (
        slice(max(top, 0), max(top + 2 * half, 0)),
        slice(max(left, 0), max(left + 2 * half, 0)),
    )
    brightness, coverage = render_hand(
        thing.hand, place - (left, top), angle, thing.size * width, 2 * half
    )
    inside = (slice(max(-top, 0), height - top), slice(max(-left, 0), wide - left))
    brightness, coverage = brightness[inside], coverage[inside]
    solid = coverage > 0
    if solid.any():
        tones = np.repeat(brightness[solid][:, None], 3, 1) * 255
        own = np.random.default_rng(thing.seed)  # the same slices in each picture: no flicker
        colour[part][solid] = transfer_colours(tones, skin, own)
    alpha[part] = coverage
    return colour, alpha


def _pointing_hand(generator: np.random.Generator) -> Hand:
    """A fist with one finger stretched."""
    bend = generator.normal(0, 0.03)
    parts = [(0.0, -1.6, 0.0, 0.1, 0.16, 0.14)]  # the forearm
    parts += [(0.1 * (k - 1.5), 0.2, 0.1 * (k - 1.5), 0.36, 0.09, 0.085) for k in range(4)]
    middle = bend - 0.03
    parts += [(-0.05, 0.4, middle, 0.66, 0.058, 0.054), (middle, 0.66, bend, 0.9, 0.054, 0.044)]
    return Hand(np.array(parts), float(generator.uniform(0, 2 * np.pi)))


def _paint_cup(
    thing: Thing,
    picture: np.ndarray,
    lip: np.ndarray,
    left: np.ndarray,
    down: np.ndarray,
    width: float,
) -> tuple[np.ndarray, np.ndarray]:
    """A cup whose rim lies over the lower lip."""
    height, wide = picture.shape[:2]
    half, tall = 0.23 * thing.size * width, 0.5 * width
    rim = lip - 0.06 * width * down
    foot = rim + tall * down
    corners = [rim - half * left, rim + half * left, foot + 0.8 * half * left]
    corners.append(foot - 0.8 * half * left)
    alpha = np.zeros((height, wide), np.uint8)
    cv2.fillPoly(alpha, [np.rint(16 * np.array(corners)).astype(np.int32)], 255, cv2.LINE_AA, 4)
    axes = (round(half), max(1, round(0.2 * half)))
    turn = float(np.degrees(np.arctan2(left[1], left[0])))
    centre = (round(float(rim[0])), round(float(rim[1])))
    cv2.ellipse(alpha, centre, axes, turn, 0, 360, 255, -1, cv2.LINE_AA)
    y, x = np.mgrid[:height, :wide].astype(np.float32)
    across = ((x - rim[0]) * left[0] + (y - rim[1]) * left[1]) / half
    shade = 1 - 0.35 * np.clip(np.abs(across + 0.3), 0, 1.3) ** 2
    return shade[..., None] * thing.colour.astype(np.float32), alpha / np.float32(255)


def _paint_bite(
    thing: Thing, picture: np.ndarray, middle: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """An uneven lump between the lips."""
    height, wide = picture.shape[:2]
    turn = np.linspace(0, 2 * np.pi, len(thing.outline), endpoint=False)
    around = np.stack([0.14 * np.cos(turn), 0.1 * np.sin(turn)], 1) * thing.outline[:, None]
    outline = middle + around * thing.size * width
    alpha = np.zeros((height, wide), np.uint8)
    cv2.fillPoly(alpha, [np.rint(16 * outline).astype(np.int32)], 255, cv2.LINE_AA, 4)
    y, x = np.mgrid[:height, :wide].astype(np.float32)
    far = np.hypot((x - middle[0]) / 0.14, (y - middle[1]) / 0.1) / (thing.size * width)
    grain = np.random.default_rng(thing.seed).normal(0, 0.08, (32, 32)).astype(np.float32)
    grain = cv2.resize(grain, (wide, height), interpolation=cv2.INTER_CUBIC)
    shade = 1.05 - 0.3 * np.clip(far, 0, 1.2) ** 2 + grain
    return shade[..., None] * thing.colour.astype(np.float32), alpha / np.float32(255)
