"""A stretch of one face without a break (a tracklet), and all that are in a clip."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from .detector import extent
from .looks import Look

_USUAL_FRAMES = 12  # so many of a face's last changes of colour say what is usual for it


@dataclass(eq=False)
class Tracklet:
    """One face, followed without a break from `frames[0]` on."""

    frames: list[int] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)  # (478, 3) float32 px each
    looks: list[Look] = field(default_factory=list)
    glances: dict[int, np.ndarray] = field(default_factory=dict)  # by frame: `seen.glance`
    changes: deque[float] = field(default_factory=lambda: deque(maxlen=_USUAL_FRAMES))
    # `scenes.scene_of` the pictures in which the face was found and in which it was last seen; None
    # where it isn't known.
    entered: np.ndarray | None = None
    left: np.ndarray | None = None

    def add(self, frame: int, points: np.ndarray, look: Look) -> None:
        """The next picture's points and colours."""
        self.frames.append(frame)
        self.points.append(points)
        self.looks.append(look)

    def part(self, start: int, stop: int) -> "Tracklet":
        """The same face in the frames `start` to `stop` (not included)."""
        here = [k for k, frame in enumerate(self.frames) if start <= frame < stop]
        return Tracklet(
            [self.frames[k] for k in here],
            [self.points[k] for k in here],
            [self.looks[k] for k in here],
            {f: seen for f, seen in self.glances.items() if start <= f < stop},
            entered=self.entered if start <= self.frames[0] else None,
            left=self.left if self.frames[-1] < stop else None,
        )

    def drop_last(self, count: int) -> None:
        """Forget the last frames, but not the first one."""
        keep = max(len(self.frames) - count, 1)
        del self.frames[keep:], self.points[keep:], self.looks[keep:]
        self.glances = {f: seen for f, seen in self.glances.items() if f <= self.frames[-1]}


@dataclass(frozen=True)
class Followed:
    """What was seen in a clip: every stretch of a face, and where new shots begin."""

    tracklets: list[Tracklet]
    cuts: tuple[int, ...]  # first frames of new shots
    dissolves: tuple[tuple[int, int], ...] = ()  # last frame of a shot, first one of the next


def box_of(points: np.ndarray) -> np.ndarray:
    """(478, >=2) -> x0, y0, x1, y1."""
    return np.concatenate(extent(points))


def width_of(points: np.ndarray) -> float:
    """The larger side of a face's box, px."""
    box = box_of(points)
    return float((box[2:] - box[:2]).max())
