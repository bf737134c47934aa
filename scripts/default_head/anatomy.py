"""The head's mesh: skin, eyes, teeth and tongue as one list of vertices, and how it follows the
base mesh. V counts the head's vertices, B the base mesh's.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.spatial import KDTree

from .eyes import Eye, make_eye, unit_sphere
from .skin import Skin, cut_skin
from .source import Source
from .teeth import Teeth, make_teeth
from .tongue import VERTICES as TONGUE_VERTICES
from .tongue import Tongue, make_tongue

MIRROR = np.array([-1.0, 1.0, 1.0])
EYES_APART = 0.0017  # m that each eye moves outward: MakeHuman's stand too close together
# Vertices of the base mesh on the middle line and beside it, where the lips touch; and on the
# edge of the upper lids.
LIP_LINE = 520


@dataclass(frozen=True)
class Anatomy:
    """All parts at rest, in the base mesh's place (metres)."""

    skin: Skin
    left_eye: Eye
    right_eye: Eye
    upper_teeth: Teeth
    lower_teeth: Teeth
    tongue: Tongue
    base: np.ndarray  # (B, 3) the neutral body

    @cached_property
    def parts(self) -> dict[str, np.ndarray]:
        """Vertex numbers of each part."""
        sizes = {
            "skin": len(self.skin.vertices),
            "left_eye": len(self.left_eye.vertices),
            "right_eye": len(self.right_eye.vertices),
            "upper_teeth": len(self.upper_teeth.vertices),
            "lower_teeth": len(self.lower_teeth.vertices),
            "tongue": len(self.tongue.vertices),
        }
        ends = np.cumsum(list(sizes.values()))
        starts = ends - np.array(list(sizes.values()))
        return {name: np.arange(a, b) for name, a, b in zip(sizes, starts, ends, strict=True)}

    @cached_property
    def rest(self) -> np.ndarray:
        """(V, 3) m."""
        return np.concatenate(
            [
                self.base[self.skin.vertices],
                self.left_eye.vertices,
                self.right_eye.vertices,
                self.upper_teeth.vertices,
                self.lower_teeth.vertices,
                self.tongue.vertices,
            ]
        )

    def lift(self, displacement: np.ndarray) -> np.ndarray:
        """A displacement of the base mesh (B, 3) carried over to the head (V, 3); linear."""
        return np.concatenate(
            [
                displacement[self.skin.vertices],
                self.left_eye.lift(displacement),
                self.right_eye.lift(displacement),
                self.upper_teeth.binding @ displacement,
                self.lower_teeth.binding @ displacement,
                displacement[TONGUE_VERTICES],
            ]
        )

    @cached_property
    def quads(self) -> np.ndarray:
        """(Q, 4), the skin's first."""
        sphere = unit_sphere()[1]
        own = {
            "skin": self.skin.quads,
            "left_eye": sphere,
            "right_eye": sphere,
            "upper_teeth": self.upper_teeth.quads,
            "lower_teeth": self.lower_teeth.quads,
            "tongue": self.tongue.quads,
        }
        return np.concatenate([quads + self.parts[name][0] for name, quads in own.items()])

    @cached_property
    def faces(self) -> np.ndarray:
        """(F, 3): each quad as two triangles in a row, then the triangles proper."""
        sphere = unit_sphere()[2]
        own = {
            "left_eye": sphere,
            "right_eye": sphere,
            "upper_teeth": self.upper_teeth.triangles,
            "lower_teeth": self.lower_teeth.triangles,
        }
        tips = [triangles + self.parts[name][0] for name, triangles in own.items()]
        return np.concatenate([split_quads(self.quads), *tips])

    @cached_property
    def mirror(self) -> np.ndarray:
        """(V,): the vertex at the same place on the other side."""
        tree = KDTree(self.rest)
        out = np.zeros(len(self.rest), int)
        other = {"left_eye": "right_eye", "right_eye": "left_eye"}
        for name, own in self.parts.items():
            target = self.parts[other.get(name, name)]
            tree = KDTree(self.rest[target])
            out[own] = target[tree.query(self.rest[own] * MIRROR)[1]]
        assert (out[out] == np.arange(len(out))).all(), "the mesh isn't mirror-symmetric"
        return out

    @cached_property
    def neighbours(self) -> sp.csr_matrix:
        """(V, V) mean over the vertices joined by an edge of a quad or triangle."""
        return mean_over_neighbours(self.edges, len(self.rest))

    @cached_property
    def edges(self) -> np.ndarray:
        """(E, 2) edges of quads and triangles, each once."""
        quads, tips = self.quads, self.faces[2 * len(self.quads) :]
        ends = [quads[:, [k, (k + 1) % 4]] for k in range(4)]
        ends += [tips[:, [k, (k + 1) % 3]] for k in range(3)]
        return np.unique(np.sort(np.concatenate(ends), 1), axis=0)

    def symmetric(self, field: np.ndarray) -> np.ndarray:
        """The mirror-symmetric part of vertex positions or displacements (V, 3)."""
        return (field + field[self.mirror] * MIRROR) / 2


def split_quads(quads: np.ndarray) -> np.ndarray:
    """(Q, 4) -> (2 Q, 3), the two halves of a quad side by side."""
    return np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], 1).reshape(-1, 3)


def mean_over_neighbours(edges: np.ndarray, count: int) -> sp.csr_matrix:
    """(count, count) matrix that averages over joined vertices."""
    both = np.concatenate([edges, edges[:, ::-1]])
    graph = sp.coo_matrix((np.ones(len(both)), both.T), (count, count)).tocsr()
    return sp.diags(1 / np.maximum(np.asarray(graph.sum(1)).ravel(), 1)) @ graph


def build_anatomy(source: Source, base: np.ndarray) -> Anatomy:
    """The head of the body `base` (B, 3), its eyes moved apart, with eyes, teeth and tongue."""
    apart = source.target("eyes/l-eye-trans-out") + source.target("eyes/r-eye-trans-out")
    here = make_eye(base, "left_eye")
    base = base + apart * (EYES_APART / here.lift(apart)[0, 0])
    skin = cut_skin(source, base)
    lips = base[LIP_LINE]
    return Anatomy(
        skin=skin,
        left_eye=make_eye(base, "left_eye"),
        right_eye=make_eye(base, "right_eye"),
        upper_teeth=make_teeth(base, "upper_teeth", lips),
        lower_teeth=make_teeth(base, "lower_teeth", lips),
        tongue=make_tongue(source, base, lips),
        base=base,
    )
