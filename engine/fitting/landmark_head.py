"""The head reduced to what landmarks see: one point for each landmark, the mesh is left alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..exchange.head_file import HeadFile
from ..geometry import vertex_normals

JAW_JOINT, LEFT_EYE_JOINT, RIGHT_EYE_JOINT = 2, 3, 4
MESH_POINTS = 468
LEFT_PUPIL, RIGHT_PUPIL = 468, 469  # our order; MediaPipe's are 473 and 468
POINTS = 470

# The unknowns of one frame: x = (head pose, translation, jaw, left eye, right eye, units).
POSE = slice(0, 3)
TRANSLATION = slice(3, 6)
JAW = slice(6, 9)
LEFT_EYE = slice(9, 11)  # pitch, yaw: an eye doesn't roll
RIGHT_EYE = slice(11, 13)
RIGID = 6  # unknowns that move the whole head
JOINTS_END = 13  # units follow

# What points on the skin cannot tell: left at rest.
UNSEEN_UNITS = (
    "tongue", "neckTighten", "cheekPuff", "cheekSuck", "nostrilDilate", "lipsEvert",
)  # fmt: skip
_MOST_UNITS = 50  # of a basis without names, largest first: landmarks tell no more apart


@dataclass(frozen=True)
class LandmarkHead:
    """Bases at L = 470 points: MediaPipe's 468 and the two pupils, subject's left first."""

    template: np.ndarray  # (L, 3) m
    shape_basis: np.ndarray  # (L, 3, S)
    unit_basis: np.ndarray  # (L, 3, U) of the units that are fitted
    pose_basis: np.ndarray  # (L, 3, 27): jaw, left eye, right eye; each R - I row by row
    weights: np.ndarray  # (L, 3) skinning: jaw, left eye, right eye
    normals: np.ndarray  # (L, 3)
    joints: np.ndarray  # (3, 3) jaw, left eye, right eye
    joint_shape_basis: np.ndarray  # (3, 3, S)
    unit_names: tuple[str, ...]  # (U,)
    unit_columns: np.ndarray  # (U,) in the head's expression basis
    unit_low: np.ndarray  # (U,)
    unit_high: np.ndarray  # (U,)
    unit_count: int  # E of the head

    @cached_property
    def unknowns(self) -> int:
        """D, the unknowns of one frame."""
        return JOINTS_END + len(self.unit_names)

    @cached_property
    def column(self) -> dict[str, int]:
        """Place of each fitted unit among the unknowns."""
        return {name: JOINTS_END + k for k, name in enumerate(self.unit_names)}

    def person(self, shape: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A person at rest: points (L, 3) and joints (3, 3)."""
        points = self.template + self.shape_basis @ shape + offsets
        return np.ascontiguousarray(points), self.joints + self.joint_shape_basis @ shape

    def expression(self, x: np.ndarray) -> np.ndarray:
        """The head's expression (T, E) of the unknowns (T, D)."""
        expression = np.zeros((len(x), self.unit_count))
        expression[:, self.unit_columns] = x[:, JOINTS_END:]
        return expression


def landmark_head(file: HeadFile) -> LandmarkHead:
    """Mix a head's bases at its landmarks (barycentric, once)."""
    faces, weights = file.landmarks_468
    centres = [5, 0]  # iris centres: left, right (MediaPipe 473, 468)
    corners = file.faces[np.concatenate([faces, file.iris[0][centres]])]  # (L, 3)
    mix = np.concatenate([weights, file.iris[1][centres]]).astype(float)  # (L, 3)

    def mixed(values: np.ndarray) -> np.ndarray:
        return np.einsum("lk,lk...->l...", mix, values[corners].astype(float))

    fitted = [
        k for k, name in enumerate(file.expression_names) if not name.startswith(UNSEEN_UNITS)
    ][:_MOST_UNITS]
    joints = [JAW_JOINT, LEFT_EYE_JOINT, RIGHT_EYE_JOINT]
    regressor = file.joint_regressor[joints].astype(float)
    normals = mixed(vertex_normals(file.template.astype(float), file.faces))
    return LandmarkHead(
        template=mixed(file.template),
        shape_basis=np.ascontiguousarray(mixed(file.shape_basis)),
        unit_basis=np.ascontiguousarray(mixed(file.expression_basis[:, :, fitted])),
        pose_basis=np.ascontiguousarray(mixed(file.pose_basis[:, :, 9:])),
        weights=np.ascontiguousarray(mixed(file.skin_weights[:, joints])),
        normals=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        joints=regressor @ file.template,
        joint_shape_basis=np.einsum("jv,vcs->jcs", regressor, file.shape_basis),
        unit_names=tuple(file.expression_names[k] for k in fitted),
        unit_columns=np.array(fitted),
        unit_low=file.expression_low[fitted].astype(float),
        unit_high=file.expression_high[fitted].astype(float),
        unit_count=len(file.expression_names),
    )
