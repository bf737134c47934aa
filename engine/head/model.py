"""A head's parameters over a clip, and the surface that they give (FLAME, Li et al. 2017)."""

from dataclasses import dataclass
from dataclasses import replace as _replace
from functools import cached_property
from typing import Any

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.take import Take
from ..geometry import embed, project, rotation_matrix, to_camera

_PER_FRAME = ("expression", "head_pose", "head_translation", "jaw", "eyes")


@dataclass(frozen=True)
class LipShapes:
    """Lips as sound refines them: a few shapes of the lips' vertices, mixed anew in each frame."""

    vertices: np.ndarray  # (Lv,) numbers in the head
    shapes: np.ndarray  # (K, Lv, 3) m, added before the jaw turns them
    weights: np.ndarray  # (T, K)

    def offsets(self, t: int) -> np.ndarray:
        """(Lv, 3) m at frame `t`."""
        return np.tensordot(self.weights[t], self.shapes, 1)

    def __getitem__(self, frames: slice) -> "LipShapes":
        return _replace(self, weights=self.weights[frames])


@dataclass(frozen=True)
class FaceParams:
    """What every stage takes and gives. Axes and units: `engine.exchange.take`."""

    shape: np.ndarray  # (S,)
    albedo: np.ndarray  # (A,)
    expression: np.ndarray  # (T, E)
    head_pose: np.ndarray  # (T, 3) rad
    head_translation: np.ndarray  # (T, 3) m
    jaw: np.ndarray  # (T, 3) rad
    eyes: np.ndarray  # (T, 6) rad, left then right
    focal: float  # px
    light: np.ndarray  # (9, 3)
    lips: LipShapes | None = None

    def __post_init__(self) -> None:
        frames = len(self.expression)
        assert self.lips is None or len(self.lips.weights) == frames
        for name in _PER_FRAME:
            assert len(getattr(self, name)) == frames, (name, getattr(self, name).shape, frames)

    def __len__(self) -> int:
        return len(self.expression)

    def __getitem__(self, frames: slice) -> "FaceParams":
        cut = {name: getattr(self, name)[frames] for name in _PER_FRAME}
        return _replace(self, **cut, lips=self.lips and self.lips[frames])

    def replace(self, **changes: Any) -> "FaceParams":
        """The same parameters with some fields changed."""
        return _replace(self, **changes)

    @classmethod
    def neutral(cls, head: "Head", frames: int, focal: float, distance: float = 0.6):
        """`frames` frames of the mean person at rest, looking into the camera."""
        translation = np.zeros((frames, 3))
        translation[:, 2] = -distance
        return cls(
            shape=np.zeros(head.file.shape_basis.shape[2]),
            albedo=np.zeros(50),
            expression=np.zeros((frames, len(head.file.expression_names))),
            head_pose=np.zeros((frames, 3)),
            head_translation=translation,
            jaw=np.zeros((frames, 3)),
            eyes=np.zeros((frames, 6)),
            focal=focal,
            light=np.zeros((9, 3)),
        )


def params_of(take: Take) -> FaceParams:
    """A take's parameters, refined lips included."""
    lips = None
    if take.lip_vertices is not None:
        assert take.lip_shapes is not None and take.lip_weights is not None
        lips = LipShapes(take.lip_vertices, take.lip_shapes, take.lip_weights)
    return FaceParams(
        take.shape, take.albedo, take.expression, take.head_pose, take.head_translation, take.jaw,
        take.eyes, take.focal, take.light, lips,
    )  # fmt: skip


def fitted_params_of(take: Take) -> FaceParams:
    """A take's parameters as a fit leaves them: without what sound adds to the lips."""
    return params_of(take).replace(lips=None)


@dataclass(frozen=True)
class Head:
    """A head file, ready to be posed."""

    file: HeadFile

    @cached_property
    def unit(self) -> dict[str, int]:
        """Column of each expression unit."""
        return {name: k for k, name in enumerate(self.file.expression_names)}

    def rest(self, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A person at rest: vertices (V, 3) and joints (J, 3)."""
        vertices = self.file.template + self.file.shape_basis[:, :, : len(shape)] @ shape
        return vertices, self.file.joint_regressor @ vertices

    def pose(
        self,
        rest: tuple[np.ndarray, np.ndarray],
        expression: np.ndarray,
        jaw: np.ndarray,
        eyes: np.ndarray,
    ) -> np.ndarray:
        """One frame in head space: `rest` of a person, (E,), (3,), (6,) -> (V, 3) metres.

        FLAME eq. 2-5 with the root and the neck at rest (the head's motion is `head_pose`).
        """
        vertices, joints = rest
        rotations = rotation_matrix(np.stack([np.zeros(3), jaw, eyes[:3], eyes[3:]]))
        feature = (rotations - np.eye(3)).reshape(-1).astype(np.float32)  # (36,)
        # the bases are float32: with a float64 vector numpy would first copy them, at 3x the cost
        moved = vertices + self.file.expression_basis @ np.asarray(expression, np.float32)
        moved = moved + self.file.pose_basis @ feature
        out = moved.copy()
        for joint, rotation in zip((2, 3, 4), rotations[1:], strict=True):
            around = moved - joints[joint]
            weight = self.file.skin_weights[:, joint, None]
            out += weight * (around @ rotation.T - around)
        return out

    def frame(self, params: FaceParams, t: int, rest: tuple | None = None) -> np.ndarray:
        """Frame `t` in head space, (V, 3); pass `rest(params.shape)` to save its cost."""
        rest = rest or self.rest(params.shape)
        if params.lips is not None:
            vertices = rest[0].copy()
            vertices[params.lips.vertices] += params.lips.offsets(t)
            rest = vertices, rest[1]
        return self.pose(rest, params.expression[t], params.jaw[t], params.eyes[t])

    def camera_frame(self, params: FaceParams, t: int, rest: tuple | None = None) -> np.ndarray:
        """Frame `t` in camera space, (V, 3)."""
        vertices = self.frame(params, t, rest)
        return to_camera(vertices, params.head_pose[t], params.head_translation[t])

    def landmarks_px(
        self, params: FaceParams, t: int, size: tuple[int, int], rest: tuple | None = None
    ) -> np.ndarray:
        """The 68 landmarks of frame `t` in the clip's picture, (68, 2) pixels.

        Points 0-16 slide along the jaw line with the yaw, as FLAME's dynamic contour does.
        """
        vertices = self.camera_frame(params, t, rest)
        points = embed(vertices, self.file.faces, self.file.landmarks_68)  # (68, 3)
        forward = rotation_matrix(params.head_pose[t])[:, 2]
        yaw = np.degrees(np.arctan2(forward[0], forward[2]))
        row = int(np.clip(np.round(yaw), -39, 39)) + 39
        face, weights = self.file.contour
        points[:17] = embed(vertices, self.file.faces, (face[row], weights[row]))
        return project(points, params.focal, size)
