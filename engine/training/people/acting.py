"""What performers do: units, jaw and gaze of single moments and of sequences.

Moments are drawn like speech (two visemes blended), smiles that show teeth, or a few units at
random; brows, lids and gaze go their own way.
"""

from dataclasses import dataclass

import numpy as np

from ...easing import ease
from .stage import Stage

JAW_OPEN_RAD = np.radians(21.4)
# jaw (0-1), lips shut, round (-1) to spread (1), lower lip to the teeth, pucker, tongue up
_VISEMES = np.array([
    (0.03, 0.25, 0, 0, 0, 0), (0.85, 0, 0.05, 0, 0, 0), (0.75, 0, 0.45, 0, 0, 0),
    (0.5, 0, 0.05, 0, 0, 0), (0.7, 0, -0.45, 0, 0.35, 0), (0.55, 0, 0.4, 0, 0, 0),
    (0.35, 0, -0.25, 0, 0.3, 0), (0.3, 0, 0.4, 0, 0, 0), (0.2, 0, 0.7, 0, 0, 0),
    (0.5, 0, -0.6, 0, 0.6, 0), (0.2, 0, -0.8, 0, 0.85, 0), (0.12, 1, 0, 0, 0, 0),
    (0.25, 1, 0.2, 0, 0.1, 0), (0.12, 0, 0.1, 1, 0, 0), (0.15, 0, -0.9, 0, 0.95, 0),
    (0.25, 0, -0.35, 0, 0.4, 0), (0.12, 0, -0.35, 0, 0.5, 0.3), (0.08, 0, 0.3, 0, 0, 0.2),
    (0.18, 0, 0.15, 0, 0, 0.8), (0.3, 0, 0.1, 0, 0, 1.0),
])  # fmt: skip
_LEFT_ALONE = ("mouthClose", "tongueOut", "tongueUp", "tongueBack")


@dataclass(frozen=True)
class Acting:
    """T moments of a performance."""

    units: np.ndarray  # (T, E)
    jaw: np.ndarray  # (T, 3) rad
    eyes: np.ndarray  # (T, 6) rad, left then right

    def __len__(self) -> int:
        return len(self.units)


def act_moments(stage: Stage, generator: np.random.Generator, count: int) -> Acting:
    """`count` moments that have nothing to do with each other."""
    moments = [Moment(stage, generator) for _ in range(count)]
    for moment in moments:
        moment.mouth()
        moment.upper_face()
    return Acting(
        np.stack([m.clipped() for m in moments]).astype(np.float32),
        np.stack([m.jaw for m in moments]).astype(np.float32),
        np.stack([gaze(generator) for _ in moments]).astype(np.float32),
    )


def act_sequence(stage: Stage, generator: np.random.Generator, count: int, fps: float) -> Acting:
    """`count` frames of one performance: speech-like lips, blinks, glances, slow brows."""
    seconds = np.arange(count) / fps
    per_second = generator.uniform(4, 9) if generator.random() < 0.85 else 1.0
    keys = int(np.ceil(seconds[-1] * per_second)) + 3
    moments = [Moment(stage, generator) for _ in range(keys)]
    for moment in moments:
        moment.mouth()
    units = _between(np.stack([m.clipped() for m in moments]), seconds * per_second)
    jaw = _between(np.stack([m.jaw for m in moments]), seconds * per_second)
    uppers = [Moment(stage, generator) for _ in range(int(np.ceil(seconds[-1] * 1.2)) + 3)]
    for moment in uppers:
        moment.upper_face(lids=False)
    units = units + _between(np.stack([m.clipped() for m in uppers]), seconds * 1.2)
    start = generator.uniform(-0.3, 1.6) * seconds[-1]
    shut = _blink(seconds - start)
    for side in ("Left", "Right"):
        units[:, stage.head.unit["eyeBlink" + side]] += shut
    glances = np.stack([gaze(generator) for _ in range(3)])
    turn = np.cumsum(generator.exponential(0.5, 2))
    which = np.searchsorted(turn, seconds)
    high = stage.head.file.expression_high
    return Acting(
        np.clip(units, 0, high).astype(np.float32), jaw.astype(np.float32),
        glances[which].astype(np.float32),
    )  # fmt: skip


def _blink(seconds: np.ndarray) -> np.ndarray:
    return ease(seconds / 0.09) * (1 - ease((seconds - 0.14) / 0.2))


