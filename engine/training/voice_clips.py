"""Sound beside the mouth that goes with it: what the voice and the lip networks learn from.

Where nobody speaks the truth is a mouth that does what it likes (rests, smiles, chews), drawn
independently of the sound: so a network learns there that it does not know.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..audio import SpeechFeatures
from ..audio.features import RATE, STEP_CENTRE_SECONDS
from ..exchange.protocol import AVFaceError
from ..head.mouth import Mouth, shutting
from .speech import SOUND_RATE, Utterance, language_of, require_speakers, speak, speak_all
from .speech.augment import pool_sounds, spoil
from .speech.corpus import ENGLISH, FOREIGN
from .speech.neural import draw_voice
from .speech.noises import noise_pool
from .speech.texts import texts
from .trajectories import Phone, Style, Trajectory, articulate, draw_style, head_units
from .visemes import CHANNELS

OUTPUTS = (*CHANNELS, "gap_mm", "width")  # width: of the lips, as a part of that at rest
CONTACTS = ("closed", "tucked", "speaking")
Hear = Callable[[np.ndarray], SpeechFeatures]  # a waveform to its features
_LONG_PAUSE_S = 0.4  # a mouth is free in a longer one
_UNSPOKEN_S = 6.0
_FORMANT_VOICES = (
    "en-us", "en-us+f2", "en-us+m3", "gmw/en", "gmw/en+f3", "en-gb-scotland", "en-us+Annie",
    "en-us+klatt2", "en-us+steph", "en-us+Lee", "de", "es", "fr+m2", "it+f2", "sv",
)  # fmt: skip


@dataclass(frozen=True)
class VoiceClip:
    """One piece of sound: what was heard, and how some speaker's mouth went with it."""

    features: np.ndarray  # (A, C) float32
    truth: np.ndarray  # (A, len(OUTPUTS)) float32
    contacts: np.ndarray  # (A, 3) float32, 0-1
    closures: tuple[tuple[float, float], ...]  # start and end of each p b m, s
    voice: str


def spoken_clip(
    features: SpeechFeatures,
    phones: Sequence[Phone],
    lips: Mouth,
    names: Sequence[str],
    voice: str,
    generator: np.random.Generator,
    style: Style | None = None,
) -> VoiceClip:
    """A clip of speech and a mouth: a random speaker's, or one of `style`.

    `names` are the head's units; a long pause leaves a random speaker's mouth free.
    """
    times = step_times(len(features.values))
    free, style = style is None, style or draw_style(generator)
    said = articulate(phones, times, style, generator)
    for name, start, end in phones:
        if free and name == "SIL" and end - start > _LONG_PAUSE_S:
            _let_go(said, (start, end), _free_mouth(1, generator)[0])
    truth = _with_measures(said, lips, names)
    closures = tuple((a, b) for name, a, b in phones if name in ("P", "B", "M"))
    contacts = np.stack([said.closed, said.tucked, said.speaking], 1).astype(np.float32)
    return VoiceClip(features.values, truth, contacts, closures, voice)


def unspoken_clip(
    features: SpeechFeatures,
    lips: Mouth,
    names: Sequence[str],
    voice: str,
    generator: np.random.Generator,
) -> VoiceClip:
    """A clip of silence, noise or music with a mouth that does what it likes."""
    times = step_times(len(features.values))
    count = max(int(times[-1]) + 2, 2)
    places = np.sort(generator.uniform(times[0], times[-1], count))
    poses = _free_mouth(count, generator)
    values = np.stack([np.interp(times, places, column) for column in poses.T], 1)
    nothing = np.zeros(len(times))
    said = Trajectory(times, values, nothing, nothing, nothing)
    truth = _with_measures(said, lips, names)
    return VoiceClip(features.values, truth, np.zeros((len(times), 3), np.float32), (), voice)


def read_aloud(
    minutes: float, seed: int, say: Callable[[str], None], neural: float = 0.0
) -> list[Utterance]:
    """Speech by the voices that trainings hear, decided by the seed: a third by each group.

    `neural`: minutes by neural voices besides (engine/training/speech/neural.py).

    Raises AVFaceError where there are no such voices.
    """
    require_speakers()
    source, said = random.Random(seed), []
    groups = (
        [(voice, False) for voice in ENGLISH],
        [(voice, False) for voice in FOREIGN],
        [(f"espeak:{voice}", True) for voice in _FORMANT_VOICES],
    )
    for group in groups:
        seconds, place = 0.0, 0
        while seconds < minutes * 60 / len(groups):
            voice, quick = group[place % len(group)]
            some = _read(voice, quick, source)
            said += some
            seconds += sum(u.seconds for u in some)
            place += 1
            if not seconds and place == len(group):
                raise AVFaceError(
                    f"None of the voices {', '.join(name for name, _ in group)} speaks here.",
                    "Install the Debian packages that scripts/recipes/train_phones.py names.",
                )
        say(f"spoken: {len(said)} utterances, {sum(u.seconds for u in said) / 60:.0f} min")
    stream, seconds = texts("en", source), 0.0
    while seconds < neural * 60:
        said.append(speak(next(stream), draw_voice(source), source.uniform(0.8, 1.25)))
        seconds += said[-1].seconds
    return said


