"""The acoustic network on real recordings whose phones are known in time.

The recordings lie in a folder as NAME.wav (16 kHz) and NAME.phone.json (pocketsphinx's alignment).
They are never trained on. Intervals are a bootstrap over pieces of about two seconds.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.io import wavfile
from torch import nn

from ...models.phone_classes import CLASS_OF, CLASSES
from .task import step_labels, viseme_labels

_CLOSED = [CLASSES.index("PB"), CLASSES.index("M")]
_PIECE = 100  # steps of a bootstrap's unit: 2 s
_SLACK = 1  # steps: how far a closure may lie from the alignment's


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
        assert rate == 16_000, f"{path} has {rate} Hz"
        samples = samples if samples.ndim == 1 else samples[:, 0]
        sound = torch.from_numpy(samples.astype(np.float32) / 32768)
        with torch.inference_mode():
            classes = model(sound[None])[0].argmax(-1).numpy()
        rows = read_alignment(alignment)
        heard.append((classes, rows))
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
    """Of recordings (classes heard (A,), true rows (P, 3)): accuracies per step, closures by event.

    A true /p b m/ is recalled where the closed classes are heard within a step of it; a heard
    closure is right where it touches a true one.
    """
    pieces = []  # of each about 2 s: steps, right classes, right visemes, closures (4 counts)
    for classes, rows in heard:
        truth = step_labels(rows, len(classes))
        shut = np.isin(classes, _CLOSED)
        true_runs = [
            tuple(np.round((row[1:] - 0.0125) * 50).astype(int)) for row in rows
            if int(row[0]) in _CLOSED
        ]  # fmt: skip
        heard_runs = _runs(shut)
        truly_shut = np.isin(truth, _CLOSED)
        for start in range(0, len(classes), _PIECE):
            stop = min(start + _PIECE, len(classes))
            same = classes[start:stop] == truth[start:stop]
            alike = viseme_labels(classes[start:stop]) == viseme_labels(truth[start:stop])
            mine = [r for r in true_runs if start <= r[0] < stop]
            theirs = [r for r in heard_runs if start <= r[0] < stop]
            recalled = sum(_touches(shut, run) for run in mine)
            precise = sum(_touches(truly_shut, run) for run in theirs)
            counts = [len(mine), recalled, len(theirs), precise]
            pieces.append([stop - start, same.sum(), alike.sum(), *counts])
    table = np.array(pieces, float)
    generator = np.random.default_rng(0)
    samples = [table.sum(0)] + [
        table[generator.integers(len(table), size=len(table))].sum(0) for _ in range(draws)
    ]
    sums = np.maximum(np.array(samples), 1e-9)
    shares = [sums[:, 1] / sums[:, 0], sums[:, 2] / sums[:, 0], sums[:, 4] / sums[:, 3],
              sums[:, 6] / sums[:, 5]]  # fmt: skip
    intervals = [
        (float(s[0]), *(float(q) for q in np.quantile(s[1:] if draws else s, [0.025, 0.975])))
        for s in shares
    ]
    return Figures(*intervals, seconds=float(table[:, 0].sum() / 50))


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """(start, stop) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _touches(flags: np.ndarray, run: tuple[int, int]) -> bool:
    return bool(flags[max(run[0] - _SLACK, 0) : run[1] + _SLACK].any())


def _line(name: str, found: Figures | None) -> str:
    if found is None:
        heads = ("classes", "visemes", "/p b m/ recall", "precision")
        return f"{name:26}{'s':>6}" + "".join(f"{head:>21}" for head in heads)
    columns = (found.classes, found.visemes, found.closed_recall, found.closed_precision)
    cells = "".join(f"{f'{a:.3f} ({b:.2f}..{c:.2f})':>21}" for a, b, c in columns)
    return f"{name:26}{found.seconds:6.1f}{cells}"
