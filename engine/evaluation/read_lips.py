"""What a lip reader reads from films, and from captures of them drawn again (SPECTRE, table 1).

The reader names a viseme a frame. A sentence is the best path through a vocabulary, any word after
any (Viterbi); homophenes can't be told apart, so character and word errors are high by nature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..faces.crops import crop_boxes, to_crop
from ..head.model import FaceParams, Head
from ..media import Clip
from ..methods.crops import crop_batches
from ..methods.spectre import codes_in_crops
from ..models.lipreader import MERGED, VISEMES, LipReader
from ..training.lipreader import mean_recall
from ..training.mouth_clips import viseme_of
from ..training.mouths import MouthPainter, crop_mouths, mouth_squares
from .lipreading import edit_distance, lip_reading_rates, visemes_of

HZ = 25.0
_PICTURE = 224  # px along a face's crop
_WORD_COST, _VISEME_COST = 2.0, 1.0  # nats: by performers who are in no training
_PIECE, _DRAWS = 8, 1000  # frames; of the bootstrap
_SILENCE = VISEMES.index("sil")


@dataclass(frozen=True)
class Sentence:
    """What is said in a clip, and which viseme when."""

    words: str
    phones: list[tuple[str, float, float]]  # on the clip's clock
    vocabulary: tuple[str, ...]  # what could have been said


def film_mouths(clip: Clip, marks: np.ndarray, side: int) -> Tensor:
    """The mouths of a film: (1, T, 1, side, side).

    Args:
        clip: The film.
        marks: (T, 68, 2) px, without gaps.
        side: px.
    """
    boxes = crop_boxes(marks)
    pictures = torch.zeros(len(marks), 3, _PICTURE, _PICTURE)
    for frames, crops in crop_batches(clip, boxes, _PICTURE, stop=len(marks)):
        pictures[frames] = crops
    places = torch.from_numpy(to_crop(marks, boxes).astype(np.float32))
    return crop_mouths(pictures[None], places[None], side)


def drawn_mouths(
    marks: np.ndarray,
    params: FaceParams,
    size: tuple[int, int],
    head: Head,
    painter: MouthPainter,
    side: int,
) -> Tensor:
    """The mouths of a capture drawn again: (1, T, 1, side, side).

    Args:
        marks: (T, 68, 2) px, without gaps.
        params: What is drawn.
        size: px, of the film.
        head: Whose parameters they are.
        painter: Draws it.
        side: px.
    """
    boxes = crop_boxes(marks)
    codes = codes_in_crops(params, boxes, head, size)
    places = torch.from_numpy(to_crop(marks, boxes).astype(np.float32))
    with torch.no_grad():
        return painter(codes, mouth_squares(places[None]), side)


def without_gaps(marks: np.ndarray) -> np.ndarray | None:
    """Landmarks (T, 68, 2) led over the frames that have none; None where no frame has any."""
    seen = np.flatnonzero(np.isfinite(marks).all((1, 2)))
    if len(seen) == 0:
        return None
    nearest = seen[np.abs(np.arange(len(marks))[:, None] - seen).argmin(1)]
    return marks[nearest]


def read_mouths(reader: LipReader, mouths: Tensor, times: np.ndarray) -> np.ndarray:
    """Log-probabilities of VISEMES at the times (T,) of the frames, (T, 14).

    Read at 25 frames a second, as the reader knows mouths.
    """
    steady = np.arange(times[0], times[-1] + 1e-6, 1 / HZ)
    nearest = np.abs(steady[:, None] - times).argmin(1)
    with torch.no_grad():
        said = reader.read(mouths[:, nearest])[0].numpy()
    return said[np.abs(times[:, None] - steady).argmin(1)]


def said_and_read(
    scores: np.ndarray, times: np.ndarray, sentence: Sentence
) -> tuple[np.ndarray, np.ndarray]:
    """Visemes of the frames of speech (n,): what is said, what is read."""
    spoken = _spoken(times, sentence)
    inside = spoken >= 0
    return spoken[inside], scores.argmax(1)[inside]


def frames_right(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Shares of frames of clips (said, read) whose viseme is read, %.

    `recall` is the mean over the visemes; `low` and `high` are the 95 % interval of `frames`,
    pieces of a third of a second drawn anew; `commonest` is what one viseme for all would reach.
    """
    said, read = (np.concatenate(column) for column in zip(*pairs, strict=True))
    if not len(said):
        return {}
    pieces = np.array([
        ((a == b)[k : k + _PIECE].sum(), len(a[k : k + _PIECE]))
        for a, b in pairs for k in range(0, len(a), _PIECE)
    ])  # fmt: skip
    rows = np.random.default_rng(0).integers(len(pieces), size=(_DRAWS, len(pieces)))
    hit, of = pieces[rows].sum(1).T
    low, high = np.percentile(100 * hit / of, [2.5, 97.5])
    return {
        "frames": 100 * float((said == read).mean()), "low": float(low), "high": float(high),
        "recall": 100 * mean_recall(said, read),
        "commonest": 100 * float(np.bincount(said).max() / len(said)),
    }  # fmt: skip


