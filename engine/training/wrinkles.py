"""Random relief of skin whose truth is known: folds where faces fold, creases anywhere, texture.

A person has lines; an expression says how deep each group of them is cut at that moment. Heights
are millimetres over the coarse surface, in the face's window of the sheet (`detail.face_sheet`).
"""

from dataclasses import dataclass

import cv2
import numba
import numpy as np

from ..detail.face_sheet import FaceSheet

# Lines of the subject's right side, as landmarks of MediaPipe's mesh from start to end; each has a
# mirrored twin.
_NASOLABIAL = (129, 203, 206, 216, 212)
_MARIONETTE = (57, 43, 204, 211)
_LID = (243, 233, 232, 231, 230, 229, 228, 31)
_CHIN = (106, 182, 83, 18, 313, 406, 335)
_BROW_LINE = (71, 68, 104, 69, 108, 151, 337, 299, 333, 298, 301)
_HAIR_LINE = (54, 54, 103, 67, 109, 10, 338, 297, 332, 284, 284)
_STEPS = 20  # corners of a line
_BULGE_WIDTH = 2.4  # of the skin that is pushed up beside a valley, in widths of the valley
_REACH = 7.0  # widths, beyond which a line changes nothing

# name -> chance that a person has such lines, chance that a moment deepens them
GROUPS = {
    "forehead": (0.75, 0.6), "glabella": (0.6, 0.6), "nose_root": (0.4, 0.5),
    "crows_feet": (0.65, 0.6), "lids": (0.7, 0.5), "nasolabial": (0.85, 0.7),
    "marionette": (0.5, 0.5), "smile": (0.4, 0.6), "chin": (0.6, 0.5), "lip": (0.3, 0.5),
    "anywhere": (0.5, 0.4),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One fold: a valley with bulges beside it, higher on one side where `step` isn't 0."""

    points: np.ndarray  # (N, 2) texels: column, row
    depth: np.ndarray  # (N,) mm
    width: float  # mm, sigma of the valley
    bulge: float  # height beside the valley, in depths
    step: float  # height of the line's left side over its right, in depths


@dataclass(frozen=True)
class Wrinkles:
    """What a person's skin can do."""

    lines: dict[str, list[Line]]  # of each group
    lasting: dict[str, float]  # how deep each group is at rest, 0 to 1
    texture: np.ndarray  # (R, R) mm: pores, lumps, raised moles


def grow_wrinkles(sheet: FaceSheet, random: np.random.Generator) -> Wrinkles:
    """A random person's lines and texture."""
    age = random.random()
    hand = _Hand(sheet, random, age)
    lines = {name: hand.draw(name) for name in GROUPS if random.random() < GROUPS[name][0]}
    lasting = {name: age * random.random() for name in GROUPS}
    return Wrinkles(lines, lasting, _texture(sheet, random))


def relief_at(
    wrinkles: Wrinkles, sheet: FaceSheet, random: np.random.Generator | None
) -> np.ndarray:
    """(R, R) float32 mm: the person at rest, or (`random`) with some of the groups deepened."""
    relief = wrinkles.texture.copy()
    for name, lines in wrinkles.lines.items():
        depth = wrinkles.lasting[name]
        if random is not None and random.random() < GROUPS[name][1]:
            depth += random.random()
        for line in lines:
            _carve(
                relief, line.points, (depth * line.depth).astype(np.float32),
                line.width / sheet.texel_mm, line.bulge, line.step,
            )  # fmt: skip
    return relief


class _Hand:
    """Draws the groups of lines of one person."""

    def __init__(self, sheet: FaceSheet, random: np.random.Generator, age: float) -> None:
        self.sheet, self.random, self.age = sheet, random, age

    def draw(self, name: str) -> list[Line]:
        """The lines of a group."""
        return getattr(self, "_" + name)()

    def _forehead(self) -> list[Line]:
        low, high = (self._at(ids) for ids in (_BROW_LINE, _HAIR_LINE))
        lines, count = [], int(self.random.integers(2, 6))
        places = np.linspace(0.08, 0.8, count) + self.random.normal(0, 0.04, count)
        for place in places:
            whole = _resampled(low + place * (high - low), 60)
            start, stop = sorted(self.random.uniform(0.05, 0.95, 2))
            if self.random.random() < 0.6:  # right across
                start, stop = self.random.uniform(0.05, 0.25), self.random.uniform(0.75, 0.95)
            part = whole[int(60 * start) : max(int(60 * stop), int(60 * start) + 8)]
            lines.append(self._line(part, 0.7, (0.6, 1.5), wobble=1.0))
        return lines

    def _glabella(self) -> list[Line]:
        between, lines = self._at((9, 8)), []
        for aside in self.random.choice([-1, 1], int(self.random.integers(1, 4))):
            shift = aside * np.array([self.random.uniform(1, 7), 0]) / self.sheet.texel_mm
            way = between.mean(0) + 1.6 * (between - between.mean(0)) + shift
            lines.append(self._line(way, 1.0, (0.6, 1.3), wobble=0.5))
        return lines

    def _nose_root(self) -> list[Line]:
        lines = []
        for _ in range(int(self.random.integers(1, 3))):
            below = np.array([0, self.random.uniform(-8, 12)]) / self.sheet.texel_mm
            way = self._at((193, 168, 417)) + below
            lines.append(self._line(way, 0.6, (0.6, 1.2), wobble=0.6))
        for way in self._both(self._at((122, 196, 3))):
            if self.random.random() < 0.4:
                lines.append(self._line(way, 0.4, (0.5, 1.0)))
        return lines

    def _crows_feet(self) -> list[Line]:
        lines = []
        corner = self._at((226,))[0]
        for angle in np.linspace(-0.9, 0.9, int(self.random.integers(3, 7))):
            angle = angle + self.random.normal(0, 0.12)
            away = np.array([-np.cos(angle), np.sin(angle)])
            near, far = self.random.uniform(0, 6), self.random.uniform(12, 28)
            bend = np.array([0, self.random.normal(0, 2)])
            way = corner + np.stack([near * away, (near + far) / 2 * away + bend, far * away])
            for side in self._both(way, corner):
                lines.append(self._line(side, 0.5, (0.5, 1.0), wobble=0.4))
        return lines

    def _lids(self) -> list[Line]:
        lines = []
        lid, below = self._at(_LID), np.array([0, 1]) / self.sheet.texel_mm
        for _ in range(int(self.random.integers(1, 4))):
            start = int(self.random.integers(0, 3))
            way = lid[start : start + int(self.random.integers(4, 8))]
            way = way + self.random.uniform(0, 9) * below
            for side in self._both(way):
                lines.append(self._line(side, 0.5, (0.7, 2.0), wobble=0.4))
        return lines

    def _nasolabial(self) -> list[Line]:
        width = (0.9, 2.6)
        return [
            self._line(way, 1.6, width, step=sign * self.random.uniform(0, 0.8))
            for way, sign in zip(self._both(self._at(_NASOLABIAL)), (1, -1), strict=True)
        ]

    def _marionette(self) -> list[Line]:
        return [self._line(w, 0.9, (0.8, 2.0)) for w in self._both(self._at(_MARIONETTE))]

    def _smile(self) -> list[Line]:
        lines, fold = [], self._at((203, 206, 216, 212))
        for k in range(int(self.random.integers(1, 4))):
            out = np.array([-(6 + 6 * k + self.random.uniform(-1, 3)), 0]) / self.sheet.texel_mm
            lines += [self._line(w, 0.6, (0.7, 1.8), wobble=0.8) for w in self._both(fold + out)]
        return lines

    def _chin(self) -> list[Line]:
        below = [0, self.random.uniform(0, 6) / self.sheet.texel_mm]
        return [self._line(self._at(_CHIN) + below, 0.9, (1.0, 2.8))]

    def _lip(self) -> list[Line]:
        lines, mouth = [], self._at((13,))[0]
        for angle in self.random.uniform(-1.1, 1.1, int(self.random.integers(4, 12))):
            away = np.array([np.sin(angle) * 1.6, -np.cos(angle)]) / self.sheet.texel_mm
            near = self.random.uniform(16, 20)
            way = mouth + np.stack([near * away, (near + self.random.uniform(5, 10)) * away])
            lines.append(self._line(way, 0.3, (0.4, 0.9)))
        return lines

    def _anywhere(self) -> list[Line]:
        lines, size = [], self.sheet.size
        for _ in range(int(self.random.integers(1, 9))):
            angle = self.random.uniform(0, 2 * np.pi)
            along = np.array([np.cos(angle), np.sin(angle)])
            length = self.random.uniform(4, 25) / self.sheet.texel_mm
            bend = self.random.normal(0, 0.15) * length * along[::-1] * [1, -1]
            middle = self.random.uniform(0.12, 0.92, 2) * size
            way = middle + np.stack([-length * along, bend, length * along])
            lines.append(self._line(way, 0.5, (0.5, 2.0), wobble=0.6))
        return lines

    def _line(
        self, way: np.ndarray, deepest: float, widths: tuple[float, float],
        wobble: float = 0.7, step: float = 0.0,
    ) -> Line:  # fmt: skip
        """A line along corners (N, 2) texels; `deepest` and `wobble` in mm."""
        random, texel = self.random, self.sheet.texel_mm
        points = _resampled(way, _STEPS) + random.normal(0, 1.0, 2) / texel
        points = points + _wander(random, _STEPS, 2) * wobble / texel
        along = np.linspace(0, 1, _STEPS)
        taper = np.minimum(np.minimum(along / 0.25, (1 - along) / 0.25), 1) ** 0.8
        depth = deepest * random.uniform(0.25, 1.0) * (0.6 + 0.4 * self.age)
        depth = depth * taper * np.clip(1 + 0.35 * _wander(random, _STEPS, 1)[:, 0], 0.1, 2)
        return Line(
            points.astype(np.float32), depth, float(random.uniform(*widths)),
            float(random.uniform(0.1, 0.55)), float(step),
        )  # fmt: skip

    def _at(self, landmarks: tuple[int, ...]) -> np.ndarray:
        return self.sheet.landmarks[list(landmarks)].astype(float)

    def _both(self, way: np.ndarray, about: np.ndarray | None = None) -> list[np.ndarray]:
        """A line and its twin; `about` (2,) is a point of it that only moves with the side."""
        shaken = way if about is None else about + (way - about) * self.random.uniform(0.7, 1.2)
        return [way, shaken * [-1, 1] + [self.sheet.size, 0]]


def _texture(sheet: FaceSheet, random: np.random.Generator) -> np.ndarray:
    """Pores, lumps and raised moles, (R, R) float32 mm."""
    size, texel = sheet.size, sheet.texel_mm
    out = np.zeros((size, size), np.float32)
    for wide, most in ((0.7, 0.03), (1.4, 0.05), (3.5, 0.12)):
        out += noise(random, size, wide / texel) * np.float32(most * random.random() ** 2)
    for _ in range(int(random.integers(0, 8))):
        height, wide = random.uniform(0.1, 0.7), random.uniform(0.8, 2.0) / texel
        spot(out, random.uniform(0.1, 0.9, 2) * size, wide, height * random.choice([1, 1, 1, -1]))
    return out


def noise(random: np.random.Generator, size: int, sigma: float) -> np.ndarray:
    """(size, size) float32 of unit deviation, smooth over `sigma` texels."""
    reduced = max(1, int(sigma / 2))
    side = size // reduced + 1
    rough = random.standard_normal((side, side), np.float32)
    rough = cv2.GaussianBlur(rough, (0, 0), max(sigma / reduced, 0.3))
    rough = cv2.resize(rough, (size, size), interpolation=cv2.INTER_CUBIC)
    return rough / (rough.std() + np.float32(1e-6))


def spot(out: np.ndarray, place: np.ndarray, sigma: float, height: float) -> None:
    """Add a round bump to `out` (R, R) at `place` (column, row), in texels."""
    reach = int(3 * sigma) + 1
    column, row = place.astype(int)
    rows = slice(max(row - reach, 0), row + reach + 1)
    columns = slice(max(column - reach, 0), column + reach + 1)
    part = out[rows, columns]
    y = np.arange(rows.start, rows.start + part.shape[0])[:, None] - place[1]
    x = np.arange(columns.start, columns.start + part.shape[1]) - place[0]
    part += (height * np.exp(-(x**2 + y**2) / (2 * sigma**2))).astype(np.float32)


def _resampled(way: np.ndarray, count: int) -> np.ndarray:
    """Corners (N, 2) -> (count, 2) at equal distances."""
    gone = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1) + 1e-6)])
    at = np.linspace(0, gone[-1], count)
    return np.stack([np.interp(at, gone, way[:, k]) for k in (0, 1)], 1)


