"""The head reduced to what landmarks see: one point for each landmark, the mesh is left alone."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..exchange.head_file import HeadFile
from ..geometry import rotation_matrix, vertex_normals
from ..head.model import FaceParams
from ..head.places import CHIN, CHIN_EDGE, JAW_SHARE, OVAL, PLACES_JAW, tracked_points
from .teeth import edge_vertices

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
JOINTS_END = 13  # units follow

# What points on the skin cannot tell: left at rest.
UNSEEN_UNITS = (
    "tongue", "neckTighten", "cheekPuff", "cheekSuck", "nostrilDilate", "lipsEvert",
)  # fmt: skip
_PLACES_TURN = rotation_matrix(np.array([PLACES_JAW, 0, 0]))
_FREE_COLUMNS = 20  # of a basis without names, beside what the default head's units say with it


@dataclass(frozen=True, eq=False)
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
    unit_mix: np.ndarray  # (U, E) the head's expression that each fitted unit stands for
    unit_low: np.ndarray  # (U,)
    unit_high: np.ndarray  # (U,)
    incisors: np.ndarray | None = None  # (2, 3) m: middles of the upper and the lower row's edge

    @cached_property
    def unknowns(self) -> int:
        """D, the unknowns of one frame."""
        return JOINTS_END + len(self.unit_names)

    @cached_property
    def column(self) -> dict[str, int]:
        """Place of each fitted unit among the unknowns."""
        return {name: JOINTS_END + k for k, name in enumerate(self.unit_names)}

    def person(self, shape: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A person at rest: points (L, 3) and joints (3, 3). A shape may lack its last numbers."""
        known = len(shape)
        points = self.template + self.shape_basis[..., :known] @ shape + offsets
        joints = self.joints + self.joint_shape_basis[..., :known] @ shape
        return np.ascontiguousarray(points), joints

    def expression(self, x: np.ndarray) -> np.ndarray:
        """The head's expression (T, E) of the unknowns (T, D)."""
        return x[:, JOINTS_END:] @ self.unit_mix

    def unknowns_of(self, params: FaceParams) -> np.ndarray:
        """The unknowns (T, D) that come nearest to a performance."""
        return np.concatenate(
            [
                params.head_pose,
                params.head_translation,
                params.jaw,
                params.eyes[:, 0:2],
                params.eyes[:, 3:5],
                self.units(params.expression),
            ],
            axis=1,
        )

    def units(self, expression: np.ndarray) -> np.ndarray:
        """The fitted units (T, U) that come nearest to an expression (T, E) of the head."""
        return np.clip(expression @ np.linalg.pinv(self.unit_mix), self.unit_low, self.unit_high)


@lru_cache(maxsize=2)
def landmark_head(file: HeadFile) -> LandmarkHead:
    """Mix a head's bases at its landmarks (barycentric, once)."""
    faces, weights, aside = tracked_points(file)
    centres = [5, 0]  # iris centres: left, right (MediaPipe 473, 468)
    corners = file.faces[np.concatenate([faces, file.iris[0][centres]])]  # (L, 3)
    mix = np.concatenate([weights, file.iris[1][centres]]).astype(float)  # (L, 3)

    def mixed(values: np.ndarray) -> np.ndarray:
        return np.einsum("lk,lk...->l...", mix, values[corners].astype(float))

    names, unit_mix, low, high = _fitted_units(file)
    joints = [JAW_JOINT, LEFT_EYE_JOINT, RIGHT_EYE_JOINT]
    used = np.flatnonzero(file.joint_regressor[joints].any(0))
    regressor = file.joint_regressor[joints][:, used].astype(float)
    skinning = mixed(file.skin_weights[:, joints])
    template, centres_of_turn = mixed(file.template), regressor @ file.template[used]
    template[:MESH_POINTS] += aside
    _lag_behind_the_jaw(template, skinning, centres_of_turn[0])
    normals = mixed(vertex_normals(file.template.astype(float), file.faces))
    return LandmarkHead(
        template=template,
        shape_basis=np.ascontiguousarray(mixed(file.shape_basis)),
        unit_basis=np.ascontiguousarray(mixed(file.expression_basis) @ unit_mix.T),
        pose_basis=np.ascontiguousarray(mixed(file.pose_basis[:, :, 9:])),
        weights=np.ascontiguousarray(skinning),
        normals=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        joints=centres_of_turn,
        joint_shape_basis=np.tensordot(regressor, file.shape_basis[used], 1),
        unit_names=names,
        unit_mix=unit_mix,
        unit_low=low,
        unit_high=high,
        incisors=_incisors(file),
    )


def _incisors(file: HeadFile) -> np.ndarray | None:
    """Where the upper and the lower row's front teeth end in the middle, (2, 3) m."""
    if not {"upper_teeth", "lower_teeth"} <= set(file.masks):
        return None
    rows = (edge_vertices(file, name) for name in ("upper_teeth", "lower_teeth"))
    return np.array([file.template[row[len(row) // 2]] * [0, 1, 1] for row in rows], float)


def _lag_behind_the_jaw(template: np.ndarray, skinning: np.ndarray, joint: np.ndarray) -> None:
    """Give chin and outline less of the jaw's way, in place, from where they were measured on."""
    lagging = np.unique([*CHIN, *CHIN_EDGE, *OVAL])
    way = (template[lagging] - joint) @ (_PLACES_TURN - np.eye(3)).T
    template[lagging] += (1 - JAW_SHARE) * skinning[lagging, :1] * way
    skinning[lagging, 0] *= JAW_SHARE


def _fitted_units(file: HeadFile) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Names (U,), mix (U, E) and bounds of the units that are fitted.

    Columns without names would have no priors: there the default head's units are fitted as far as
    the columns can show them, and beside them the first few columns themselves.
    """
    count = len(file.expression_names)
    mix, named = np.eye(count), file.expression_names
    low, high = file.expression_low.astype(float), file.expression_high.astype(float)
    if file.unit_mix is not None:
        units = len(file.unit_names)
        mix = np.concatenate([file.unit_mix.astype(float), mix[:_FREE_COLUMNS]])
        named = (*file.unit_names, *named[:_FREE_COLUMNS])
        low = np.concatenate([np.zeros(units), low[:_FREE_COLUMNS]])
        high = np.concatenate([np.ones(units), high[:_FREE_COLUMNS]])
    fitted = [k for k, name in enumerate(named) if not name.startswith(UNSEEN_UNITS)]
    return tuple(named[k] for k in fitted), mix[fitted], low[fitted], high[fitted]
