"""The skull from its middle: how far skin and hair reach in each direction."""

from dataclasses import dataclass

import numpy as np

from .head_file import HeadFile

BARE_MM = 0.8  # of hair: less is skin
ABOVE_EARS_M = 0.045  # its middle
_ROWS, _COLUMNS = 36, 72  # of the skull's map: 5 degrees
_SPREAD = (0.1, 0.35, 0.6, 0.85)  # barycentric weights: points all over a triangle
_DEEPEST_MM = 25.0  # within the hair, and without, that is told apart
_BLOCK = 512  # vertices whose distances are measured at once


@dataclass(frozen=True)
class Skull:
    """The head from its middle: two maps by the angle from the top and the angle round it."""

    middle: np.ndarray  # (3,) m
    reach: np.ndarray  # (_ROWS, _COLUMNS) m to the skin
    hair: np.ndarray  # (_ROWS, _COLUMNS) m of hair above it, gone on beyond where it grows
    depth: np.ndarray  # (_ROWS, _COLUMNS) mm that the skin lies within where it grows

    def at(self, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far skin and how high hair reach in unit directions (n, 3), m, and its depth, mm.

        (n,) each.
        """
        row, column = _places(directions)
        row = np.clip(row, 0, _ROWS - 1.001)
        top, left = np.floor(row).astype(int), np.floor(column).astype(int)
        down, right = row - top, column - left
        found = []
        for table in (self.reach, self.hair, self.depth):
            upper, lower = (
                table[r, left % _COLUMNS] * (1 - right) + table[r, (left + 1) % _COLUMNS] * right
                for r in (top, top + 1)
            )
            found.append(upper * (1 - down) + lower * down)
        return found[0], found[1], found[2]


def from_skull(
    head: HeadFile, vertices: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (n, 3) by their direction from the middle of the skull of a head (V, 3) at rest.

    Degrees from its top, degrees round it from the front, and how far away they lie, m, (n,) each.
    """
    way = points - _middle(head, vertices)
    away = np.linalg.norm(way, axis=1)
    top = np.degrees(np.arccos(np.clip(way[:, 1] / away, -1, 1)))
    return top, np.degrees(np.arctan2(way[:, 0], way[:, 2])), away


def depth_within(vertices: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """How far each vertex (V, 3) lies within the hairline, negative without, mm (V,).

    `hair` (V,) is as `comb` takes it. Where nobody has told how far from the hair a bare vertex
    lies, the line runs half way to the next one; where it is told, hair is low within it, too.
    """
    depth, haired = np.minimum(hair, 0.0), hair > (0 if (hair < 0).any() else BARE_MM)
    if not haired.any() or haired.all():
        return np.where(haired, _DEEPEST_MM, -_DEEPEST_MM)
    untold = np.flatnonzero((hair >= 0) & ~haired)
    depth[untold] = -_nearest(vertices[untold], vertices[haired], 0) / 2
    depth[haired] = _nearest(vertices[haired], vertices[~haired], depth[~haired])
    return np.clip(depth, -_DEEPEST_MM, _DEEPEST_MM)


def _nearest(places: np.ndarray, others: np.ndarray, more: np.ndarray | float) -> np.ndarray:
    """The least distance, mm, from each place (n, 3) to the others (m, 3), and so much `more`."""
    found = np.empty(len(places))
    for start in range(0, len(places), _BLOCK):
        here = places[start : start + _BLOCK]
        square = (here**2).sum(1)[:, None] + (others**2).sum(1) - 2 * here @ others.T
        found[start : start + _BLOCK] = (1e3 * np.sqrt(np.maximum(square, 0)) + more).min(1)
    return found


def map_skull(head: HeadFile, vertices: np.ndarray, hair: np.ndarray, depth: np.ndarray) -> Skull:
    """The outermost skin in each direction, and the hair upon it, gone on beyond its border.

    `hair` and `depth` (V,) mm are as high as it stands and as far as each vertex lies within it.
    """
    middle = _middle(head, vertices)
    skin = head.masks.get("skin", np.ones(len(vertices), bool))
    faces = head.faces[skin[head.faces].all(1)]
    share = np.array([(a, b, 1 - a - b) for a in _SPREAD for b in _SPREAD if a + b < 1])
    points = (share @ vertices[faces] - middle).reshape(-1, 3)
    high = (1e-3 * share @ np.maximum(hair, 0)[faces][..., None]).ravel()
    deep = (share @ depth[faces][..., None]).ravel()
    away = np.linalg.norm(points, axis=1)
    cell = [np.round(place).astype(int) for place in _places(points / away[:, None])]
    cell = np.minimum(cell[0], _ROWS - 1), cell[1] % _COLUMNS
    reach, hairy = np.zeros((_ROWS, _COLUMNS)), np.zeros((_ROWS, _COLUMNS))
    np.maximum.at(reach, cell, away)
    np.maximum.at(hairy, cell, high)
    count, total = np.zeros((_ROWS, _COLUMNS)), np.zeros((_ROWS, _COLUMNS))
    np.add.at(count, cell, 1)
    np.add.at(total, cell, deep)
    return Skull(
        middle, _filled(reach, reach > 0), _filled(hairy, hairy > 1e-3 * BARE_MM),
        _filled(total / np.maximum(count, 1), count > 0),
    )  # fmt: skip


def _middle(head: HeadFile, vertices: np.ndarray) -> np.ndarray:
    """The middle of the skull (3,), from which the head is seen."""
    return vertices[head.masks["ears"]].mean(0) + np.array([0, ABOVE_EARS_M, 0])


def _filled(table: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A map of the skull, smoothed a little; cells that aren't known go on as those beside."""
    total, count = table * known, known.astype(float)
    for _ in range(_ROWS):
        total, count = _blurred(total), _blurred(count)
        if (count > 1e-9).all():
            break
    near, sure = _blurred(table * known), _blurred(known.astype(float))
    return np.where(sure > 1e-9, near / np.maximum(sure, 1e-9), total / np.maximum(count, 1e-9))


def _blurred(table: np.ndarray) -> np.ndarray:
    """Each cell the mean of itself and its eight neighbours."""
    rows = np.pad(table, ((1, 1), (0, 0)), mode="edge")
    rows = (rows[:-2] + rows[1:-1] + rows[2:]) / 3
    return (np.roll(rows, 1, 1) + rows + np.roll(rows, -1, 1)) / 3


def _places(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column, as fractions, of unit directions (n, 3) on the skull's maps."""
    x, y, z = directions.T
    row = np.arccos(np.clip(y, -1, 1)) / np.pi * _ROWS - 0.5
    return row, (np.arctan2(x, z) / (2 * np.pi) * _COLUMNS) % _COLUMNS
