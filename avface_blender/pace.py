"""How long a capture will still take, told by how the last one of its kind went. No Blender here.

Stages report fractions of the work, not of the time: wrinkles take far longer than their share. So
each finished capture leaves behind which share of its time had gone at each fraction.
"""

import json
from bisect import bisect_left
from contextlib import suppress
from pathlib import Path

from ..engine.exchange.files import write_whole

Timeline = list[tuple[float, float]]  # (fraction, seconds or share of the time), both rising

FILE = "pace.json"
_POINTS = 40  # kept of a capture
_TELLING_SHARE = 0.03  # of the time: before it, the first seconds would foretell nonsense


def seconds_left(fraction: float, elapsed: float, pace: Timeline) -> int:
    """An estimate; -1 while there is none. `pace` empty: time goes as the fractions do."""
    share = _share_at(fraction, pace) if pace else fraction
    if fraction < _TELLING_SHARE or share < _TELLING_SHARE:
        return -1
    return int(elapsed * (1 / share - 1))


def remember(folder: Path, kind: str, heard: Timeline, seconds: float) -> None:
    """Keep how a capture of a kind went: what was heard when (s), and what it took in all."""
    step = max(1, len(heard) // _POINTS)
    rising: Timeline = [(0.0, 0.0)]
    for fraction, at in heard[::step]:
        if fraction > rising[-1][0] and seconds > 0:
            rising.append((fraction, min(at / seconds, 1.0)))
    kinds = _read(folder) | {kind: rising}
    with suppress(OSError):  # an estimate is worth no error
        write_whole(folder / FILE, json.dumps(kinds))


def recall(folder: Path, kind: str) -> Timeline:
    """How the last capture of a kind went; empty when there was none."""
    points = _read(folder).get(kind, [])
    try:
        return [(float(fraction), float(share)) for fraction, share in points]
    except (TypeError, ValueError):
        return []


def _share_at(fraction: float, pace: Timeline) -> float:
    """The share of the time at a fraction, on the line between its neighbours."""
    after = bisect_left(pace, (fraction, 0.0))
    f0, s0 = pace[after - 1] if after else (0.0, 0.0)
    f1, s1 = pace[after] if after < len(pace) else (1.0, 1.0)
    return s0 + (s1 - s0) * (fraction - f0) / (f1 - f0) if f1 > f0 else s1


def _read(folder: Path) -> dict:
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    except (OSError, ValueError):
        return {}
