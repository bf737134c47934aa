"""A picture of the clip laid into a view, and what is picked in it. No Blender here.

Pixels of the clip are counted from its upper left corner, those of a view from its lower left one.
"""

from dataclasses import dataclass

Box = tuple[float, float, float, float]  # px of the clip: left, top, right, bottom

_MARGIN = 0.06  # of the view, round the picture
_ROUND_A_FACE = 0.5  # of its larger side: how far a face may wander
_LEAST_DRAG_PX = 8.0  # of the view: a shorter one is a click


@dataclass(frozen=True)
class Layout:
    """Where a picture lies in a view."""

    size: tuple[int, int]  # of the clip's picture, px
    left: float  # of the view, px: here and below
    bottom: float
    scale: float  # px of the view in one of the clip

    @classmethod
    def fit(cls, size: tuple[int, int], view: tuple[int, int]) -> "Layout":
        """As large as goes, in the middle."""
        scale = min(view[k] * (1 - 2 * _MARGIN) / max(size[k], 1) for k in (0, 1))
        left, bottom = ((view[k] - scale * size[k]) / 2 for k in (0, 1))
        return cls(size, left, bottom, scale)

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """A place in the clip's picture as one in the view."""
        return self.left + self.scale * x, self.bottom + self.scale * (self.size[1] - y)

    def to_clip(self, x: float, y: float) -> tuple[float, float]:
        """A place in the view as one in the clip's picture; beyond it, the nearest on its edge."""
        across = (x - self.left) / self.scale
        down = self.size[1] - (y - self.bottom) / self.scale
        return min(max(across, 0.0), self.size[0]), min(max(down, 0.0), self.size[1])


def face_at(x: float, y: float, boxes: list[Box]) -> int | None:
    """The face at a place of the clip; of several, the one whose middle is nearest."""
    inside = [k for k, (a, b, c, d) in enumerate(boxes) if a <= x <= c and b <= y <= d]
    return min(inside, key=lambda k: _distance((x, y), _middle(boxes[k])), default=None)


def region_round(index: int, boxes: list[Box], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, width, height (px of the clip) where a face can move, up to the next face.

    The engine takes the person whose middle is most often inside.
    """
    left, top, right, bottom = boxes[index]
    reach = _ROUND_A_FACE * max(right - left, bottom - top)
    low, high = [left - reach, top - reach], [right + reach, bottom + reach]
    own = _middle(boxes[index])
    for k, box in enumerate(boxes):
        other = _middle(box)
        if k == index:
            continue
        axis = int(abs(other[1] - own[1]) > abs(other[0] - own[0]))
        border = (own[axis] + other[axis]) / 2
        if other[axis] > own[axis]:
            high[axis] = min(high[axis], border)
        else:
            low[axis] = max(low[axis], border)
    return _whole(low[0], low[1], high[0], high[1], size)


def dragged_region(
    begin: tuple[float, float], end: tuple[float, float], size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Left, top, width, height between two corners, px of the clip."""
    (x0, x1), (y0, y1) = sorted((begin[0], end[0])), sorted((begin[1], end[1]))
    return _whole(x0, y0, x1, y1, size)


def is_drag(begin: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether the mouse went from one place of the view to the other on purpose."""
    return _distance(begin, end) >= _LEAST_DRAG_PX


def _whole(
    left: float, top: float, right: float, bottom: float, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    x0, y0 = max(int(left), 0), max(int(top), 0)
    x1, y1 = min(round(right), size[0]), min(round(bottom), size[1])
    return x0, y0, max(x1 - x0, 1), max(y1 - y0, 1)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5
