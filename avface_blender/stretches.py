"""Whom to trust when, as an artist paints it: stretches of a clip's time. No Blender here.

Stretches don't overlap: what was painted last lies on top. The engine reads them as text, `--trust`
(`sound:3.2-4.0,picture:6-7.5`).
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

Sense = Literal["picture", "sound"]

_LEAST_SECONDS = 1e-3  # what is shorter is no stretch, what lies nearer touches
_ON_FRAME = 0.01  # frames: so near is on it


@dataclass(frozen=True, order=True)
class Stretch:
    """From when to when (seconds of the clip) the mouth goes by one sense alone."""

    start: float
    end: float
    sense: Sense


@dataclass(frozen=True)
class Clock:
    """Where a clip lies in the scene."""

    clip_start: int  # the scene frame of its time 0
    rate: float  # frames of the scene per second

    def seconds(self, first: int, last: int) -> tuple[float, float]:
        """From when to when the frames `first` to `last` are shown, half a frame around them."""
        start, end = ((f - self.clip_start) / self.rate for f in (first - 0.5, last + 0.5))
        return max(start, 0.0), max(end, 0.0)

    def frames(self, start: float, end: float) -> tuple[int, int]:
        """The first and the last frame that lie in a time; at least one."""
        first = math.ceil(start * self.rate + self.clip_start - _ON_FRAME)
        last = math.floor(end * self.rate + self.clip_start + _ON_FRAME)
        return first, max(first, last)


def painted(
    stretches: list[Stretch], start: float, end: float, sense: Sense | None
) -> list[Stretch]:
    """The stretches with one more painted over them, in order; None wipes what is there."""
    before = [replace(old, end=min(old.end, start)) for old in stretches]
    after = [replace(old, start=max(old.start, end)) for old in stretches]
    new = [Stretch(start, end, sense)] if sense else []
    return _joined([s for s in (*before, *after, *new) if s.end - s.start > _LEAST_SECONDS])


def as_text(stretches: list[Stretch]) -> str:
    """As the engine reads them."""
    return ",".join(f"{s.sense}:{s.start:.3f}-{s.end:.3f}" for s in sorted(stretches))


def from_text(text: str) -> list[Stretch]:
    """The stretches of a text, the later ones on top; what can't be read is left out."""
    found: list[Stretch] = []
    for part in text.split(","):
        sense, _, span = part.strip().partition(":")
        start, _, end = span.partition("-")
        try:
            begin, finish = float(start), float(end)
        except ValueError:
            continue
        if sense in ("picture", "sound") and 0 <= begin < finish:
            found = painted(found, begin, finish, sense)
    return found


def _joined(pieces: list[Stretch]) -> list[Stretch]:
    """In order, neighbours of one sense made one."""
    joined: list[Stretch] = []
    for piece in sorted(pieces):
        last = joined[-1] if joined else None
        touches = last is not None and piece.start - last.end < _LEAST_SECONDS
        if last is not None and touches and last.sense == piece.sense:
            joined[-1] = replace(last, end=max(last.end, piece.end))
        else:
            joined.append(piece)
    return joined
