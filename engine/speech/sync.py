"""Whether sound and lips belong together, and by how much one is late, without any training.

What sound says of the lips' gap and width and of the jaw is laid over what the picture shows, at
every offset within a second. Where the two go together best is the offset; how well they do there,
and how much better than elsewhere, says whether to believe it. Changes count more than places:
any two sentences have a beginning and an end. A sentence of speech is wanted: of less, and of
silence, music or hidden lips, nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..exchange.take import frame_seconds

if TYPE_CHECKING:
    from ..audio.voice import VoiceFace
    from ..faces import FaceTrack

CLOCK_STEP = 0.01  # s, of the voice that `measure_sync` wants
MOST_OFFSET = 0.6  # s, that is looked for
_EYE_DISTANCE_MM = 90.0  # between the outer corners of a usual adult's eyes
_EYES = (33, 263)  # their outer corners, in the mesh's order
_CORNERS = (61, 291)
_GAPS = ((80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318))
_SILENCE_WEIGHT = 0.05  # of a frame without speech: lips move as they like then
_DETAILED = 0.9  # `FaceTrack.clear` of a mouth that can be compared with a voice
_CHIN, _BROWS = 152, 168  # the chin's edge, and a point above that speech leaves alone
# How much each signal counts, as it is and by its change in time.
_SHARES = {"gap": (0.5, 1.0), "width": (0.25, 0.0), "jaw": (0.5, 1.0)}
_FAR = 0.2  # s from the best offset, where others must be worse; and of offsets that are likely
_LEAST_SPEECH = 0.6  # s in which lips are seen and a voice is heard
_SENTENCE = 1.5  # s of speech by which the borders below were set; of less more goes together by
_CHANCE = 0.3  # chance: so much more match is wanted of an offset, times root(1 / s)
_LIKELY, _UNLIKELY = 0.5, 0.1  # s; likewise beyond: at the search's edge it may be a slope
_CLAIMED = 0.06  # s: less is in sync for any eye
_BELIEVED = 0.5
# The match at which sound and lips begin to belong together, and surely do; likewise for how much
# better the best offset is than others. Set on six speakers, own sound against the others'.
_MATCH, _LEAD = (0.30, 0.46), (0.0, 0.15)
_SURE_MATCH = (0.40, 0.52)  # likewise, of an offset
# A weak match may be of blurred or far lips: no stranger is claimed where sound and lips go
# together in sync and nowhere else (so do 6 % of 72 pairs of voices and strangers' lips).
_OWN_LEAD = 0.05


@dataclass(frozen=True)
class Sync:
    """How a clip's sound lies to its lips."""

    offset_seconds: float = 0.0  # by which the sound comes after the lips
    confidence: float = 0.0  # 0..1, of the offset
    belongs: float = 1.0  # 0..1, whether the voice is this face's; 1 where nothing speaks against
    match: float = float("nan")  # correlation at the offset; NaN where nothing can be said

    @property
    def is_off(self) -> bool:
        """Whether the sound is surely late or early."""
        return self.confidence >= _BELIEVED and abs(self.offset_seconds) > _CLAIMED

    def sentences(self, fixed: bool = False) -> list[str]:
        """What the user should know; `fixed`: the take plays the sound where it belongs."""
        if np.isfinite(self.match) and self.belongs < _BELIEVED:
            return [
                "The sound and the lips don't belong together (another voice, or music): "
                "the mouth goes by the picture."
            ]
        if self.is_off:
            late = "late" if self.offset_seconds > 0 else "early"
            there = "it is played there" if fixed else "Fix Sync, --fix-sync plays it there"
            return [
                f"The sound is {abs(self.offset_seconds) * 1e3:.0f} ms {late}: the mouth goes by "
                f"where it belongs, and {there}."
            ]
        return []


def sync_clock(times: np.ndarray) -> np.ndarray:
    """The moments at which `measure_sync` wants to hear a clip's voice, (N,) s."""
    return np.arange(times[0] - MOST_OFFSET - 0.1, times[-1] + MOST_OFFSET + 0.1, CLOCK_STEP)


def measure_sync(track: FaceTrack, voice: VoiceFace) -> Sync:
    """How the sound lies to the lips of `track`; `voice` is heard at `sync_clock(track.times)`."""
    belief = track.believed("mouth")
    belief = np.where(belief > _BELIEVED, belief, 0.0)
    if track.clear is not None:  # a picture that is coarse at all accuses no voice
        belief[track.clear < _DETAILED] = 0.0
    heard = {
        "gap": _root(voice.gap_mm[:, 0]), "width": voice.width[:, 0], "jaw": voice["jaw"][0],
        "speaking": voice.speaking,
    }  # fmt: skip
    return match_lips(track.times, seen_mouth(track), belief, heard)


