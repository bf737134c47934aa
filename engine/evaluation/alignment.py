"""When which phone sounds, by a recogniser that the product doesn't use.

pocketsphinx (a development dependency; its model carries American English): forced alignment where
a clip's words are known, its phone loop otherwise. The phone loop mistakes phones: ten seconds of
speech or more are wanted for it. Aligned words are nearly exact (the closures of p, b and m within
31 ms, measured on synthetic speech).
"""

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError
from .datasets import spoken_text

_LEAST_RUN = 4  # phones in a row that the phone loop must hear to be believed
# The recogniser's settings, tried in turn: its first pass gives up on some natural speech.
_SEARCHES = (
    {},
    {"bestpath": False},
    {"bestpath": False, "beam": 1e-80, "wbeam": 1e-60, "pbeam": 1e-80},
)  # fmt: skip
_LEAST_AGREED = 0.3  # of what is heard: in speech two ways agree on .5 to .8, in music on .1
VISEMES = {
    "p b m": ("P", "B", "M"),
    "f v": ("F", "V"),
    "th": ("TH", "DH"),
    "t d n s z l": ("T", "D", "N", "S", "Z", "L"),
    "sh ch j": ("SH", "ZH", "CH", "JH"),
    "ee ih": ("IY", "IH", "Y"),
    "eh ay": ("EH", "EY", "AE"),
    "ah": ("AA", "AH", "AY", "AW"),
    "oh oo w": ("OW", "UW", "UH", "W", "AO", "OY"),
    "r er": ("R", "ER"),
}
_GRID_NAME = re.compile(r"(?:^|_)([blps])([bgrw])([abiw])([a-vx-z])([1-9z])([anps])$")
_GRID_WORDS: tuple[dict[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in "abcdefghijklmnopqrstuvxyz"},
    {
        "z": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six",
        "7": "seven", "8": "eight", "9": "nine",
    },
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)  # fmt: skip


@dataclass(frozen=True)
class Phone:
    """One sound of speech, ARPAbet without stress, on the clip's clock."""

    name: str
    start_seconds: float
    end_seconds: float


def known_words(path: Path) -> str | None:
    """The words of a clip: NAME.txt beside it, or what a name of the GRID corpus says; or None."""
    text = path.with_suffix(".txt")
    if text.is_file():
        said = spoken_text(text.read_text(encoding="utf-8", errors="replace"))
        return " ".join(re.findall(r"[a-z']+", said.lower()))
    name = _GRID_NAME.search(path.stem)
    if name is None:
        return None
    return " ".join(words[key] for words, key in zip(_GRID_WORDS, name.groups(), strict=True))


def possible_words(path: Path) -> tuple[str, ...]:
    """The words that a clip of known words could be made of: GRID's, or those of its own text."""
    if path.with_suffix(".txt").is_file():
        return tuple(sorted(set((known_words(path) or "").split())))
    return tuple(sorted({word for words in _GRID_WORDS for word in words.values()}))


def heard_phones(waveform: np.ndarray, words: str | None) -> list[Phone]:
    """What pocketsphinx hears in (N,) samples at 16 kHz, silences named SIL.

    Raises AVFaceError when it isn't installed, or can't find the words in the sound.
    """
    try:
        import pocketsphinx
    except ImportError as error:
        raise AVFaceError(
            "The speech referee needs pocketsphinx, which is not installed.",
            "Install it with pip install -r requirements/dev.txt.",
        ) from error
    sound = _loud(waveform)
    if words is not None:
        return _merged(_aligned(pocketsphinx, sound, words))
    model = Path(pocketsphinx.get_model_path("en-us"))
    decoder = pocketsphinx.Decoder(
        hmm=str(model / "en-us"), allphone=str(model / "en-us-phone.lm.bin"), lw=2.0,
        beam=1e-20, pbeam=1e-20, lm=None, dict=None, loglevel="FATAL",
    )  # fmt: skip
    _decode(decoder, sound)
    phones = _merged((s.word, s.start_frame / 100, (s.end_frame + 1) / 100) for s in decoder.seg())
    return _without_noises(phones)


def is_speech(waveform: np.ndarray, phones: list[Phone]) -> bool:
    """Whether the phone loop's `phones` of (N,) samples are spoken: it hears some in music, too.

    Then the words that are recognised must say the same.
    """
    words = heard_words(waveform)
    heard = [phone for phone in phones if phone.name != "SIL"]
    if not words or not heard:
        return False
    try:
        others = heard_phones(waveform, words)
    except AVFaceError:
        return False
    return len(agreed_phones(heard, others)) >= _LEAST_AGREED * len(heard)


def agreed_phones(phones: list[Phone], others: list[Phone]) -> list[Phone]:
    """The phones at whose middle the others say the same viseme."""
    viseme = {phone: name for name, phones in VISEMES.items() for phone in phones}

    def told(phone: Phone) -> str | None:
        middle = (phone.start_seconds + phone.end_seconds) / 2
        there = (other for other in others if other.start_seconds <= middle < other.end_seconds)
        return next((viseme.get(other.name) for other in there), None)

    return [p for p in phones if p.name in viseme and told(p) == viseme[p.name]]


def heard_words(waveform: np.ndarray) -> str:
    """The words that pocketsphinx hears in (N,) samples at 16 kHz; empty where it hears none."""
    import pocketsphinx

    decoder = pocketsphinx.Decoder(loglevel="FATAL")
    _decode(decoder, _loud(waveform))
    found = decoder.hyp()
    return found.hypstr if found else ""


def _aligned(pocketsphinx, sound: bytes, words: str) -> list[tuple[str, float, float]]:
    for search in _SEARCHES:
        try:
            decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL", **search)
            decoder.set_align_text(words)
            _decode(decoder, sound)
            decoder.set_alignment()
            _decode(decoder, sound)
            alignment = decoder.get_alignment()
        except RuntimeError:
            continue
        if alignment is not None:
            return [
                (phone.name, phone.start / 100, (phone.start + phone.duration) / 100)
                for word in alignment
                for phone in word
            ]
    raise AVFaceError(
        f'The words "{words}" are not to be found in the sound.',
        "Mend the words in the text file beside the clip, or take it away.",
    )


def _loud(waveform: np.ndarray) -> bytes:
    """16-bit samples, no louder than they can be."""
    loudest = max(float(np.abs(waveform).max(initial=0.0)), 1.0)
    return np.round(waveform / loudest * 32767).astype("<i2").tobytes()


def _decode(decoder, sound: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(sound, False, True)
    decoder.end_utt()


def _merged(segments) -> list[Phone]:
    """Segments as phones: noises and fillers are silence, neighbouring silences one."""
    phones: list[Phone] = []
    for name, start, end in segments:
        name = name.rstrip("012")
        if name.startswith(("+", "<", "[", "(")):
            name = "SIL"
        if phones and name == "SIL" == phones[-1].name:
            phones[-1] = Phone("SIL", phones[-1].start_seconds, end)
        else:
            phones.append(Phone(name, start, end))
    return phones


def _without_noises(phones: list[Phone]) -> list[Phone]:
    """Phones that stand alone between silences are noises or music, not speech."""
    runs = [list(run) for _, run in groupby(phones, key=lambda phone: phone.name == "SIL")]
    return _merged(
        ("SIL" if len(run) < _LEAST_RUN else phone.name, phone.start_seconds, phone.end_seconds)
        for run in runs
        for phone in run
    )
