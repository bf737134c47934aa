"""The acoustic network on real recordings whose phones are known in time.

The recordings lie in a folder as NAME.wav (16 kHz) and NAME.phone.json (pocketsphinx's alignment).
They are never trained on. Single steps are no speech: the path through the posteriors pays for each
change of class. Intervals are a bootstrap over pieces of about two seconds.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.io import wavfile
from torch import nn

from ...models.phone_classes import CLASS_OF, CLASSES, VISEME_OF
from .task import step_labels, viseme_labels
from .utterance import SOUND_RATE

_SEALED = VISEME_OF[CLASSES.index("PB")]
_PIECE = 100  # steps of a bootstrap's unit: 2 s
_TOLERANCE = 0.06  # seconds between the middles of two events that are one
_PENALTY = 1.0  # nats that a change of class costs


@dataclass(frozen=True)
class Figures:
    """Shares, 0 to 1, each (measured, low and high end of the 95 % interval)."""

    classes: tuple[float, float, float]
    visemes: tuple[float, float, float]
    closed_recall: tuple[float, float, float]
    closed_precision: tuple[float, float, float]
    seconds: float


def judge_folder(model: nn.Module, folder: Path) -> str:
    """A table: each recording, then all of them with intervals."""
    lines, heard = [], []
    for path in sorted(folder.glob("*.wav")):
        alignment = path.with_suffix(".phone.json")
        if not alignment.is_file():
            continue
        rate, samples = wavfile.read(path)
        assert rate == SOUND_RATE, f"{path} has {rate} Hz"
        samples = samples if samples.ndim == 1 else samples[:, 0]
        sound = torch.from_numpy(samples.astype(np.float32) / 32768)
        with torch.inference_mode():
            posteriors = model(sound[None])[0].log_softmax(-1).numpy()
        rows = read_alignment(alignment)
        heard.append((posteriors, rows))
        lines.append(_line(path.stem[-24:], figures([heard[-1]], 0)))
    lines.append(_line("all", figures(heard)))
    return "\n".join([_line("recording", None), *lines])


def read_alignment(path: Path) -> np.ndarray:
    """(P, 3) float32: class, start, end of the phones of an alignment's words."""
    rows = [
        (CLASS_OF.get(phone["t"], 0), phone["b"], phone["b"] + phone["d"])
        for word in json.loads(path.read_text(encoding="utf-8"))["w"]
        for phone in word["w"]
    ]
    return np.array(rows, np.float32)


def figures(heard: list[tuple[np.ndarray, np.ndarray]], draws: int = 1000) -> Figures:
    """Of recordings (log-posteriors (A, 29), true rows (P, 3)): accuracy by step, p b m by event.

    Visemes and closures are heard in the posteriors summed by viseme; neighbouring /p b m/ are one
    closure. Events are matched one to one: a heard closure answers a true one where their middles
    lie within 60 ms and half the true one's length.
    """
    table = np.array([piece for posteriors, rows in heard for piece in _pieces(posteriors, rows)])
    generator = np.random.default_rng(0)
    rows = [generator.integers(len(table), size=len(table)) for _ in range(draws)]
    shares = np.stack([_shares(table), *(_shares(table[row]) for row in rows)])  # (1 + draws, 4)
    low, high = np.quantile(shares[1:] if draws else shares, [0.025, 0.975], axis=0)
    found = [(float(a), float(b), float(c)) for a, b, c in zip(shares[0], low, high, strict=True)]
    return Figures(*found, seconds=float(table[:, 0].sum() / 50))