def match_lips(
    times: np.ndarray,
    seen: dict[str, np.ndarray],
    belief: np.ndarray,
    heard: dict[str, np.ndarray],
) -> Sync:
    """The offset at which a mouth seen at `times` (T,), believed by `belief`, goes with a voice.

    `seen`, (T,) each, and `heard`, at `sync_clock(times)`: "gap" (root of millimetres), "width"
    and "jaw" in any unit; of what is heard also "speaking", 0..1.
    """
    clock = sync_clock(times)
    step = frame_seconds(times, alone=0.0)
    spoken = float(np.sum(belief * np.interp(times, clock, heard["speaking"])) * step)
    if step <= 0 or spoken < _LEAST_SPEECH:
        return Sync()
    offsets = np.arange(-MOST_OFFSET, MOST_OFFSET + CLOCK_STEP / 2, CLOCK_STEP)
    matches = np.array([
        _match(times, seen, belief, {
            name: np.interp(times + offset, clock, values) for name, values in heard.items()
        })
        for offset in offsets
    ])  # fmt: skip
    best = int(np.argmax(matches))
    far = np.abs(offsets - offsets[best]) > _FAR
    lead = matches[best] - matches[far].max()
    by_chance = _CHANCE * max(0.0, spoken**-0.5 - _SENTENCE**-0.5)
    if abs(offsets[best]) > _LIKELY:
        by_chance += _UNLIKELY
    sure = float(np.interp(matches[best] - by_chance, _SURE_MATCH, (0, 1)))
    at_edge = best in (0, len(offsets) - 1)
    confidence = 0.0 if at_edge else sure * float(np.interp(lead, _LEAD, (0, 1)))
    # A stranger's sentence goes with these lips somewhere in a second; where that isn't sure, only
    # what is near counts: a far offset wouldn't be taken out either.
    near = matches[np.abs(offsets) <= _FAR].max()
    match = matches[best] if confidence >= _BELIEVED else near
    belongs = float(np.interp(match, _MATCH, (0, 1)))
    if abs(offsets[best]) <= _CLAIMED and lead > _OWN_LEAD:
        belongs = max(belongs, _BELIEVED)
    return Sync(
        offset_seconds=_peak(offsets, matches, best),
        confidence=confidence,
        belongs=belongs,
        match=float(matches[best]),
    )


def seen_mouth(track: FaceTrack) -> dict[str, np.ndarray]:
    """Lip gap (root of a usual adult's mm), lip width and chin in eye distances, (T,) each.

    0 where the face isn't seen.
    """

    def distance(a: int, b: int) -> np.ndarray:
        ends = track.landmarks[:, [a, b], :2].astype(float)
        return np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)

    eyes = distance(*_EYES)
    gap = np.mean([distance(a, b) for a, b in _GAPS], axis=0)
    signals = {
        "gap": _root(gap / eyes * _EYE_DISTANCE_MM),
        "width": distance(*_CORNERS) / eyes,
        "jaw": distance(_CHIN, _BROWS) / eyes,
    }
    return {name: np.nan_to_num(values) for name, values in signals.items()}


def _root(gap_mm: np.ndarray) -> np.ndarray:
    """Of a gap: whether lips are shut tells more than how wide they are open."""
    return np.sqrt(np.maximum(gap_mm, 0) + 0.5)


def _match(
    times: np.ndarray,
    seen: dict[str, np.ndarray],
    belief: np.ndarray,
    heard: dict[str, np.ndarray],
) -> float:
    """How well a mouth goes with what is heard at the same moments, -1 to 1."""
    weight = belief * (heard["speaking"] + _SILENCE_WEIGHT)
    match = whole = 0.0
    for name, (place, change) in _SHARES.items():
        match += place * _correlation(seen[name], heard[name], weight)
        if change:
            speeds = np.gradient(seen[name], times), np.gradient(heard[name], times)
            match += change * _correlation(*speeds, weight)
        whole += place + change
    return match / whole


def _correlation(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> float:
    """Pearson's r under weights; 0 where one doesn't move or nothing has weight."""
    whole = weight.sum()
    if whole < 1e-6:
        return 0.0
    weight = weight / whole
    a, b = a - weight @ a, b - weight @ b
    size = float(np.sqrt((weight @ a**2) * (weight @ b**2)))
    return float(weight @ (a * b)) / size if size > 1e-9 else 0.0


def _peak(offsets: np.ndarray, matches: np.ndarray, best: int) -> float:
    """The top of the parabola through the best offset and its neighbours, s."""
    if not 0 < best < len(offsets) - 1:
        return float(offsets[best])
    before, here, after = matches[best - 1 : best + 2]
    bend = before - 2 * here + after
    move = 0.5 * (before - after) / bend if bend < -1e-12 else 0.0
    return float(offsets[best] + move * CLOCK_STEP)
