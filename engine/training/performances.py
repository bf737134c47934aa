"""Windows of synthetic performers who speak: pictures, sound and truth that belong together."""

from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

from ..audio.features import RATE, STEP_CENTRE_SECONDS, SpeechFeatures
from ..audio.windows import windows
from ..models.phone_classes import CLASS_OF, CLASSES
from .data import Sample
from .people import Stage, build_stage, render_sequence
from .people.acting import Acting, act_sequence
from .people.labels import COVERED
from .trajectories import Phone, Style, articulate, draw_style, head_units

_CONSONANTS = ("P", "B", "M", "F", "V", "W", "R", "L", "T", "D", "N", "K", "G", "S", "Z", "SH",
               "CH", "TH", "DH", "Y", "HH", "NG")  # fmt: skip
_VOWELS = ("AA", "AO", "AE", "AH", "AY", "AW", "EH", "EY", "ER", "IH", "IY", "OW", "UW")
_HZ = 25.0
_SPEAKING = 0.85  # share of windows with speech; the rest is silent acting
_MOUTH_UNITS = ("mouth", "lips", "tongue", "jaw", "cheekPuff")


class Performers:
    """Windows of performers of `people`, who say random syllables.

    Args:
        size: P, px.
        difficulty: 0 plain faces before plain walls, 1 everything.
        seed: Other seeds give other people.
    """

    def __init__(self, size: int, difficulty: float = 1.0, seed: int = 0) -> None:
        self.size, self.difficulty, self.seed = size, difficulty, seed

    @cached_property
    def stage(self) -> Stage:
        """The performers' stage; a second or two."""
        return build_stage()

    def draw(self, generator: np.random.Generator, frames: int) -> Sample:
        """One window of one performer."""
        acting, sound = self.act(generator, frames)
        index = int(generator.integers(1 << 40))
        shot = render_sequence(
            self.stage, self.seed, index, frames, _HZ, self.size, self.difficulty, acting
        )
        truth = shot.labels
        return {
            "pictures": shot.pictures,
            "sound": sound,
            "landmarks": (truth.points_68 / self.size * 2 - 1).astype(np.float32),
            "belief": np.ones(truth.points_68.shape[:2], np.float32),  # known, seen or not
            "covered": covered_68(truth.points_68, truth.points, truth.hidden),
            "shape": truth.shape,
            "expression": truth.units,
            "jaw": truth.jaw,
            "eyes": truth.eyes,
            "pose": Rotation.from_matrix(truth.turn).as_rotvec().astype(np.float32),
        }

    def act(self, generator: np.random.Generator, frames: int) -> tuple[Acting, np.ndarray]:
        """A performance and its sound features (W, 16, 29)."""
        acting = act_sequence(self.stage, generator, frames, _HZ)
        seconds = np.arange(frames) / _HZ
        if generator.random() > _SPEAKING:
            silent: list[Phone] = [("SIL", -1.0, frames / _HZ + 1.0)]
            return acting, windows(simulate_features(silent, generator), seconds + 1.0)
        phones = babble(generator, frames / _HZ + 2.0)
        speech = speak_with(self.stage, acting, phones, seconds + 1.0, generator)
        return speech, windows(simulate_features(phones, generator), seconds + 1.0)


def speak_with(
    stage: Stage,
    acting: Acting,
    phones: list[Phone],
    seconds: np.ndarray,
    generator: np.random.Generator,
    style: Style | None = None,
) -> Acting:
    """A performance whose mouth says `phones` at the times (T,), in a random speaker's way."""
    names = stage.head.file.expression_names
    said = articulate(phones, seconds, style or draw_style(generator), generator)
    units, jaw = head_units(said, names)
    mouth = np.array([name.startswith(_MOUTH_UNITS) for name in names])
    smile = acting.units * 0.25 * (generator.random() < 0.3)  # speech with a feeling
    units = np.where(mouth, np.clip(units + smile * mouth, 0, 1), acting.units)
    return replace(acting, units=units.astype(np.float32), jaw=jaw.astype(np.float32))


def babble(generator: np.random.Generator, seconds: float) -> list[Phone]:
    """Random syllables and pauses from 0 to at least `seconds`."""
    phones: list[Phone] = []
    now, pace = 0.0, np.exp(generator.normal(0, 0.2))

    def say(name: str, length: float) -> None:
        nonlocal now
        end = now + length * pace * np.exp(generator.normal(0, 0.3))
        phones.append((name, now, float(end)))
        now = float(end)

    while now < seconds:
        if generator.random() < 0.08:
            say("SIL", 0.25)
        for _ in range(int(generator.choice([0, 1, 2], p=[0.15, 0.7, 0.15]))):
            say(str(generator.choice(_CONSONANTS)), 0.075)
        say(str(generator.choice(_VOWELS)), 0.11)
        if generator.random() < 0.3:
            say(str(generator.choice(_CONSONANTS)), 0.08)
    return phones


def simulate_features(phones: list[Phone], generator: np.random.Generator) -> SpeechFeatures:
    """Log-posteriors such as an acoustic network gives for phones from time 0 on.

    Blurred in time, unsure at borders, now and then wrong: one phone in eight looks like another.
    """
    seconds = phones[-1][2]
    count = max(int(seconds * RATE), 1)
    centres = np.arange(count) / RATE + STEP_CENTRE_SECONDS
    logits = generator.normal(0, 0.6, (count, len(CLASSES)))
    for name, start, end in phones:
        own = CLASS_OF[name]
        heard = own if generator.random() > 0.12 else int(generator.integers(len(CLASSES)))
        inside = np.clip((np.minimum(centres - start, end - centres) + 0.015) / 0.03, 0, 1)
        sure = generator.uniform(4, 8)
        logits[:, heard] += sure * inside
        logits[:, own] += 0.5 * sure * inside * (heard != own)
    logits -= np.log(np.exp(logits).sum(1, keepdims=True))
    return SpeechFeatures("phones", np.maximum(logits, np.log(1e-4)).astype(np.float32))


def covered_68(marks: np.ndarray, points: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """1 where the mesh point nearest to a landmark is covered by a thing: (T, 68) float32.

    Args:
        marks: (T, 68, 2) px.
        points: (T, 478, 2) px.
        hidden: (T, 478) bits of `Labels.hidden`.
    """
    apart = ((marks[:, :, None] - points[:, None, :468]) ** 2).sum(-1)
    nearest = apart.argmin(-1)  # (T, 68)
    covered = hidden & COVERED > 0
    return np.take_along_axis(covered, nearest, 1).astype(np.float32)