def _pieces(posteriors: np.ndarray, rows: np.ndarray) -> Iterator[list[float]]:
    """Of each 2 s: steps, right classes, right visemes; true, recalled, heard, right p b m."""
    truth = step_labels(rows, len(posteriors))
    visemes = likely_path(viseme_posteriors(posteriors))
    is_right = likely_path(posteriors) == truth
    is_alike = visemes == viseme_labels(truth)
    true_events = true_closures(rows)
    events = closures(visemes)
    recalled, right = match_events(true_events, events)
    for start in range(0, len(truth), _PIECE):
        stop = min(start + _PIECE, len(truth))
        mine, theirs = (
            {k for k, event in enumerate(found) if start <= event[0] * 50 < stop}
            for found in (true_events, events)
        )
        yield [
            stop - start, float(is_right[start:stop].sum()), float(is_alike[start:stop].sum()),
            len(mine), len(recalled & mine), len(theirs), len(right & theirs),
        ]  # fmt: skip


def _shares(table: np.ndarray) -> np.ndarray:
    """(4,) right classes and visemes, recall and precision of pieces."""
    steps, classes, visemes, true, recalled, heard, right = np.maximum(table.sum(0), 1e-9)
    return np.array([classes / steps, visemes / steps, recalled / true, right / heard])


def likely_path(log_posteriors: np.ndarray) -> np.ndarray:
    """(A, 29) -> (A,) the likeliest classes where a change of class has its price (Viterbi)."""
    scores, backward = log_posteriors[0].copy(), []
    own = np.arange(log_posteriors.shape[1])
    for row in log_posteriors[1:]:
        best = int(scores.argmax())
        stays = scores >= scores[best] - _PENALTY
        backward.append(np.where(stays, own, best))
        scores = np.maximum(scores, scores[best] - _PENALTY) + row
    path = [int(scores.argmax())]
    for origin in reversed(backward):
        path.append(int(origin[path[-1]]))
    return np.array(path[::-1])


def viseme_posteriors(log_posteriors: np.ndarray) -> np.ndarray:
    """(A, 29) -> (A, 12) log-posteriors of viseme groups."""
    summed = np.zeros((len(log_posteriors), max(VISEME_OF) + 1))
    np.add.at(summed.T, np.asarray(VISEME_OF), np.exp(log_posteriors.T))
    return np.log(np.maximum(summed, 1e-9))


def closures(visemes: np.ndarray) -> list[tuple[float, float]]:
    """(start, end) seconds of every run of the viseme that seals the lips."""
    shut = (visemes == _SEALED).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut, [0]])))
    return [(a / 50 + 0.0025, b / 50 + 0.0025) for a, b in edges.reshape(-1, 2)]


def true_closures(rows: np.ndarray) -> list[tuple[float, float]]:
    """(start, end) seconds in which the aligned phones keep the lips sealed."""
    events: list[tuple[float, float]] = []
    for class_, start, end in rows.tolist():
        if VISEME_OF[int(class_)] != _SEALED:
            continue
        if events and start - events[-1][1] < 0.005:
            events[-1] = (events[-1][0], end)
        else:
            events.append((start, end))
    return events


def match_events(
    true_events: list[tuple[float, float]], events: list[tuple[float, float]]
) -> tuple[set[int], set[int]]:
    """Which true events have been heard, and which heard ones answer a true one."""
    matched_true: set[int] = set()
    matched: set[int] = set()
    for number, (start, end) in enumerate(true_events):
        near = [
            (abs(a + b - start - end) / 2, k) for k, (a, b) in enumerate(events)
            if k not in matched and min(b, end) - max(a, start) > -_TOLERANCE / 3
        ]  # fmt: skip
        if near and min(near)[0] < _TOLERANCE + 0.5 * (end - start):
            matched.add(min(near)[1])
            matched_true.add(number)
    return matched_true, matched


def _line(name: str, found: Figures | None) -> str:
    if found is None:
        heads = ("classes", "visemes", "/p b m/ recall", "precision")
        return f"{name:26}{'s':>6}" + "".join(f"{head:>21}" for head in heads)
    columns = (found.classes, found.visemes, found.closed_recall, found.closed_precision)
    cells = "".join(f"{f'{a:.3f} ({b:.2f}..{c:.2f})':>21}" for a, b, c in columns)
    return f"{name:26}{found.seconds:6.1f}{cells}"
