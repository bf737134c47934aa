"""Whether lips say what is heard, judged by a recogniser that the product doesn't use.

`alignment` says when which phone sounds. Against these times the lips' aperture over time gives
four figures:

* closures: the share of all p, b and m at which the lips meet, beside the share that the same lips
  reach when they are moved against the sound (the floor of chance: lips are often shut);
* contrast: how often a p, b or m is less open than an open vowel (AUC, 0.5 is chance);
* lag: by how many milliseconds the lips come after the sound;
* match: the correlation of the phones' usual openness with the lips' at that lag.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take, frame_seconds
from ..fitting.landmark_track import posed_vertices
from ..head.model import Head, params_of
from ..media import open_clip, read_waveform
from ..progress import Report
from ..weights import load_head
from .alignment import Phone, heard_phones, is_speech, known_words

BILABIALS = frozenset(("P", "B", "M"))
OPEN_VOWELS = frozenset(("AA", "AE", "AO", "AW", "AY", "EH", "AH", "EY", "OW"))
# How far each phone (ARPAbet) usually opens the lips, 0 to 1.
OPENNESS = {
    "AA": 0.85, "AE": 0.75, "AH": 0.5, "AO": 0.6, "AW": 0.8, "AY": 0.8, "EH": 0.55, "ER": 0.35,
    "EY": 0.45, "IH": 0.3, "IY": 0.25, "OW": 0.4, "OY": 0.5, "UH": 0.25, "UW": 0.15,
    "P": 0.0, "B": 0.0, "M": 0.0, "F": 0.08, "V": 0.08, "W": 0.1, "R": 0.2,
    "S": 0.2, "Z": 0.2, "SH": 0.2, "ZH": 0.2, "CH": 0.2, "JH": 0.2, "TH": 0.25, "DH": 0.25,
    "T": 0.25, "D": 0.25, "N": 0.25, "L": 0.35,
}  # fmt: skip
_SHUT_SHARE = 0.12  # of the lips' usual widest opening: less is shut
_SLACK_SECONDS = 0.02  # by which a closure may lie beside its phone
_FLOOR_SHIFT = 0.4  # s: lips moved at least so far against the sound tell of chance
_MOST_LAG, _LAG_STEP = 0.4, 0.01  # s
_UPPER, _LOWER = [61, 62, 63], [67, 66, 65]  # inner lips among the 68


@dataclass(frozen=True)
class LipScore:
    """How well lips go with the phones; NaN where there is nothing to judge."""

    closures: int  # p, b and m
    closed: int  # of them, with lips that meet
    floor: float  # the share that lips moved against the sound reach
    contrast: float
    lag_ms: float
    match: float

    @property
    def rate(self) -> float:
        """The share of closures at which the lips meet."""
        return self.closed / self.closures if self.closures else float("nan")


def score_lips(phones: list[Phone], times: np.ndarray, aperture: np.ndarray) -> LipScore:
    """Figures of lips whose aperture (T,) is given at `times` (T,) seconds; any unit, 0 is shut."""
    closures, closed = _count_closed(phones, times, aperture)
    lag, match = _lag(phones, times, aperture)
    return LipScore(
        closures=closures,
        closed=closed,
        floor=_floor(phones, times, aperture),
        contrast=_contrast(phones, times, aperture),
        lag_ms=1e3 * lag,
        match=match,
    )


def lip_aperture_mm(take: Take, head_file: HeadFile) -> np.ndarray:
    """How far the inner lips of the posed head are apart, (T,) mm; lips that press count 0."""
    faces, weights = head_file.landmarks_68
    upper, lower = (_marks(take, head_file, faces[k], weights[k]) for k in (_UPPER, _LOWER))
    return 1e3 * np.maximum((upper - lower)[:, :, 1].mean(1), 0)


def evaluate_speech(folder: Path, report: Report) -> tuple[str, dict]:
    """Score every take of a folder, or a capture of every clip with sound: a table, and figures.

    Raises AVFaceError when there is nothing to score.
    """
    from ..options import CaptureOptions  # the pipeline is heavy, and takes need none of it
    from ..pipeline import capture_motion

    head_file = load_head()
    paths = sorted(folder.glob("*.take.npz"))
    takes = bool(paths)
    paths = paths or [path for path in sorted(folder.iterdir()) if path.is_file()]
    figures: dict[str, dict] = {}
    for done, path in enumerate(paths):
        stage = report.part(path.stem[:12], done / len(paths), 1 / len(paths))
        try:
            if takes:
                take = Take.load(path)
            else:
                clip = open_clip(path)
                if clip.kind != "video" or not clip.has_sound:
                    continue
                take = capture_motion(clip, head_file, CaptureOptions(), stage)
            scored = score_take(take, head_file)
        except AVFaceError as error:
            report.warn(f"{path.name} is left out: {error.message}")
            continue
        if scored is not None:
            figures[path.name.removesuffix(".take.npz")] = scored
    if not figures:
        raise AVFaceError(f"{folder} holds no speech to score.", "Choose takes or clips of speech.")
    return _table(figures), figures


def score_take(take: Take, head_file: HeadFile) -> dict | None:
    """The figures of one take against its own clip's sound; None without speech."""
    path = Path(take.source["path"])
    waveform = read_waveform(open_clip(path))
    if waveform is None or not len(waveform):
        return None
    words = known_words(path)
    phones = heard_phones(waveform, words)
    if all(phone.name == "SIL" for phone in phones):
        return None
    if words is None and not is_speech(waveform, phones):
        return None
    score = score_lips(phones, take.times, lip_aperture_mm(take, head_file))
    return asdict(score) | {"rate": score.rate, "words": words or ""}


