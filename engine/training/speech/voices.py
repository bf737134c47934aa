"""Every voice by one name, `engine:voice`, and which of them a training hears."""

import shutil

from ...exchange.protocol import AVFaceError
from .engines import FESTIVAL_VOICES, speak_festival, speak_flite
from .espeak import is_installed, speak_espeak
from .neural import KOKORO_HELD_OUT, speak_neural
from .utterance import Utterance

# Kept from training, to measure on: a real Scottish speaker, a diphone voice, formant voices.
HELD_OUT = (
    "flite:awb", "festival:ked", "espeak:en-us+f4", "espeak:gmw/en+m7", "espeak:en-us+Andy",
)  # fmt: skip

REAL_HELD_OUT = HELD_OUT[:2]  # those that were built from recordings
NEURAL_HELD_OUT = tuple(f"neural:kokoro-{name}" for name in KOKORO_HELD_OUT)


def require_speakers() -> None:
    """Raises AVFaceError where a program that corpora are spoken with is missing."""
    missing = [name for name in ("flite", "festival") if not shutil.which(name)]
    missing += [] if is_installed() else ["espeak-ng's library"]
    if missing:
        raise AVFaceError(
            f"This training speaks its own corpus, and {' and '.join(missing)} can't be found.",
            "Install the Debian packages that scripts/recipes/train_phones.py names.",
        )


def speak(
    text: str, voice: str = "flite:slt", stretch: float = 1.0, pitch: float = 1.0,
    liveliness: float = 1.0,
) -> Utterance:  # fmt: skip
    """A text spoken by a voice, with the times of its phones.

    Args:
        text: In the voice's language; English by default.
        voice: `espeak:NAME+VARIANT`, `flite:NAME`, `festival:NAME` (engines.FESTIVAL_VOICES) or
            `neural:NAME` (where its packages are installed).
        stretch: Above 1 slower.
        pitch: Times the usual pitch, 0 to 2 (espeak only).
        liveliness: Times the usual range of pitch, 0 to 2 (espeak only).

    Raises:
        ValueError: The voice doesn't exist or can't say the text.
    """
    engine, name = voice.split(":", 1)
    if engine == "espeak":
        return speak_espeak(text, name, stretch, pitch, liveliness)
    if engine == "flite":
        return speak_flite(text, name, stretch)
    if engine == "neural":
        return speak_neural(text, name, stretch)
    said = speak_festival([text], name, stretch)
    if not said:
        raise ValueError(f"{voice} can't say {text!r}")
    return said[0]


def speak_all(texts: list[str], voice: str, stretch: float = 1.0) -> list[Utterance]:
    """Many texts by one voice; for festival that is one process. What can't be said is left out."""
    engine, name = voice.split(":", 1)
    if engine == "festival":
        return speak_festival(texts, name, stretch)
    utterances = []
    for text in texts:
        try:
            utterances.append(speak(text, voice, stretch))
        except ValueError:
            continue
    return utterances


def language_of(voice: str) -> str:
    """Two letters: the language whose texts a voice reads."""
    engine, name = voice.split(":", 1)
    if engine in ("flite", "neural"):
        return "en"
    if engine == "festival":
        return FESTIVAL_VOICES[name][1]
    return name.split("+")[0].split("/")[-1][:2]
