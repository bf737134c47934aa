"""What the voices read: English prose and words, and invented words in other scripts."""

import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_DICTIONARY = Path("/usr/share/festival/dicts/cmu/cmudict-0.4.out")  # comes with festival
_COMMON = (
    "the", "a", "and", "of", "to", "in", "is", "you", "that", "it", "he", "was", "for", "on",
    "are", "as", "with", "his", "they", "at", "be", "this", "have", "from", "or", "one", "had",
    "by", "but", "not", "what", "all", "were", "we", "when", "your", "can", "said", "there",
    "use", "an", "each", "which", "she", "do", "how", "their", "if", "will", "up", "other",
    "about", "out", "many", "then", "them", "these", "so", "some", "her", "would", "make", "like",
    "him", "into", "time", "has", "look", "two", "more", "write", "go", "see", "number", "no",
    "way", "could", "people", "my", "than", "first", "water", "been", "call", "who", "oil", "its",
    "now", "find", "long", "down", "day", "did", "get", "come", "made", "may", "part", "baby",
    "mama", "papa", "mum", "bob", "pop", "map", "maybe", "remember", "bump", "pump", "boom",
    "blue", "bin", "place", "lay", "set", "green", "red", "white", "please", "again", "soon",
)  # fmt: skip
# script -> (consonants, vowels) of which invented words are made
_SYLLABLES = {
    "it": ("b c d f g l m n p r s t v z gl gn sc br tr pr st qu mp mb", "a e i o u è ò ia io"),
    "ca": ("b c d f g l m n p r s t v x ll ny br tr pr", "a e i o u è ó"),
    "cs": ("b c č d f h ch j k l m n ň p r ř s š t v z ž st pr mn", "a á e é ě i í o u ů y"),
    "fi": ("h j k l m n p r s t v kk pp tt mm ll nn", "a e i o u y ä ö aa ee ii uu ai ei ou"),
    "hi": ("क ख ग घ च ज ट ड त थ द ध न प फ ब भ म य र ल व श स ह", "ा ि ी ु ू े ै ो"),
    "te": ("క గ చ జ ట డ త ద న ప బ భ మ య ర ల వ శ స హ", "ా ి ీ ు ూ ె ే ొ ో"),
    "ru": ("б в г д ж з к л м н п р с т ф х ц ч ш щ ст пр", "а е и о у ы э ю я ё"),
    "": ("b d f g k l m n p r s t v z ch sh j h br pl tr mp nd", "a e i o u ai au oi ei ou"),
}  # fmt: skip
_SYLLABLES["mr"] = _SYLLABLES["hi"]


def texts(language: str, generator: random.Random) -> Iterator[str]:
    """Sentences without end, decided by the generator."""
    while True:
        yield _english(generator) if language == "en" else _invented(language, generator)


def _english(generator: random.Random) -> str:
    kind = generator.random()
    if kind < 0.45:
        return generator.choice(_prose())
    count = generator.randint(3, 9)
    rare = 0.6 if kind < 0.85 else 0.0
    words = [
        generator.choice(_words() if generator.random() < rare else _COMMON) for _ in range(count)
    ]
    return " ".join(words) + generator.choice(".?")


def _invented(language: str, generator: random.Random) -> str:
    consonants, vowels = (letters.split() for letters in _SYLLABLES.get(language, _SYLLABLES[""]))
    words = []
    for _ in range(generator.randint(3, 8)):
        syllables = range(generator.randint(1, 4))
        words.append(
            "".join(generator.choice(consonants) + generator.choice(vowels) for _ in syllables)
        )
    return " ".join(words) + "."


@cache
def _prose() -> list[str]:
    """Sentences of Python's own manual, which every Python carries."""
    from pydoc_data import topics

    text = re.sub(r"[^A-Za-z' .,?]", " ", " ".join(topics.topics.values()))
    sentences = re.split(r"(?<=[.?]) ", re.sub(r"\s+", " ", text))
    odd = re.compile(r"\b[A-Z]{3,}|\b[b-zB-HJ-Z]\b|\.\w|__")
    return [s.strip() for s in sentences if 5 <= len(s.split()) <= 14 and not odd.search(s)]


@cache
def _words() -> list[str]:
    """Words of the pronouncing dictionary where it is there, else those of the prose."""
    if _DICTIONARY.is_file():
        found = re.findall(r'^\("([a-z]{2,9})"', _DICTIONARY.read_text("latin-1"), re.M)
        if found:
            return found
    return sorted({w.lower() for s in _prose() for w in s.split() if w.isalpha() and len(w) > 1})