def total(scores: list[dict]) -> dict[str, float]:
    """Clips together: closures are counted over all, the rest are medians."""
    closures = sum(score["closures"] for score in scores)
    closed = sum(score["closed"] for score in scores)
    floors = sum(s["floor"] * s["closures"] for s in scores if s["closures"])
    return {
        "closures": closures,
        "closed": closed,
        "rate": closed / closures if closures else float("nan"),
        "floor": floors / closures if closures else float("nan"),
        "contrast": float(np.nanmedian([score["contrast"] for score in scores])),
        "lag_ms": float(np.nanmedian([score["lag_ms"] for score in scores])),
        "absolute_lag_ms": float(np.nanmedian([abs(score["lag_ms"]) for score in scores])),
        "match": float(np.nanmedian([score["match"] for score in scores])),
    }


def _table(figures: dict[str, dict]) -> str:
    lines = [
        "Lips against the phones that pocketsphinx hears (* words known): closures of p, b, m met,",
        "the floor of chance, contrast of closures and open vowels, lag of the lips, match.",
        "",
        f"{'clip':28}{'closed':>9}{'rate':>7}{'floor':>7}{'contrast':>10}{'lag ms':>8}{'match':>7}",
    ]

    def row(name: str, score: dict, lag: float) -> str:
        count = f"{score['closed']}/{score['closures']}"
        return (
            f"{name[:27]:28}{count:>9}{score['rate']:7.2f}{score['floor']:7.2f}"
            f"{score['contrast']:10.2f}{lag:8.0f}{score['match']:7.2f}"
        )

    for name, score in figures.items():
        lines.append(row(name + ("*" if score["words"] else ""), score, score["lag_ms"]))
    all_together = total(list(figures.values()))
    lines.append(row("all; median |lag|", all_together, all_together["absolute_lag_ms"]))
    return "\n".join(lines)


