"""Words as sound and phonemes with their times, by the free synthesiser flite."""

import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VOICE = "slt"  # CMU ARCTIC, free for any use (docs/third-party.md)
_TO_ARPABET = {
    "pau": "SIL", "ax": "AH", "axr": "ER", "ix": "IH", "el": "L", "em": "M", "en": "N", "dx": "D",
    "nx": "N", "hv": "HH", "h#": "SIL", "brth": "SIL", "ssil": "SIL",
}  # fmt: skip


@dataclass(frozen=True)
class Speech:
    """Sound, and what is spoken when."""

    samples: np.ndarray  # (N,) float32 in [-1, 1]
    rate: int  # Hz
    phonemes: tuple[tuple[str, float, float], ...]  # ARPAbet, start and end in seconds

    def after(self, seconds: float, total_seconds: float) -> "Speech":
        """The same speech after a silence, in `total_seconds` of sound."""
        samples = np.zeros(round(total_seconds * self.rate), np.float32)
        start = round(seconds * self.rate)
        piece = self.samples[: len(samples) - start]
        samples[start : start + len(piece)] = piece
        later = tuple((name, a + seconds, b + seconds) for name, a, b in self.phonemes)
        return Speech(samples, self.rate, (("SIL", 0.0, seconds), *later))


def speak(text: str, stretch: float = 1.0) -> Speech:
    """Say `text`; `stretch` above 1 is slower."""
    if not shutil.which("flite"):
        raise SystemExit("The speech synthesiser flite is missing: apt-get install flite.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = ["flite", "-voice", VOICE, "--setf", f"duration_stretch={stretch}"]
        command += ["-psdur", "-t", text, "-o", str(path)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    phonemes, start = [], 0.0
    for word in said.split():  # "name:end"
        name, end = word.rsplit(":", 1)
        phonemes.append((_TO_ARPABET.get(name, name.upper()), start, float(end)))
        start = float(end)
    return Speech(samples.astype(np.float32) / 32768, rate, tuple(phonemes))