def _read(voice: str, quick: bool, source: random.Random) -> list[Utterance]:
    """Eight texts at one pace."""
    stream = texts(language_of(voice), source)
    some, pace = [next(stream) for _ in range(8)], source.uniform(0.8, 1.3)
    if not quick:
        return speak_all(some, voice, pace)
    said = []
    for text in some:
        try:
            said.append(speak(text, voice, pace, source.uniform(0.5, 1.5)))
        except ValueError:
            continue  # this espeak-ng hasn't the voice
    return said


def heard_clips(
    utterances: Sequence[Utterance],
    hear: Hear,
    lips: Mouth,
    names: Sequence[str],
    seed: int,
    takes: int = 2,
) -> Iterator[VoiceClip]:
    """Each utterance `takes` times: spoilt anew, moved by other speakers."""
    generator = np.random.default_rng(seed)
    pool = noise_pool(70, 6.0, generator)
    for utterance in utterances:
        quiet = int(generator.uniform(0, 0.8) * SOUND_RATE)  # before and after it
        sound = np.pad(utterance.waveform, quiet)
        shift = quiet / SOUND_RATE
        phones = [(name, a + shift, b + shift) for name, a, b in utterance.phones]
        for _ in range(takes):
            spoilt = spoil(torch.from_numpy(sound)[None], pool, generator)[0].numpy()
            yield spoken_clip(hear(spoilt), phones, lips, names, utterance.voice, generator)


def unheard_clips(
    count: int, hear: Hear, lips: Mouth, names: Sequence[str], seed: int
) -> Iterator[VoiceClip]:
    """Pieces of silence, noise and music with mouths that go their own way."""
    generator = np.random.default_rng(seed)
    pool = noise_pool(70, 6.0, generator)
    length = int(_UNSPOKEN_S * SOUND_RATE)
    for place in range(count):
        loudness = 0.0 if place % 6 == 0 else 10 ** generator.uniform(-4, -0.7)
        sound = pool_sounds(pool, 1, length, generator)[0].numpy() * loudness
        yield unspoken_clip(hear(sound.clip(-1, 1)), lips, names, "none", generator)


def step_times(count: int) -> np.ndarray:
    """When each step of `count` features is centred, (count,) s."""
    return np.arange(count) / RATE + STEP_CENTRE_SECONDS


def _with_measures(said: Trajectory, lips: Mouth, names: Sequence[str]) -> np.ndarray:
    """(T, len(OUTPUTS)) float32: the channels, and what they do to the lips."""
    points = lips.pose(*head_units(said, names))
    rest = lips.lip_width(lips.template[None])
    gap, width = lips.lip_gap(points) * 1e3, lips.lip_width(points) / rest
    return np.column_stack([said.values, gap, width]).astype(np.float32)


def _free_mouth(count: int, generator: np.random.Generator) -> np.ndarray:
    """Poses (count, channels) of a mouth that doesn't speak: half of them shut, all of them some
    way from rest."""
    poses = np.abs(generator.normal(0, 0.3, (count, len(CHANNELS)))).clip(0, 1)
    poses[generator.random((count, len(CHANNELS))) < 0.5] = 0
    jaw = np.abs(generator.normal(0, 0.05, count)).clip(0, 0.3)
    shut = generator.random(count) < 0.5
    poses[:, CHANNELS.index("jaw")] = jaw
    poses[:, CHANNELS.index("mouthClose")] = shutting(jaw) * shut
    for name in ("mouthFunnel", "mouthLowerDown", "mouthUpperUp"):
        poses[shut, CHANNELS.index(name)] = 0
    return poses


def _let_go(said: Trajectory, span: tuple[float, float], pose: np.ndarray) -> None:
    """Lead a trajectory to a free pose within a pause, in place."""
    start, end = span
    inside = np.minimum(said.times - start, end - said.times) / 0.15 - 0.5
    share = np.clip(inside, 0, 1)[:, None]
    said.values[:] += share * (pose - said.values)
