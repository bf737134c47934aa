"""What the frozen landmark network sees of performers who speak, beside what is true of them.

Pictures are drawn, looked at and forgotten: a shard keeps what was seen (points, deviation, what is
covered, colours), the truth, and where in the spoken corpus the sound lies. Networks that learn
from shards see thousands of windows a second, and a new acoustic network needs no new picture.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError
from ..exchange.reading import load_arrays
from ..exchange.saving import save_arrays
from ..faces.seen import Crop, crop_size, see_faces
from ..models.landmarks import POINTS
from ..sight.features import colours_at
from .occlusions import cover_with_hand
from .people import Stage, build_stage, render_sequence
from .people.acting import act_sequence
from .people.labels import COVERED
from .performances import covered_68, speak_with
from .speech import HELD_OUT, Utterance, require_speakers, speak_all
from .speech.texts import texts
from .voice_clips import read_aloud

HZ = 25.0
FRAMES = 32  # of a clip: what a person's mean is taken over
CLIPS = 32  # of a shard
_SPOKEN, _DUBBED = 0.7, 0.15  # of clips: own speech, somebody else's; the rest hears nothing
_HANDS = 0.3  # of clips, beside the performers' own covers
_PASSING = 0.6  # of the hands: before the face for a part of the clip
_LEAST_PASSING = 6  # frames
_HELD_OUT_TEXTS = 12  # of each voice
_MARGIN_S = 0.3  # a clip may begin so long before an utterance
_ANEW = "Delete it and draw it anew."
TEST_SEED = 990_002  # people that no training draws


@dataclass(frozen=True)
class Sights:
    """C clips of N frames, L = len(POINTS). Places in half crops from the middle, x right, y down.

    Rotations lead from head axes to camera axes; pixels are the crop's.
    """

    points: np.ndarray  # (C, N, L, 2) as the network sees them
    sigma: np.ndarray  # (C, N, L)
    visible: np.ndarray  # (C, N, R) as the network sees it, 0..1
    colours: np.ndarray  # (C, N, L, 3) uint8 of the picture at the points
    true_points: np.ndarray  # (C, N, L, 2)
    marks: np.ndarray  # (C, N, 68, 2)
    covered: np.ndarray  # (C, N, L) bool: something is before the point
    covered_marks: np.ndarray  # (C, N, 68) bool
    units: np.ndarray  # (C, N, E)
    jaw: np.ndarray  # (C, N, 3) rad
    eyes: np.ndarray  # (C, N, 6) rad
    shape: np.ndarray  # (C, S)
    albedo: np.ndarray  # (C, A)
    light: np.ndarray  # (C, N, 9, 3)
    turn: np.ndarray  # (C, N, 3, 3)
    translation: np.ndarray  # (C, N, 3) m
    focal: np.ndarray  # (C, N) px
    centre: np.ndarray  # (C, N, 2) px, the principal point
    utterance: np.ndarray  # (C,) row of the corpus, -1 for none
    start: np.ndarray  # (C,) s of the utterance at the first frame
    spoken: np.ndarray  # (C,) bool: the mouth says it

    @staticmethod
    def read(path: Path) -> "Sights":
        """A shard."""
        return Sights(**load_arrays(path, "a shard", _ANEW))

    @staticmethod
    def join(parts: "list[Sights]") -> "Sights":
        """All clips of several shards."""
        return Sights(
            **{
                item.name: np.concatenate([getattr(part, item.name) for part in parts])
                for item in fields(Sights)
            }
        )

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        save_arrays(path, vars(self))


def shard_path(folder: Path, part: str, number: int) -> Path:
    """Where a shard of a part (`train`, `test`, `mouths_train`) lies."""
    return folder / f"{part}_{number:04d}.npz"


def shard_paths(folder: Path, part: str) -> list[Path]:
    """All of a part's shards. Raises AVFaceError."""
    paths = sorted(folder.glob(f"{part}_????.npz"))
    if not paths:
        raise AVFaceError(f"{folder} holds no shard of {part}.", "Draw longer: --draw MINUTES.")
    return paths


def speak_corpus(
    folder: Path, minutes: float, test: bool, say: Callable[[str], None]
) -> list[Utterance]:
    """The utterances of a folder's corpus, spoken unless they are there. Raises AVFaceError."""
    path = folder / ("spoken_test.npz" if test else "spoken.npz")
    if not path.is_file():
        require_speakers()
        said = _held_out() if test else read_aloud(minutes, 21, say)
        _write_corpus(path, said)
    return read_corpus(path)


def _held_out() -> list[Utterance]:
    """Sentences by voices that no training hears."""
    stream, said = texts("en", random.Random(5_211)), []
    for voice in HELD_OUT:
        some = [next(stream) for _ in range(_HELD_OUT_TEXTS)]
        said += speak_all(some, voice)
    return said


