"""SPECTRE's table 1 for what runs here: how well a lip reader reads films, and captures of them.

The reader is the small one that the product carries, or a network of the user's that gives text.
The floor is the film's own lips held against the words of the next clip: what a reader gains by
knowing how people speak, and not by seeing.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from ..exchange.protocol import AVFaceError
from ..head.model import Head
from ..media import Clip, read_waveform
from ..models.slots import load_slot
from ..training.mouths import MouthPainter
from ..training.spectre import own_lip_reader
from ..training.system import head_albedo
from ..weights import load_head
from .alignment import heard_phones, known_words, possible_words
from .lipreading import best_path
from .read_lips import (
    Sentence,
    drawn_mouths,
    film_mouths,
    frames_right,
    rates,
    read_mouths,
    read_words,
    said_and_read,
    viseme_errors,
    without_gaps,
)
from .systems import NAME_WIDTH, Answer

CHARACTERS = "_ abcdefghijklmnopqrstuvwxyz'"  # of a user's reader; the first is CTC's blank
_USERS_SIDE = 88  # px
FILM, FLOOR = "the film itself", "floor: another clip's words"
_NOT_CARRIED = (
    "Lips read: not here, for this version carries no network lipreader; train it"
    " (scripts/recipes/train_viseme_reader.py) or give --lip-reader."
)
_COLUMNS = ("frames", "recall", "visemes", "CER", "WER", "VER", "VWER")


@dataclass
class _Row:
    """One system over all clips."""

    pairs: list[tuple[str, str]] = field(default_factory=list)  # (said, read)
    frames: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)  # (said, read)
    edits: list[tuple[int, int]] = field(default_factory=list)  # (edits, visemes said)


class LipTable:
    """Collects what is read, clip by clip and system by system.

    Args:
        path: A user's lip reader, TorchScript or ONNX: grey mouths (1, T, 1, 88, 88) of 25 a second
            -> scores (1, steps, 29) of CHARACTERS. None: the product's own.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.users = load_slot(path, "lip reading")
        self.reader = own_lip_reader() if self.users is None else None
        file = load_head()
        self.head, self.painter = Head(file), MouthPainter(file, head_albedo(file))
        self.rows: dict[str, _Row] = {}
        self.said: list[Sentence] = []
        self.seen: list[tuple[np.ndarray, np.ndarray] | str] = []  # films, for the floor
        self.failed = ""

    def hear(self, path: Path, clip: Clip) -> Sentence | None:
        """What is said in a clip whose words are known; None without."""
        words = known_words(path)
        if words is None or not clip.has_sound or self.failed:
            return None
        sound = read_waveform(clip)
        try:
            assert sound is not None
            phones = [(p.name, p.start_seconds, p.end_seconds) for p in heard_phones(sound, words)]
        except AVFaceError as error:
            self.failed = error.message
            return None
        self.said.append(Sentence(words, phones, possible_words(path)))
        return self.said[-1]

    def add(self, name: str, sentence: Sentence, clip: Clip, answer: Answer) -> None:
        """Read a system's drawing of a clip; the film itself where the system draws nothing."""
        marks = without_gaps(answer.landmarks)
        if marks is None or (self.reader is None and self.users is None):
            return
        side = _USERS_SIDE if self.reader is None else self.reader.side
        times = clip.times[: len(marks)]
        if answer.params is None:
            name, mouths = FILM, film_mouths(clip, marks, side)
        else:
            mouths = drawn_mouths(marks, answer.params, clip.size, self.head, self.painter, side)
        if self.reader is None:
            self._note(name, sentence, self._read_text(mouths), None)
            return
        scores = read_mouths(self.reader, mouths, times)
        self._note(name, sentence, read_words(scores, sentence.vocabulary), (scores, times))

    def table(self) -> tuple[list[str], dict[str, dict[str, float]]]:
        """Lines and figures."""
        if self.reader is None and self.users is None:
            return [_NOT_CARRIED], {}
        if self.failed or not self.said:
            return [f"Lips read: not here. {self.failed or 'No clip has known words.'}"], {}
        self._floor()
        who = "a lip reader of the user's" if self.reader is None else "AVFace's small lip reader"
        lines = [
            f"Lips read by {who}: {len(self.said)} clips with known words. Frames of speech whose",
            "viseme (of 14) is right, %, and the mean of that over the visemes; errors in visemes",
            "with no word known, %; CER, WER, VER, VWER of words read with the corpus' vocabulary,",
            "%. Captures are drawn in one skin and one light.",
            "",
            f"{'':{NAME_WIDTH}}" + "".join(f"{name:>9}" for name in _COLUMNS),
        ]
        figures = {name: _figures(row) for name, row in self.rows.items()}
        for name, row in figures.items():
            told = (row.get(column, float("nan")) for column in _COLUMNS)
            lines.append(f"{name:{NAME_WIDTH}}" + "".join(f"{value:9.1f}" for value in told))
        film = figures.get(FILM, {})
        if "low" in film:
            lines.append(
                f"Of the film's frames {film['low']:.0f} to {film['high']:.0f} % (95 % of draws of"
                f" thirds of a second); the commonest viseme alone {film['commonest']:.1f} %."
            )
        return lines, figures

    def _note(
        self,
        name: str,
        sentence: Sentence,
        text: str,
        seen: tuple[np.ndarray, np.ndarray] | None,
    ) -> None:
        row = self.rows.setdefault(name, _Row())
        row.pairs.append((sentence.words, text))
        if seen is not None:
            row.frames.append(said_and_read(*seen, sentence))
            row.edits.append(viseme_errors(seen[0], sentence))
        if name == FILM:
            self.seen.append(seen or text)

    def _floor(self) -> None:
        if len(self.said) < 2:
            return
        for place, seen in enumerate(self.seen):
            other = self.said[(place + 1) % len(self.said)]
            if isinstance(seen, str):
                self._note(FLOOR, other, seen, None)
            else:
                self._note(FLOOR, other, read_words(seen[0], other.vocabulary), seen)

    def _read_text(self, mouths: torch.Tensor) -> str:
        assert self.users is not None
        with torch.no_grad():
            scores = self.users(mouths)[0].tolist()
        return best_path(scores, CHARACTERS)


def _figures(row: _Row) -> dict[str, float]:
    figures = rates(row.pairs)
    if row.frames:
        edits, of = (sum(values) for values in zip(*row.edits, strict=True))
        figures |= frames_right(row.frames) | {"visemes": 100 * edits / max(of, 1)}
    return figures
