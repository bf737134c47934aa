"""How well lips can be read: character, word and viseme error rates (SPECTRE, table 1).

Any lip reader can judge, as a network (TorchScript, ONNX) that gives text through its characters;
words become phones by a dictionary, phones visemes by Amazon Polly's table, as in SPECTRE.
"""

from collections.abc import Mapping, Sequence

from ..models.phone_classes import POLLY

_UNSTRESSED = {"AH0": "@", "ER0": "@"}


def edit_distance(said: Sequence, read: Sequence) -> int:
    """Fewest insertions, deletions and changes between two sequences (Levenshtein 1966)."""
    row = list(range(len(read) + 1))
    for i, a in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(read, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def error_rate(pairs: Sequence[tuple[Sequence, Sequence]]) -> float:
    """Edits over the length of what was said, %, over all (said, read)."""
    length = sum(len(said) for said, _ in pairs)
    edits = sum(edit_distance(said, read) for said, read in pairs)
    return 100 * edits / length if length else float("nan")


def visemes_of(words: Sequence[str], dictionary: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each word's visemes; neighbours that look alike are one. Unknown words stand for themselves.

    Args:
        words: Lower case.
        dictionary: word -> ARPAbet phones, with or without stress.
    """
    out = []
    for word in words:
        visemes: list[str] = []
        for phone in dictionary.get(word, ()):
            name = _UNSTRESSED.get(phone) or POLLY.get(phone.rstrip("012"))
            if name and (not visemes or visemes[-1] != name):
                visemes.append(name)
        out.append(visemes or [f"<{word}>"])
    return out


def lip_reading_rates(
    pairs: Sequence[tuple[str, str]], dictionary: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """CER, WER, VER and VWER in % of (said, read) sentences.

    VER counts visemes of whole sentences, VWER words whose visemes differ.
    """
    folded = [(_fold(said), _fold(read)) for said, read in pairs]
    words = [(said.split(), read.split()) for said, read in folded]
    seen = [tuple(visemes_of(side, dictionary) for side in pair) for pair in words]
    flat = [([v for w in said for v in w], [v for w in read for v in w]) for said, read in seen]
    spelt = [([tuple(w) for w in said], [tuple(w) for w in read]) for said, read in seen]
    return {
        "CER": error_rate(folded),
        "WER": error_rate(words),
        "VER": error_rate(flat),
        "VWER": error_rate(spelt),
    }


def best_path(scores: Sequence[Sequence[float]], symbols: Sequence[str]) -> str:
    """Greedy reading of a network trained by CTC: scores of steps over symbols, blank first."""
    last, text = 0, []
    for step in scores:
        best = max(range(len(step)), key=lambda k: step[k])
        if best not in (0, last):
            text.append(symbols[best])
        last = best
    return "".join(text)


def _fold(text: str) -> str:
    kept = "".join(c if c.isalnum() or c in "' " else " " for c in text.lower())
    return " ".join(kept.split())