def _write_corpus(path: Path, said: list[Utterance]) -> None:
    sound = [np.round(u.waveform.clip(-1, 1) * 32767).astype(np.int16) for u in said]
    phones = [(k, name, a, b) for k, u in enumerate(said) for name, a, b in u.phones]
    arrays = {
        "sound": np.concatenate(sound),
        "ends": np.cumsum([len(s) for s in sound]),
        "voices": np.array([u.voice for u in said]),
        "rows": np.array([p[0] for p in phones]),
        "names": np.array([p[1] for p in phones]),
        "spans": np.array([p[2:] for p in phones]),
    }
    save_arrays(path, arrays)


def read_corpus(path: Path) -> list[Utterance]:
    """What `speak_corpus` wrote."""
    arrays = load_arrays(path, "a corpus", _ANEW)
    pieces = np.split(arrays["sound"].astype(np.float32) / 32767, arrays["ends"][:-1])
    phones: list[list[tuple[str, float, float]]] = [[] for _ in pieces]
    for row, name, (a, b) in zip(arrays["rows"], arrays["names"], arrays["spans"], strict=True):
        phones[row].append((str(name), float(a), float(b)))
    return [
        Utterance(sound, tuple(said), str(voice), "")
        for sound, said, voice in zip(pieces, phones, arrays["voices"], strict=True)
    ]


def draw_shard(corpus: list[Utterance], seed: int, number: int, clips: int = CLIPS) -> Sights:
    """Shard `number` of the people and performances of `seed`."""
    stage = build_stage()
    drawn = [_draw_clip(stage, corpus, seed, number * CLIPS + k) for k in range(clips)]
    return Sights(**{name: np.stack([clip[name] for clip in drawn]) for name in drawn[0]})


def _draw_clip(
    stage: Stage, corpus: list[Utterance], seed: int, index: int
) -> dict[str, np.ndarray]:
    generator = np.random.default_rng([seed, index, 3])
    size, seconds = crop_size(), np.arange(FRAMES) / HZ
    acting = act_sequence(stage, generator, FRAMES, HZ)
    utterance, start, spoken = _choose_sound(corpus, generator)
    if spoken:
        phones = [(name, a - start, b - start) for name, a, b in corpus[utterance].phones]
        acting = speak_with(stage, acting, phones, seconds, generator)
    difficulty = float(generator.random() ** 0.7)
    shot = render_sequence(stage, seed, index, FRAMES, HZ, size, difficulty, acting)
    labels, chosen = shot.labels, list(POINTS)
    marks = labels.points_68 / size * 2 - 1
    points = labels.points[:, chosen] / size * 2 - 1
    hidden = (labels.hidden[:, chosen] & COVERED > 0).astype(np.float32)
    covered = covered_68(labels.points_68, labels.points, labels.hidden)
    sample = {
        "pictures": shot.pictures,
        "landmarks": np.concatenate([marks, points], 1),
        "covered": np.concatenate([covered, hidden], 1),
    }
    if generator.random() < _HANDS:
        sample = _pass_hand(sample, generator)
    pictures, covered = sample["pictures"], sample["covered"] > 0.5
    seen = see_faces([Crop(p, np.zeros(2), float(size)) for p in pictures])
    return {
        "points": (seen.points / size * 2 - 1).astype(np.float32),
        "sigma": (seen.sigma / size * 2).astype(np.float32),
        "visible": seen.visible.astype(np.float32),
        "colours": colours_at(pictures, seen.points),
        "true_points": points.astype(np.float32),
        "marks": marks.astype(np.float32),
        "covered": covered[:, 68:],
        "covered_marks": covered[:, :68],
        "units": labels.units, "jaw": labels.jaw, "eyes": labels.eyes,
        "shape": labels.shape, "albedo": labels.albedo, "light": labels.light,
        "turn": labels.turn, "translation": labels.translation, "focal": labels.focal,
        "centre": labels.centre,
        "utterance": np.array(utterance), "start": np.array(start), "spoken": np.array(spoken),
    }  # fmt: skip


def _choose_sound(
    corpus: list[Utterance], generator: np.random.Generator
) -> tuple[int, float, bool]:
    """Row of the corpus (-1 none), where the clip begins in it, and whether the mouth says it."""
    kind = generator.random()
    if kind > _SPOKEN + _DUBBED:
        return -1, 0.0, False
    row = int(generator.integers(len(corpus)))
    last = corpus[row].seconds - FRAMES / HZ + _MARGIN_S
    start = generator.uniform(-_MARGIN_S, max(last, -_MARGIN_S + 0.01))
    return row, float(start), bool(kind < _SPOKEN)


def _pass_hand(sample: dict, generator: np.random.Generator) -> dict:
    """A hand before the face, all the time or for some frames."""
    first, end = 0, FRAMES
    if generator.random() < _PASSING:
        length = int(generator.integers(_LEAST_PASSING, FRAMES))
        first = int(generator.integers(0, FRAMES - length + 1))
        end = first + length
    part = {name: value[first:end] for name, value in sample.items()}
    part = cover_with_hand(part, generator)
    out = {name: value.copy() for name, value in sample.items()}
    for name in ("pictures", "covered"):
        out[name][first:end] = part[name]
    return out
