"""flite and festival as programs: speech with the times of its phones."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from .phone_maps import FESTIVAL
from .utterance import Utterance, make_utterance

_PATIENCE_S = 60  # with a sentence
# what festival calls a voice -> (its command, its language, the encoding of its text)
FESTIVAL_VOICES = {
    "kal": ("voice_kal_diphone", "en", "ascii"),
    "ked": ("voice_ked_diphone", "en", "ascii"),
    "slt-hts": ("voice_cmu_us_slt_arctic_hts", "en", "ascii"),
    "ona": ("voice_upc_ca_ona_hts", "ca", "latin-1"),
    "dita": ("voice_czech_dita", "cs", "iso8859-2"),
    "krb": ("voice_czech_krb", "cs", "iso8859-2"),
    "machac": ("voice_czech_machac", "cs", "iso8859-2"),
    "czech-ph": ("voice_czech_ph", "cs", "iso8859-2"),
    "mv": ("voice_hy_fi_mv_diphone", "fi", "latin-1"),
    "lj": ("voice_suo_fi_lj_diphone", "fi", "latin-1"),
    "hindi": ("voice_hindi_NSK_diphone", "hi", "utf-8"),
    "marathi": ("voice_marathi_NSK_diphone", "mr", "utf-8"),
    "telugu": ("voice_telugu_NSK_diphone", "te", "utf-8"),
    "lp": ("voice_lp_diphone", "it", "latin-1"),
    "pc": ("voice_pc_diphone", "it", "latin-1"),
    "nsh": ("voice_msu_ru_nsh_clunits", "ru", "utf-8"),
}


def speak_flite(text: str, name: str, stretch: float) -> Utterance:
    """One utterance of flite's voice `name` (awb, rms, slt; kal16's times drift)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = ["flite", "-voice", name, "--setf", f"duration_stretch={stretch:.3f}", "-psdur"]
        command += ["-t", text, "-o", str(path)]
        said = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_PATIENCE_S
        ).stdout
        rate, sound = _read_wave(path)
    phones, start = [], 0.0
    for item in said.split():
        symbol, end = item.rsplit(":", 1)
        phones.append((FESTIVAL["en"].get(symbol, "SIL"), start, float(end)))
        start = float(end)
    return make_utterance(sound, rate, phones, f"flite:{name}", text)


def speak_festival(texts: list[str], name: str, stretch: float) -> list[Utterance]:
    """Utterances of festival's voice `name`, all by one process; what it can't say is left out."""
    command, language, encoding = FESTIVAL_VOICES[name]
    utterances = []
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"({command})", f"(Parameter.set 'Duration_Stretch {stretch:.3f})"]
        for place, text in enumerate(texts):
            quoted = text.replace('"', "").replace("\\", "")
            lines.append(
                f'(unwind-protect (begin (set! u (utt.synth (Utterance Text "{quoted}")))'
                f' (utt.save.segs u "{folder}/{place}.lab")'
                f' (utt.save.wave u "{folder}/{place}.wav" \'riff)) nil)'
            )
        script = Path(folder) / "say.scm"
        script.write_bytes("\n".join(lines).encode(encoding, "ignore"))
        subprocess.run(
            ["festival", "-b", str(script)], capture_output=True, check=False,
            timeout=_PATIENCE_S * len(texts),
        )  # fmt: skip
        for place, text in enumerate(texts):
            wave, labels = (Path(folder) / f"{place}.{kind}" for kind in ("wav", "lab"))
            if not wave.is_file() or not labels.is_file():
                continue
            phones = _read_labels(labels, FESTIVAL[language])
            rate, sound = _read_wave(wave)
            utterances.append(make_utterance(sound, rate, phones, f"festival:{name}", text))
    return utterances


def _read_labels(path: Path, table: dict[str, str]) -> list[tuple[str, float, float]]:
    phones, start = [], 0.0
    for line in path.read_text(errors="replace").splitlines():
        words = line.split()
        if len(words) != 3:
            continue
        end = float(words[0])
        names = table.get(words[2], "SIL").split()
        for place, name in enumerate(names):
            edges = [start + (end - start) * k / len(names) for k in (place, place + 1)]
            phones.append((name, edges[0], edges[1]))
        start = end
    return phones


def _read_wave(path: Path) -> tuple[int, np.ndarray]:
    rate, samples = wavfile.read(path)
    return rate, samples.astype(np.float32) / 32768
