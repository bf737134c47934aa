"""The mouth of a head as a small mesh of its own: posed for a whole clip at once, and measured."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..exchange.head_file import JAW_JOINT, HeadFile
from ..geometry import rotation_matrix
from .landmarks import MESH_NEAR_68

_JAW_FEATURE = slice(9, 18)  # the jaw's columns of the pose basis
_SHUT_SINE = np.sin(np.radians(21.4))  # the default head: mouthClose = sin(jaw) / this shuts it
_MIDDLE_M = 0.010  # from the middle, of a lower lip that teeth can touch
_UPPER_INNER, _LOWER_INNER = (61, 62, 63), (67, 66, 65)  # of the 68 landmarks, corner to corner
_RIGHT_CORNER, _LEFT_CORNER = 48, 54


@dataclass(frozen=True)
class Mouth:
    """The part of a head within reach of the lips; `vertices` are numbers in the whole head."""

    vertices: np.ndarray  # (M,)
    faces: np.ndarray  # (F, 3) numbers in `vertices`
    template: np.ndarray  # (M, 3) m
    shape_basis: np.ndarray  # (M, 3, S)
    expression_basis: np.ndarray  # (M, 3, E)
    jaw_basis: np.ndarray  # (M, 3, 9)
    jaw_weight: np.ndarray  # (M,)
    joint: np.ndarray  # (3,) the mean person's jaw joint
    joint_shape_basis: np.ndarray  # (3, S)
    masks: dict[str, np.ndarray]  # name -> (M,) bool
    landmarks: tuple[np.ndarray, np.ndarray]  # the 68; those outside of the mouth are not there

    def rest(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A person's mouth at rest: vertices (M, 3) and the jaw joint (3,)."""
        count = len(shape)
        return (
            self.template + self.shape_basis[..., :count] @ shape,
            self.joint + self.joint_shape_basis[:, :count] @ shape,
        )

    def pose(
        self,
        expression: np.ndarray,
        jaw: np.ndarray,
        rest: tuple[np.ndarray, np.ndarray] | None = None,
        offsets: np.ndarray | None = None,
    ) -> np.ndarray:
        """(T, E) and jaw (T, 3) axis-angle -> (T, M, 3) m in head space.

        `offsets` (T, M, 3) are added at rest, as a unit's displacement is.
        """
        start, joint = rest or (self.template, self.joint)
        turn = rotation_matrix(jaw)  # (T, 3, 3)
        feature = (turn - np.eye(3)).reshape(len(turn), 9)
        moved = start + np.tensordot(expression, self.expression_basis, (1, 2))  # (T, M, 3)
        moved += np.tensordot(feature, self.jaw_basis, (1, 2))
        if offsets is not None:
            moved += offsets
        around = moved - joint
        turned = around @ np.swapaxes(turn, 1, 2)
        return moved + self.jaw_weight[:, None] * (turned - around)

    def lip_gap(self, points: np.ndarray) -> np.ndarray:
        """Height of the opening at the middle of the lips, m: (T, M, 3) -> (T,); shut below 0."""
        upper, lower = self._marks(points, _UPPER_INNER), self._marks(points, _LOWER_INNER)
        return (upper - lower)[..., 1].mean(-1)

    def lip_width(self, points: np.ndarray) -> np.ndarray:
        """Distance of the corners, m: (T, M, 3) -> (T,)."""
        corners = self._marks(points, (_RIGHT_CORNER, _LEFT_CORNER))
        return np.linalg.norm(corners[..., 0, :] - corners[..., 1, :], axis=-1)

    def lip_depth(self, points: np.ndarray) -> np.ndarray:
        """How far the outer lips stand out at their middle, m: (T, M, 3) -> (T,)."""
        return self._marks(points, (51, 57))[..., 2].mean(-1)

    def lip_heights(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How much red the upper and the lower lip show at the middle, m: (T,) each."""
        upper = self._marks(points, (51,)) - self._marks(points, (62,))
        lower = self._marks(points, (57,)) - self._marks(points, (66,))
        return np.linalg.norm(upper[..., 0, :], axis=-1), np.linalg.norm(lower[..., 0, :], axis=-1)

    def nearest_to_teeth(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The vertices of lower lip and upper incisors' edge that are nearest to each other:
        (T, M, 3) -> (T,) each."""
        lip, edge = points[:, self._lower_edge], points[:, self._incisors]
        apart = np.linalg.norm(lip[:, :, None] - edge[:, None], axis=-1).reshape(len(points), -1)
        one, other = np.divmod(apart.argmin(1), len(self._incisors))
        return self._lower_edge[one], self._incisors[other]

    @cached_property
    def _incisors(self) -> np.ndarray:
        """The lowest vertices of the front teeth, above the middle of the lip."""
        teeth = np.flatnonzero(self.masks["upper_teeth"] & (np.abs(self.template[:, 0]) < 0.008))
        front = teeth[self.template[teeth, 2] > self.template[teeth, 2].max() - 0.006]
        return front[np.argsort(self.template[front, 1])[:12]]

    @cached_property
    def _lower_edge(self) -> np.ndarray:
        """Vertices of the lower lip, and of its inner side, near the middle."""
        near = np.abs(self.template[:, 0]) < _MIDDLE_M
        return np.flatnonzero(near & (self.masks["lower_lip"] | self.lower_inside))

    @cached_property
    def lower_inside(self) -> np.ndarray:
        """The mouth's lining just behind the lower lip, (M,) bool."""
        line = self.template[self.masks["lower_lip"]]
        low = self.template[:, 1] < line[:, 1].max() + 0.0005
        return self.masks["mouth_inside"] & low & (self.template[:, 2] > line[:, 2].max() - 0.014)

    def _marks(self, points: np.ndarray, numbers: tuple[int, ...]) -> np.ndarray:
        """Landmarks (T, N, 3) of posed points."""
        face, weights = (part[list(numbers)] for part in self.landmarks)
        return np.einsum("nk,...nkc->...nc", weights, points[..., self.faces[face], :])


def has_teeth(head: HeadFile) -> bool:
    """Whether the head has teeth that a lip could touch, and knows its lower lip."""
    return {"mouth_inside", "upper_teeth", "lower_lip"} <= set(head.masks)


def front_of(head: HeadFile) -> Mouth:
    """Upper teeth and the middle of the lower lip: enough for `nearest_to_teeth`, quickly."""
    lip = head.masks["lower_lip"] | head.masks["mouth_inside"]
    middle = np.abs(head.template[:, 0]) < _MIDDLE_M
    return part_of(head, head.masks["upper_teeth"] | (lip & middle))


def lip_marks_of(head: HeadFile) -> Mouth:
    """Just enough of a head to measure `lip_gap`, `lip_width` and `lip_depth`, quickly."""
    return part_of(head, np.zeros(len(head.template), bool))


def part_of(head: HeadFile, near: np.ndarray) -> Mouth:
    """The vertices `near` (V,) bool of a head, and those that carry the lips' landmarks."""
    # the mesh's own, by whose lips the networks of lips have learnt
    marks, weights = (part[MESH_NEAR_68] for part in head.landmarks_468)
    near = near.copy()
    near[head.faces[marks[48:]]] = True
    vertices = np.flatnonzero(near)
    place = np.full(len(near), -1)
    place[vertices] = np.arange(len(vertices))
    kept = np.flatnonzero(near[head.faces].all(1))
    face_place = np.zeros(len(head.faces), int)
    face_place[kept] = np.arange(len(kept))
    regressor = head.joint_regressor[JAW_JOINT]
    return Mouth(
        vertices=vertices,
        faces=place[head.faces[kept]],
        template=head.template[vertices],
        shape_basis=head.shape_basis[vertices],
        expression_basis=head.expression_basis[vertices],
        jaw_basis=head.pose_basis[vertices][..., _JAW_FEATURE],
        jaw_weight=head.skin_weights[vertices, JAW_JOINT],
        joint=regressor @ head.template,
        joint_shape_basis=np.tensordot(regressor, head.shape_basis, 1),
        masks={name: mask[vertices] for name, mask in head.masks.items()},
        landmarks=(face_place[marks], weights),
    )


def shutting(jaw: np.ndarray) -> np.ndarray:
    """The `mouthClose` that shuts the default head's lips at jaw pitches (T,) rad."""
    return np.sin(np.maximum(jaw, 0)) / _SHUT_SINE
