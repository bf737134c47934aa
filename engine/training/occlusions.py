"""Windows with a synthetic hand before the face (AVFace section 3.4).

As published: a hand covers part of the first frame, its colours are taken from the face by sliced
optimal transport, and it is turned and moved at random from frame to frame. What lies beneath stays
known, so that the networks learn to infer it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .data import Sample, Source
from .people.transfer import transfer_colours

_TURN_RAD, _MOVE = 0.06, 0.035  # per frame: standard deviations; the move in face widths
_AIMS = (62, 66, 8, 30, 48, 54, 39, 42)  # landmarks that a hand covers, the mouth mostly
_AIM_SHARES = (0.25, 0.25, 0.1, 0.12, 0.09, 0.09, 0.05, 0.05)


@dataclass(frozen=True)
class Hand:
    """Fingers and a palm as capsules, in widths of the face, the wrist at the origin."""

    capsules: np.ndarray  # (K, 6) from x, y to x, y, radius there and here
    light: float  # rad: where it comes from in the picture


def draw_hand(generator: np.random.Generator) -> Hand:
    """A random hand: spread, curled or flat, left or right."""
    spread, curl = generator.uniform(0.5, 1.3), generator.uniform(0, 0.55)
    parts = [(0.0, -1.6, 0.0, 0.1, 0.16, 0.15)]  # the forearm
    parts += [(0.09 * (k - 1.5), 0.12, 0.105 * (k - 1.5), 0.42, 0.1, 0.085) for k in range(4)]
    lengths = np.array([0.33, 0.4, 0.38, 0.3]) * generator.uniform(0.9, 1.1) * (1 - curl)
    for k, length in enumerate(lengths):
        x, angle = 0.105 * (k - 1.5), 0.16 * spread * (k - 1.5) + generator.normal(0, 0.05)
        knuckle = (x + 0.55 * length * np.sin(angle), 0.45 + 0.55 * length * np.cos(angle))
        bent = angle + generator.normal(0, 0.15)
        tip = (knuckle[0] + 0.45 * length * np.sin(bent), knuckle[1] + 0.45 * length * np.cos(bent))
        parts += [(x, 0.43, *knuckle, 0.06, 0.054), (*knuckle, *tip, 0.054, 0.043)]
    out = generator.uniform(0.5, 1.1)
    parts.append((0.15, 0.12, 0.15 + 0.3 * np.sin(out), 0.12 + 0.3 * np.cos(out), 0.075, 0.055))
    capsules = np.array(parts)
    if generator.random() < 0.5:
        capsules[:, [0, 2]] *= -1
    return Hand(capsules, float(generator.uniform(0, 2 * np.pi)))


def render_hand(
    hand: Hand, centre: np.ndarray, angle: float, scale: float, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """A hand in a picture of `side` pixels: brightness (P, P) and coverage (P, P), 0 to 1.

    Args:
        hand: What.
        centre: (2,) px, where the middle of the palm lies.
        angle: rad.
        scale: px in a width of the face.
        side: P.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    y, x = np.mgrid[:side, :side] + 0.5
    x, y = (x - centre[0]) / scale, (y - centre[1]) / scale
    x, y = cos * x + sin * y, -sin * x + cos * y + 0.27  # the palm's middle
    best = np.full((side, side), -np.inf)
    across = np.zeros((side, side, 2))
    for ax, ay, bx, by, ra, rb in hand.capsules:
        length = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
        share = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1)
        dx, dy = x - ax - share * (bx - ax), y - ay - share * (by - ay)
        radius = ra + share * (rb - ra)
        inside = 1 - np.hypot(dx, dy) / radius
        nearer = inside > best
        best = np.where(nearer, inside, best)
        across = np.where(nearer[..., None], np.stack([dx, dy], -1) / radius[..., None], across)
    coverage = np.clip(best * scale * 0.06 + 0.5, 0, 1)
    towards = np.array([np.cos(hand.light - angle), np.sin(hand.light - angle)])
    facing = np.sqrt(np.clip(1 - (across**2).sum(-1), 0, 1))
    brightness = 0.35 + 0.45 * facing + 0.3 * (across @ towards)
    return brightness.clip(0, 1).astype(np.float32), coverage.astype(np.float32)


def cover_with_hand(sample: Sample, generator: np.random.Generator) -> Sample:
    """The window with a moving hand; landmarks that it hides are marked as covered."""
    pictures, marks = sample["pictures"].copy(), sample["landmarks"]
    side = pictures.shape[1]
    hand, base = draw_hand(generator), (marks + 1) / 2 * side  # px
    width = float(np.ptp(base[0, :, 0])) * generator.uniform(0.8, 1.15)
    aim = int(generator.choice(_AIMS, p=_AIM_SHARES))
    place = base[0, aim] + generator.normal(0, 0.1, 2) * width
    angle = generator.uniform(-1, 1) + (np.pi if generator.random() < 0.7 else 0)
    colours = _face_colours(pictures[0], base[0])
    covered = sample["covered"].copy()
    seed = int(generator.integers(1 << 30))
    for t in range(len(pictures)):
        brightness, coverage = render_hand(hand, place, angle, width, side)
        solid = coverage > 0
        tones = np.repeat(brightness[solid][:, None], 3, 1) * 255
        own = np.random.default_rng(seed)  # the same slices in every frame: no flicker
        skin = transfer_colours(tones, colours, own)
        share = coverage[solid][:, None]
        mixed = pictures[t][solid] * (1 - share) + skin * share
        pictures[t][solid] = mixed.clip(0, 255).astype(np.uint8)
        column, row = np.clip(base[t].astype(int), 0, side - 1).T
        covered[t] = np.maximum(covered[t], coverage[row, column] > 0.5)
        place = place + generator.normal(0, _MOVE, 2) * width
        angle += generator.normal(0, _TURN_RAD)
    return sample | {"pictures": pictures, "covered": covered}


class WithHands:
    """Another source's windows, a share of them covered by hands."""

    def __init__(self, source: Source, share: float) -> None:
        self.source, self.share = source, share

    def draw(self, generator: np.random.Generator, frames: int) -> Sample:
        """A window, covered or not."""
        sample = self.source.draw(generator, frames)
        return cover_with_hand(sample, generator) if generator.random() < self.share else sample


def _face_colours(picture: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The skin's pixels (n, 3): within the landmarks, without eyes and mouth."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(marks.astype(np.int32)), 1)
    for part in (range(36, 42), range(42, 48), range(48, 60)):
        cv2.fillConvexPoly(mask, cv2.convexHull(marks[list(part)].astype(np.int32)), 0)
    found = picture[mask > 0].astype(np.float32)
    return found if len(found) else picture.reshape(-1, 3).astype(np.float32)
