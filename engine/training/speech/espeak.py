"""espeak-ng through its library: speech with the events of its phonemes.

The library reports each phoneme as it starts. A voiceless stop is reported at its burst: its
closure, exact zeros, lies before the event inside the phoneme before, so the onset is moved
back over the zeros. Voiced stops include their voice bar.
"""

import ctypes
from functools import cache
from typing import Any

import numpy as np

from .phone_maps import STOPS, from_ipa
from .utterance import Utterance, make_utterance

_LIBRARY = "libespeak-ng.so.1"
_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT
_PHONEME_EVENTS_IN_IPA = 1 | 2  # options of espeak_Initialize
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_EVENT_END, _EVENT_PHONEME = 0, 7
_USUAL_RATE = 165  # words a minute
_LONGEST_CLOSURE, _SHORTEST_CLOSURE = 0.12, 0.008  # seconds
_CLOSURE_AFTER_PAUSE = 0.05  # seconds: what a closure that nothing marks is taken to last


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Id),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


def is_installed() -> bool:
    """Whether espeak-ng's library can be loaded here."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


class _Library:
    """The loaded library with what it said last."""

    def __init__(self) -> None:
        self.library: Any = ctypes.CDLL(_LIBRARY)
        self.rate: int = self.library.espeak_Initialize(
            _SYNCHRONOUS, 0, None, _PHONEME_EVENTS_IN_IPA
        )
        self.pieces: list[np.ndarray] = []
        self.events: list[tuple[int, str]] = []
        self.callback = _Callback(self._hear)  # kept: the library calls it
        self.library.espeak_SetSynthCallback(self.callback)

    def _hear(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self.pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        place = 0
        while events[place].type != _EVENT_END:
            event = events[place]
            if event.type == _EVENT_PHONEME:
                name = bytes(event.id.string).decode("utf-8", "ignore")
                self.events.append((event.sample, name))
            place += 1
        return 0


def espeak_library() -> Any:
    """The library itself, initialised."""
    return _library().library


@cache
def _library() -> _Library:
    return _Library()


def speak_espeak(
    text: str, name: str, stretch: float, pitch: float, liveliness: float
) -> Utterance:
    """One utterance of the voice `name` (as the library's files are called: `en-us+f3`)."""
    said = _library()
    said.pieces.clear()
    said.events.clear()
    if said.library.espeak_SetVoiceByName(name.encode()) != 0:
        raise ValueError(f"espeak-ng has no voice {name}")
    for parameter, value in (
        (_RATE, _USUAL_RATE / stretch),
        (_PITCH, 50 * pitch),
        (_RANGE, 50 * liveliness),
    ):
        said.library.espeak_SetParameter(parameter, round(value), 0)
    encoded = text.encode() + b"\0"
    said.library.espeak_Synth(encoded, len(encoded), 0, 0, 0, _UTF8, None, None)
    said.library.espeak_Synchronize()
    if not said.pieces:
        raise ValueError(f"espeak-ng said nothing for {text!r}")
    samples = np.concatenate(said.pieces)
    is_english = name.split("+")[0].split("/")[-1].startswith("en")
    phones = _timed_phones(said.events, len(samples), said.rate, is_english)
    phones = _move_onsets_before_closures(phones, np.abs(samples) <= 2, said.rate)
    sound = samples.astype(np.float32) / 32768
    return make_utterance(sound, said.rate, phones, f"espeak:{name}", text)


def _timed_phones(
    events: list[tuple[int, str]], length: int, rate: int, is_english: bool
) -> list[tuple[str, float, float]]:
    """Phones of the events; an event of several phones is shared out evenly."""
    stops = [sample for sample, _ in events[1:]] + [length]
    phones: list[tuple[str, float, float]] = []
    if events and events[0][0] > 0:
        phones.append(("SIL", 0.0, events[0][0] / rate))
    for (start, symbols), stop in zip(events, stops, strict=True):
        names = from_ipa(symbols, is_english)
        if names is None:
            names = ["SIL"]
        if not names and phones:
            phones[-1] = (phones[-1][0], phones[-1][1], stop / rate)
        for place, name in enumerate(names):
            edges = [(start + (stop - start) * k / len(names)) / rate for k in (place, place + 1)]
            if edges[1] > edges[0]:
                phones.append((name, edges[0], edges[1]))
    return phones


def _move_onsets_before_closures(
    phones: list[tuple[str, float, float]], is_zero: np.ndarray, rate: int
) -> list[tuple[str, float, float]]:
    """The phones with every stop's onset at the start of the zeros before it."""
    moved = list(phones)
    for place in range(1, len(moved)):
        (before, start, _), (name, onset, stop) = moved[place - 1], moved[place]
        if name not in STOPS:
            continue
        if before == "SIL":
            onset = max(start, onset - _CLOSURE_AFTER_PAUSE)
        else:
            earliest = int(max(start + 0.02, onset - _LONGEST_CLOSURE) * rate)
            sample = int(onset * rate) - 1
            while sample > earliest and is_zero[sample]:
                sample -= 1
            if onset - sample / rate > _SHORTEST_CLOSURE:
                onset = sample / rate
        moved[place - 1], moved[place] = (before, start, onset), (name, onset, stop)
    return moved
