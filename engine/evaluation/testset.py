"""A test set with truth: synthetic performers who say real sentences, as films.

Neither the people nor the voices are drawn in any training. Pictures come from our own renderer;
`scripts/blender_render_testset.py` makes such a set by Blender's Cycles. Beside each NAME.mp4 lies
NAME.truth.npz with the arrays of `Truth`.
"""

import random
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError
from ..exchange.reading import load_arrays
from ..exchange.saving import save_arrays
from ..media.writing import write_film
from ..progress import Report

SEED = 770_001  # of people that no training draws
FPS = 25
_FRAMES, _SIZE = 50, 256  # of a film; px
_RATE = 16_000  # Hz
_LEAD_SECONDS = 0.1
_ANEW = "Delete it and make the film anew."


@dataclass(frozen=True)
class Truth:
    """What a test clip really shows."""

    landmarks: np.ndarray  # (T, 68, 2) px
    covered: np.ndarray  # (T, 68) bool: something is before the landmark
    vertices: np.ndarray  # (T, V, 3) float32, head axes, m
    turn: np.ndarray  # (T, 3, 3) head axes to camera axes


@dataclass(frozen=True)
class KnownFilm:
    """One film with its truth."""

    name: str
    path: Path
    truth: Truth


def read_testset(folder: Path) -> list[KnownFilm]:
    """The films of a folder that have truth. Raises AVFaceError."""
    clips = []
    for path in sorted(folder.glob("*.truth.npz")):
        stem = path.with_name(path.name.removesuffix(".truth.npz"))
        film = stem.with_name(stem.name + ".mp4")
        if not film.is_file() and any(stem.glob("*.png")):
            film = stem  # pictures of another renderer
        if film.exists():
            clips.append(KnownFilm(stem.name, film, _read_truth(path)))
    if not clips:
        raise AVFaceError(f"{folder} holds no test clip with truth.", "Make it: --synthetic N.")
    return clips


def _read_truth(path: Path) -> Truth:
    arrays = load_arrays(path, "the truth of a film", _ANEW)
    try:
        return Truth(**{item.name: arrays[item.name] for item in fields(Truth)})
    except KeyError as error:
        raise AVFaceError(f"{path} lacks {error}.", _ANEW) from error


def make_testset(folder: Path, count: int, report: Report) -> None:
    """Make `count` films in `folder`; those that are there stay. Every second one has a cover.

    Raises AVFaceError when no voice can speak here.
    """
    for k in range(count):
        if not (folder / f"synthetic_{k:02d}.truth.npz").is_file():
            _make_clip(folder / f"synthetic_{k:02d}", k)
        report((k + 1) / count)


def _make_clip(stem: Path, index: int) -> None:
    from ..training.occlusions import cover_with_hand
    from ..training.people import build_stage, render_sequence
    from ..training.people.acting import act_sequence
    from ..training.people.identity import cast_performer
    from ..training.people.posing import pose_vertices
    from ..training.performances import covered_68, speak_with

    generator, stage = np.random.default_rng([SEED, index]), build_stage()
    sound, phones = _sentence(index)
    times = np.arange(_FRAMES) / FPS
    acting = act_sequence(stage, generator, _FRAMES, float(FPS))
    acting = speak_with(stage, acting, phones, times, generator)
    shot = render_sequence(stage, SEED, index, _FRAMES, float(FPS), _SIZE, 0.5, acting)
    labels = shot.labels
    sample = {
        "pictures": shot.pictures,
        "landmarks": labels.points_68 / _SIZE * 2 - 1,
        "covered": covered_68(labels.points_68, labels.points, labels.hidden),
    }
    if index % 2:
        sample = cover_with_hand(sample, generator)
    # the same draws as the renderer's: the person with all that the shape coefficients don't say
    person = cast_performer(stage, np.random.default_rng([SEED, index, 1]), 0.5)
    heard = sound[: _FRAMES * _RATE // FPS]
    write_film(stem.with_name(stem.name + ".mp4"), sample["pictures"], FPS, heard)
    truth = {
        "landmarks": labels.points_68,
        "covered": sample["covered"] > 0.5,
        "vertices": pose_vertices(stage, person, acting).astype(np.float32),
        "turn": labels.turn,
    }
    save_arrays(stem.with_name(stem.name + ".truth.npz"), truth, compressed=True)


def _sentence(index: int) -> tuple[np.ndarray, list]:
    """A sentence by a voice that no training hears: sound from 0 on, and its phones."""
    from ..training.speech import HELD_OUT, speak
    from ..training.speech.texts import texts

    source = texts("en", random.Random(f"{SEED}/{index}"))
    for attempt in range(10):
        voice = HELD_OUT[(index + attempt) % len(HELD_OUT)]
        try:
            said = speak(next(source), voice)
        except (ValueError, OSError):
            continue
        lead = np.zeros(round(_LEAD_SECONDS * _RATE), np.float32)
        sound = np.concatenate([lead, said.waveform, np.zeros(4 * _RATE, np.float32)])
        phones = [(name, a + _LEAD_SECONDS, b + _LEAD_SECONDS) for name, a, b in said.phones]
        return sound, [("SIL", 0.0, phones[0][1]), *phones]
    raise AVFaceError(
        "No voice can speak here.", "Install flite, festival or espeak-ng for the test set."
    )
