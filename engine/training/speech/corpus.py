"""The spoken corpus: many voices, made once in a folder and read from there.

A shard is one file of utterances by one voice; a corpus that was cut off goes on where it stopped.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...exchange.saving import save_arrays
from ...models.phone_classes import CLASS_OF
from .neural import draw_voice
from .texts import texts
from .utterance import SOUND_RATE, Utterance
from .voices import HELD_OUT, language_of, require_speakers, speak, speak_all

_TEXTS_IN_SHARD = 40
_SHORTEST, _LONGEST = 0.6, 14.0  # seconds of an utterance that is kept

# Every voice with a share of the hours of its group. flite's kal16 is left out: its times drift.
ENGLISH = ("flite:rms", "flite:slt", "festival:slt-hts", "festival:kal")
FOREIGN = tuple(
    f"festival:{name}"
    for name in (
        "ona", "dita", "krb", "machac", "czech-ph", "mv", "lj", "hindi", "marathi", "telugu", "lp",
        "pc", "nsh",
    )
)  # fmt: skip
_ACCENTS = ("en-us", "en-us", "en-us", "gmw/en", "en-gb-scotland", "en-gb-x-rp", "en-029")
_LANGUAGES = (
    "fr", "de", "es", "it", "pt", "pt-br", "nl", "pl", "cs", "ru", "fi", "sv", "hu", "tr", "el",
    "ro", "id", "sw", "ca", "da",
)  # fmt: skip
_VARIANTS = (
    "", "+m1", "+m2", "+m3", "+m4", "+m6", "+m8", "+f1", "+f2", "+f3", "+f5", "+Alex", "+Annie",
    "+Gene", "+Jacky", "+Lee", "+Mario", "+steph", "+michel", "+linda", "+klatt", "+klatt2",
    "+quincy", "+boris", "+edward", "+adam", "+belinda", "+ed", "+john", "+sandro", "+Michael",
    "+Hugo", "+Marco", "+anika", "+benjamin", "+david", "+grandma", "+gustave", "+iven", "+max",
    "+norbert", "+pablo", "+paul", "+rob", "+shelby", "+travis", "+victor", "+zac",
)  # fmt: skip
# group -> how often a training batch draws from it
DRAWS = {
    "english": 0.3, "espeak": 0.14, "foreign": 0.14, "espeak-foreign": 0.06, "neural": 0.36,
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Hours of each group of voices."""

    english: float = 3.0
    espeak: float = 3.0
    foreign: float = 3.3
    espeak_foreign: float = 1.5
    neural: float = 0.0  # where engine/training/speech/neural.py's packages are installed


@dataclass(frozen=True)
class Corpus:
    """Utterances one after the other: utterance i is samples[edges[i]:edges[i + 1]]."""

    samples: np.ndarray  # (N,) int16, 16 kHz
    edges: np.ndarray  # (U + 1,) int64
    phones: tuple[np.ndarray, ...]  # U times (P, 3) float32: class, start and end in seconds
    groups: np.ndarray  # (U,) names of DRAWS
    voices: np.ndarray  # (U,) names of voices

    @property
    def seconds(self) -> float:
        """Of the whole corpus."""
        return len(self.samples) / SOUND_RATE


def make_corpus(folder: Path, plan: Plan, say: Callable[[str], None], seed: int = 0) -> Corpus:
    """Speak the shards that are missing in `folder`, then read all of them. Raises AVFaceError."""
    folder.mkdir(parents=True, exist_ok=True)
    hours = {
        "english": plan.english,
        "espeak": plan.espeak,
        "foreign": plan.foreign,
        "espeak-foreign": plan.espeak_foreign,
        "neural": plan.neural,
    }
    for group, wanted in hours.items():
        count, spoken = 0, 0.0
        while spoken < wanted * 3600:
            path = folder / f"{group}-{count:04d}.npz"
            if not path.is_file():
                require_speakers()
                _write_shard(path, _speak_shard(group, count, seed), group)
            with np.load(path) as shard:
                spoken += shard["edges"][-1] / SOUND_RATE
            count += 1
        say(f"{group}: {count} shards, {spoken / 3600:.1f} h")
    return read_corpus(folder)


def read_corpus(folder: Path) -> Corpus:
    """All shards of a folder."""
    samples, edges, phones, groups, voices = [], [np.zeros(1, np.int64)], [], [], []
    total = 0
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as shard:
            samples.append(shard["samples"])
            edges.append(shard["edges"][1:] + total)
            total += len(shard["samples"])
            phones += np.split(shard["phones"], np.cumsum(shard["counts"])[:-1])
            groups += [str(shard["group"])] * len(shard["counts"])
            voices += list(shard["voices"])
    return Corpus(
        np.concatenate(samples), np.concatenate(edges), tuple(phones), np.array(groups),
        np.array(voices),
    )  # fmt: skip


def held_out(count: int, voices: tuple[str, ...] = HELD_OUT) -> dict[str, list[Utterance]]:
    """`count` utterances by each voice, of those that no training hears."""
    spoken = {}
    for voice in voices:
        source = texts("en", random.Random(77))
        spoken[voice] = speak_all([next(source) for _ in range(count)], voice)
    return spoken


def phone_rows(utterance: Utterance) -> np.ndarray:
    """(P, 3) float32: class, start, end of an utterance's phones."""
    rows = [(CLASS_OF[name], start, end) for name, start, end in utterance.phones]
    return np.array(rows, np.float32)


def _speak_shard(group: str, number: int, seed: int) -> list[Utterance]:
    generator = random.Random(f"{seed}/{group}/{number}")
    if group in ("english", "foreign"):
        voices = ENGLISH if group == "english" else FOREIGN
        voice = voices[number % len(voices)]
        source = texts(language_of(voice), generator)
        said = []
        for _ in range(4):  # a pace each
            some = [next(source) for _ in range(_TEXTS_IN_SHARD // 4)]
            said += speak_all(some, voice, generator.uniform(0.82, 1.25))
        return said
    said = []
    if group == "neural":
        source = texts("en", generator)
        for _ in range(_TEXTS_IN_SHARD // 2):
            said.append(speak(next(source), draw_voice(generator), generator.uniform(0.8, 1.25)))
        return said
    for _ in range(_TEXTS_IN_SHARD):
        language = generator.choice(_ACCENTS if group == "espeak" else _LANGUAGES)
        source = texts("en" if group == "espeak" else language, generator)
        voice = f"espeak:{language}{generator.choice(_VARIANTS)}"
        pace, pitch = generator.uniform(0.77, 1.4), generator.uniform(0.5, 1.5)
        try:
            said.append(speak(next(source), voice, pace, pitch, generator.uniform(0.4, 1.6)))
        except ValueError:
            continue  # a voice that this version of espeak-ng doesn't have
    return said


def _write_shard(path: Path, utterances: list[Utterance], group: str) -> None:
    kept = [u for u in utterances if _SHORTEST < u.seconds < _LONGEST]
    pieces = [(u.waveform.clip(-1, 1) * 32767).astype(np.int16) for u in kept]
    rows = [phone_rows(u) for u in kept]
    shard = {
        "samples": np.concatenate(pieces),
        "edges": np.cumsum([0, *(len(p) for p in pieces)]),
        "phones": np.concatenate(rows),
        "counts": np.array([len(r) for r in rows]),
        "voices": np.array([u.voice for u in kept]),
        "group": np.array(group),
    }
    save_arrays(path, shard)
