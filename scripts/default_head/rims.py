"""Where the lips and the lids meet: chains of vertices along their edges, in pairs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from .anatomy import Anatomy
from .fairing import pair_rows
from .topology import edge_loop

# Two joined vertices of the base mesh on each loop.
LIPS = (520, 7267)
LEFT_LIDS = (13352, 13359)


@dataclass(frozen=True)
class Rim:
    """A loop of edges as two chains with common ends, both from the lower to the higher x."""

    upper: np.ndarray  # (N,) vertices
    lower: np.ndarray  # (M,) vertices, the ends left out
    anatomy: Anatomy

    @property
    def loop(self) -> np.ndarray:
        """All its vertices."""
        return np.concatenate([self.upper, self.lower])

    @cached_property
    def along(self) -> np.ndarray:
        """(V,): each vertex's place along its chain, 0 to 1; only meant on the chains."""
        place = np.zeros(len(self.anatomy.rest))
        low, high = self.anatomy.rest[self.upper[[0, -1]], 0]
        for chain in (self.upper, self.lower):
            x = np.maximum.accumulate(self.anatomy.rest[chain, 0])
            place[chain] = (x - low) / (high - low) + np.linspace(0, 1e-6, len(chain))
        return place

    @cached_property
    def pairs(self) -> sp.csr_matrix:
        """(R, V): rows of upper minus lower."""
        ends = np.concatenate([self.upper[:1], self.lower, self.upper[-1:]])
        return pair_rows(self.upper[1:-1], ends, self.along, len(self.anatomy.rest))


def rim_loop(anatomy: Anatomy, start: tuple[int, int]) -> np.ndarray:
    """The loop through two joined vertices of the base mesh, as vertices of the head."""
    number = np.full(len(anatomy.base), -1)
    number[anatomy.skin.vertices] = np.arange(len(anatomy.skin.vertices))
    return np.array(edge_loop(anatomy.skin.quads, int(number[start[0]]), int(number[start[1]])))


def split_loop(anatomy: Anatomy, loop: np.ndarray) -> Rim:
    """Cut a loop at its two ends in x."""
    x = anatomy.rest[loop, 0]
    loop = np.roll(loop, -int(np.argmin(x)))
    end = int(np.argmax(anatomy.rest[loop, 0]))
    one, two = loop[: end + 1], loop[end + 1 :][::-1]
    height = anatomy.rest[:, 1]
    if height[one].mean() < height[two].mean():
        one, two = np.concatenate([loop[:1], two, loop[end : end + 1]]), one[1:-1]
    return Rim(one, two, anatomy)


@dataclass(frozen=True)
class Rims:
    """The lips' line and the edges of both eyes' lids."""

    lips: Rim
    left_lids: Rim
    right_lids: Rim


def find_rims(anatomy: Anatomy) -> Rims:
    """The rims of a head of MakeHuman's topology."""
    lids = rim_loop(anatomy, LEFT_LIDS)
    return Rims(
        lips=split_loop(anatomy, rim_loop(anatomy, LIPS)),
        left_lids=split_loop(anatomy, lids),
        right_lids=split_loop(anatomy, anatomy.mirror[lids]),
    )