def read_words(scores: np.ndarray, vocabulary: Sequence[str]) -> str:
    """The likeliest words of scores (T, 14)."""
    told = {word: _visemes(word) for word in vocabulary}
    chain = {word: visemes for word, visemes in told.items() if visemes}
    return " ".join(best_words(scores, chain, _WORD_COST))


def viseme_errors(scores: np.ndarray, sentence: Sentence) -> tuple[int, int]:
    """(edits, visemes) between the visemes of the sentence and those read with no word known."""
    said = [viseme_of(name) for name, _, _ in sentence.phones]
    said = [v for k, v in enumerate(said) if v != _SILENCE and (not k or said[k - 1] != v)]
    loop = {str(v): [v] for v in range(len(VISEMES)) if v != _SILENCE}
    read = [int(v) for v in best_words(scores, loop, _VISEME_COST)]
    return edit_distance(said, read), len(said)


def best_words(scores: np.ndarray, chains: Mapping[str, Sequence[int]], cost: float) -> list[str]:
    """Viterbi through a loop of words and silence.

    Args:
        scores: (T, symbols) log-probabilities.
        chains: word -> places of its symbols, one after the other.
        cost: nats that a word's beginning costs.
    """
    words = ["", *chains]
    states = [(w, v) for w, word in enumerate(words) for v in (chains[word] if w else [_SILENCE])]
    word, symbol = np.array(states).T
    first = np.r_[True, word[1:] != word[:-1]]
    last = np.r_[word[1:] != word[:-1], True]
    came = np.zeros((len(scores), len(states)), int)
    reached = np.where(first, scores[0, symbol], -np.inf)
    places = np.arange(len(states))
    for t in range(1, len(scores)):
        ends = np.flatnonzero(last)
        end = ends[reached[ends].argmax()]
        begin = np.where(first, reached[end] - cost * (word > 0), -np.inf)
        ways = np.stack([reached, np.where(first, -np.inf, np.roll(reached, 1)), begin])
        best = ways.argmax(0)
        came[t] = np.choose(best, [places, places - 1, np.full(len(states), end)])
        reached = ways[best, places] + scores[t, symbol]
    ends = np.flatnonzero(last)
    path = [int(ends[reached[ends].argmax()])]
    for t in range(len(scores) - 1, 0, -1):
        path.append(int(came[t, path[-1]]))
    path.reverse()
    begun = [k for k in range(len(path)) if first[path[k]] and (not k or path[k - 1] != path[k])]
    return [words[word[path[k]]] for k in begun if word[path[k]]]


def rates(pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """CER, WER, VER, VWER of (said, read) sentences."""
    return lip_reading_rates(pairs, dictionary())


@cache
def dictionary() -> dict[str, list[str]]:
    """word -> ARPAbet phones, by CMU's dictionary in pocketsphinx; empty where that isn't here."""
    try:
        import pocketsphinx
    except ImportError:
        return {}
    path = Path(pocketsphinx.get_model_path("en-us")) / "cmudict-en-us.dict"
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {line[0]: line[1:] for line in lines if line and "(" not in line[0]}


def _visemes(word: str) -> list[int]:
    names = visemes_of([word], dictionary())[0]
    if names == [f"<{word}>"]:
        return []
    places = [VISEMES.index(MERGED.get(name, name)) for name in names]
    return [v for k, v in enumerate(places) if not k or places[k - 1] != v]


def _spoken(times: np.ndarray, sentence: Sentence) -> np.ndarray:
    """Which viseme is said at the times (T,); -1 in silence."""
    out = np.full(len(times), -1)
    for name, start, end in sentence.phones:
        if name != "SIL":
            out[(times >= start) & (times < end)] = viseme_of(name)
    return out