def _wander(random: np.random.Generator, count: int, columns: int) -> np.ndarray:
    """(count, columns) that changes slowly, about unit deviation."""
    keys = random.normal(size=(6, columns))
    at = np.linspace(0, 5, count)
    return np.stack([np.interp(at, np.arange(6), keys[:, k]) for k in range(columns)], 1)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _carve(relief, points, depth, width, bulge, step):
    """Add one line to the relief (R, R), each texel by its nearest place on the line."""
    reach = np.float32(_REACH * width)
    rows, columns = relief.shape
    left, right = points[:, 0].min() - reach, points[:, 0].max() + reach
    top, bottom = points[:, 1].min() - reach, points[:, 1].max() + reach
    for i in range(max(int(top), 0), min(int(bottom) + 1, rows)):
        for j in range(max(int(left), 0), min(int(right) + 1, columns)):
            nearest, deep, side = np.float32(1e9), np.float32(0), np.float32(0)
            for k in range(len(points) - 1):
                ax, ay = points[k, 0], points[k, 1]
                bx, by = points[k + 1, 0] - ax, points[k + 1, 1] - ay
                px, py = np.float32(j) - ax, np.float32(i) - ay
                t = (px * bx + py * by) / max(bx * bx + by * by, np.float32(1e-6))
                t = min(max(t, np.float32(0)), np.float32(1))
                dx, dy = px - t * bx, py - t * by
                square = dx * dx + dy * dy
                if square < nearest:
                    nearest = square
                    deep = depth[k] * (1 - t) + depth[k + 1] * t
                    side = np.sign(px * by - py * bx)
            if nearest > reach * reach:
                continue
            d = np.sqrt(nearest) / np.float32(width)
            height = -np.exp(-d * d / 2)
            height += np.float32(bulge) * np.exp(-d * d / np.float32(2 * _BULGE_WIDTH**2))
            if step != 0:
                raised = side * np.tanh(d / np.float32(1.5)) * np.exp(-d * d / np.float32(18))
                height += np.float32(step) * raised
            relief[i, j] += deep * height