def _between(keys: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Keys (K, n) read at fractional places (T,), eased: still at each key for a moment."""
    low = np.minimum(at.astype(int), len(keys) - 2)
    share = ease(at - low)[:, None]
    return keys[low] * (1 - share) + keys[low + 1] * share


def gaze(generator: np.random.Generator) -> np.ndarray:
    """Both eyes, (6,) rad: near the camera mostly, sometimes far aside, slightly converging."""
    wide = generator.random() < 0.25
    yaw, pitch = generator.normal(0, 1, 2) * ((0.32, 0.2) if wide else (0.15, 0.09))
    yaw, pitch = np.clip(yaw, -0.6, 0.6), np.clip(pitch, -0.4, 0.4)
    towards = generator.uniform(-0.02, 0.05)
    return np.array([pitch, yaw - towards, 0, pitch, yaw + towards, 0])


class Moment:
    """Collects one moment's units by name."""

    def __init__(self, stage: Stage, generator: np.random.Generator) -> None:
        self.unit, self.random = stage.head.unit, generator
        self.high = stage.head.file.expression_high
        self.units = np.zeros(len(self.high))
        self.jaw = np.zeros(3)

    def clipped(self) -> np.ndarray:
        """The units (E,) within their bounds."""
        return np.clip(self.units, 0, self.high)

    def both(self, name: str, value: float, lopsided: float = 0.12) -> None:
        """Add to the left and right unit, now and then to one side mostly."""
        if self.random.random() < lopsided:
            left = self.random.random()
            shares = (2 * left, 2 - 2 * left)
        else:
            shares = 1 + 0.15 * self.random.normal(size=2)
        for side, share in zip(("Left", "Right"), shares, strict=True):
            self.units[self.unit[name + side]] += value * share

    def add(self, name: str, value: float) -> None:
        """Add to one unit."""
        self.units[self.unit[name]] += value

    def mouth(self) -> None:
        """Speech, a smile, or a few units at random."""
        kind = self.random.random()
        if kind < 0.55:
            self._speech()
        elif kind < 0.72:
            self._smile()
        elif kind < 0.94:
            self._anything()
        if self.random.random() < 0.05:
            self.add("tongueOut", 0.6 * self.random.random())
            self.jaw[0] = max(self.jaw[0], 0.2)
        if self.random.random() < 0.4:
            self.jaw[1] = 0.02 * self.random.normal()

    def _speech(self) -> None:
        random = self.random
        a, b = _VISEMES[random.integers(len(_VISEMES), size=2)]
        share = random.random() ** 2
        jaw, seal, wide, tuck, pucker, tip = (1 - share) * a + share * b
        effort = random.uniform(0.35, 1.3)
        self.jaw[0] = jaw * effort * random.uniform(0.25, 0.36)
        wide *= effort
        if wide > 0:
            self.both("mouthStretch", wide * random.uniform(0.2, 0.8))
            self.both("mouthSmile", wide * random.uniform(0, 0.5))
            self.both("mouthDimple", wide * random.uniform(0, 0.4))
        else:
            self.add("mouthFunnel", -wide * random.uniform(0.1, 0.8))
        self.add("mouthPucker", pucker * effort * random.uniform(0.5, 1.1))
        self.add("tongueUp", 0.6 * tip)
        if tuck > 0.2:
            self.add("mouthRollLower", tuck * random.uniform(0.4, 1))
            self.both("mouthUpperUp", tuck * random.uniform(0.1, 0.5))
        self.seal(seal * random.uniform(0.92, 1.0))
        if seal > 0.6:
            self._press()
        elif seal < 0.4:
            for name, most in (("mouthLowerDown", 0.7), ("mouthUpperUp", 0.5)):
                if random.random() < 0.5:
                    self.both(name, random.uniform(0, most))
            if random.random() < 0.4:
                self.add("lipsPart", random.uniform(0, 0.8))

    def seal(self, share: float) -> None:
        """Lips that meet by `share` for the jaw as it stands."""
        self.add("mouthClose", share * np.sin(self.jaw[0]) / np.sin(JAW_OPEN_RAD))

    def _press(self) -> None:
        random = self.random
        if random.random() < 0.5:
            self.both("mouthPress", random.uniform(0, 0.7))
        if random.random() < 0.4:
            roll = random.uniform(0, 0.7)
            self.add("mouthRollUpper", 0.6 * roll)
            self.add("mouthRollLower", roll)

    def _smile(self) -> None:
        """Half of them show bright teeth."""
        random = self.random
        wide = random.uniform(0.3, 1.0)
        self.both("mouthSmile", wide)
        self.both("cheekSquint", wide * random.random())
        self.both("eyeSquint", wide * random.uniform(0, 0.6))
        if random.random() < 0.65:
            self.both("mouthUpperUp", random.uniform(0.25, 0.9))
            self.both("mouthLowerDown", random.uniform(0.0, 0.6))
            self.add("lipsPart", random.uniform(0.2, 0.8))
            self.jaw[0] = random.choice([0.0, 0.05, 0.15]) * random.uniform(0.3, 1.5)
        elif random.random() < 0.4:
            self._press()

    def _anything(self) -> None:
        random, names = self.random, list(self.unit)
        if random.random() < 0.45:
            self.jaw[0] = random.beta(1.2, 2.2) * 1.05 * JAW_OPEN_RAD
        for _ in range(random.integers(1, 5)):
            name = names[random.integers(len(names))]
            value = random.beta(1.1, 1.3)
            if name in _LEFT_ALONE or name.startswith(("eye", "brow")):
                continue
            stem = name.removesuffix("Left").removesuffix("Right")
            if stem == name or stem == "mouth":
                self.add(name, 0.8 * value)
            else:
                self.both(stem, value)
        if self.jaw[0] > 0 and random.random() < 0.25:
            self.seal(random.random())

    def upper_face(self, lids: bool = True) -> None:
        """Brows half of the time; lids three times of four."""
        random = self.random
        if random.random() < 0.55:
            value = random.beta(1.1, 1.1)
            kind = random.integers(4)
            if kind == 0:
                self.both("browDown", value)
            elif kind == 1:
                self.both("browInnerUp", value, 0.05)
                self.both("browOuterUp", value * random.uniform(0.2, 1))
            elif kind == 2:
                self.both("browInnerUp", value)
                self.both("browDown", 0.6 * value * random.random())
            else:
                self.both("browOuterUp", value, 0.4)
        if lids:
            self._lids()
        if random.random() < 0.05:
            self.both("noseSneer", random.random())

    def _lids(self) -> None:
        random, kind = self.random, self.random.random()
        if kind < 0.28:
            self.both("eyeBlink", 1.05 if random.random() < 0.45 else random.random(), 0.08)
        elif kind < 0.42:
            self.both("eyeSquint", random.random())
            self.both("eyeBlink", 0.35 * random.random(), 0)
        elif kind < 0.55:
            self.both("eyeWide", random.random())
        elif kind < 0.75:
            self.both("eyeBlink", 0.25 * random.random(), 0)