def _marks(take: Take, head_file: HeadFile, faces: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Points on `faces` (L,) of the posed head, in head space: (T, L, 3) m."""
    used, corners = np.unique(head_file.faces[faces], return_inverse=True)
    points = posed_vertices(Head(head_file), params_of(take), used)  # (T, used, 3)
    return np.einsum("lk,tlkc->tlc", weights, points[:, corners.reshape(-1, 3)])


def _within(phone: Phone, times: np.ndarray) -> np.ndarray:
    """The frames (n,) during a phone; the nearest one where it falls between two."""
    frames = np.flatnonzero(
        (times >= phone.start_seconds - _SLACK_SECONDS)
        & (times <= phone.end_seconds + _SLACK_SECONDS)
    )
    if len(frames):
        return frames
    middle = (phone.start_seconds + phone.end_seconds) / 2
    nearest = np.argmin(np.abs(times - middle))
    step = frame_seconds(times, alone=0.0)
    return np.array([nearest] if abs(times[nearest] - middle) <= step else [], int)


def _count_closed(phones: list[Phone], times: np.ndarray, aperture: np.ndarray) -> tuple[int, int]:
    """(p, b and m within the clip, those at which the lips meet)."""
    limit = _SHUT_SHARE * np.percentile(aperture, 95)
    heard = [_within(phone, times) for phone in phones if phone.name in BILABIALS]
    least = [aperture[frames].min() for frames in heard if len(frames)]
    return len(least), sum(bool(value <= limit) for value in least)


def _floor(phones: list[Phone], times: np.ndarray, aperture: np.ndarray) -> float:
    """The mean closure rate of lips that go round within the time of speech, far out of step."""
    speech = [phone for phone in phones if phone.name != "SIL"]
    if not speech:
        return float("nan")
    begin, end = speech[0].start_seconds, speech[-1].end_seconds
    span = np.flatnonzero((times >= begin) & (times <= end))
    limit = _SHUT_SHARE * np.percentile(aperture, 95)
    rates = []
    for shift in range(1, len(span)):
        seconds = times[span[shift]] - times[span[0]]
        if min(seconds, end - begin - seconds) < _FLOOR_SHIFT:
            continue
        moved = np.roll(aperture[span], shift)
        heard = [_within(p, times[span]) for p in speech if p.name in BILABIALS]
        least = [moved[frames].min() <= limit for frames in heard if len(frames)]
        if least:
            rates.append(np.mean(least))
    return float(np.mean(rates)) if rates else float("nan")


def _contrast(phones: list[Phone], times: np.ndarray, aperture: np.ndarray) -> float:
    """How often the least opening in a p, b, m is below the largest in an open vowel (AUC)."""
    shut, wide = [], []
    for phone in phones:
        frames = _within(phone, times)
        if len(frames) and phone.name in BILABIALS:
            shut.append(aperture[frames].min())
        elif len(frames) and phone.name in OPEN_VOWELS:
            wide.append(aperture[frames].max())
    if not shut or not wide:
        return float("nan")
    below = np.array(shut)[:, None] < np.array(wide)
    same = np.array(shut)[:, None] == np.array(wide)
    return float(np.mean(below + 0.5 * same))


def _lag(phones: list[Phone], times: np.ndarray, aperture: np.ndarray) -> tuple[float, float]:
    """(seconds by which the lips follow the sound, the correlation there)."""
    telling = [phone for phone in phones if phone.name in OPENNESS]
    expected = np.array([OPENNESS[phone.name] for phone in telling])
    if len(telling) < 4 or np.ptp(aperture) < 1e-9:
        return float("nan"), float("nan")
    shifts = np.arange(-_MOST_LAG, _MOST_LAG + _LAG_STEP / 2, _LAG_STEP)
    weight = np.array([phone.end_seconds - phone.start_seconds for phone in telling])
    match = np.array([
        _weighted_correlation(expected, _mean_apertures(telling, times - shift, aperture), weight)
        for shift in shifts
    ])  # fmt: skip
    if not np.isfinite(match).any():
        return float("nan"), float("nan")
    best = int(np.nanargmax(match))
    lag = shifts[best]
    if 0 < best < len(shifts) - 1:
        before, here, after = match[best - 1 : best + 2]
        bend = before - 2 * here + after
        lag += 0.5 * _LAG_STEP * (before - after) / bend if bend < -1e-12 else 0.0
    return float(lag), float(match[best])


def _weighted_correlation(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> float:
    weight = weight / weight.sum()
    a, b = a - weight @ a, b - weight @ b
    size = np.sqrt((weight @ a**2) * (weight @ b**2))
    return float(weight @ (a * b) / size) if size > 1e-12 else float("nan")


def _mean_apertures(phones: list[Phone], times: np.ndarray, aperture: np.ndarray) -> np.ndarray:
    """The mean aperture during each phone, (P,), however its length compares to a frame's."""
    edges = np.array([(phone.start_seconds, phone.end_seconds) for phone in phones])
    inside = np.linspace(0.05, 0.95, 7)
    at = edges[:, :1] + inside * (edges[:, 1:] - edges[:, :1])
    return np.interp(at, times, aperture).mean(1)
