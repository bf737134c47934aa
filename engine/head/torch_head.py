"""The head in torch: posed vertices and landmarks with gradients, equal to `head.model`.

Runs on the CPU and on CUDA, in batches, for training and for descent on a clip. A `TorchHead` may
hold only the vertices that landmarks need (`landmark_vertices`): then a frame costs a fifteenth.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..exchange.head_file import JAW_JOINT, LEFT_EYE_JOINT, RIGHT_EYE_JOINT, HeadFile
from .model import FaceParams

_SMALL_ANGLE = 1e-4  # rad: below, Rodrigues' factors are taken from their series
_CONTOUR_REACH = 39  # degrees of yaw that the sliding contour covers to each side
_PER_FRAME = ("expression", "head_pose", "head_translation", "jaw", "eyes")


@dataclass(frozen=True)
class TorchParams:
    """`FaceParams` of B frames as tensors; the person's own shape may differ from frame to frame.

    A dataclass of tensors and not a module, so that any of them may be a leaf with a gradient.
    """

    shape: Tensor  # (S,) or (B, S)
    expression: Tensor  # (B, E)
    head_pose: Tensor  # (B, 3) rad
    head_translation: Tensor  # (B, 3) m
    jaw: Tensor  # (B, 3) rad
    eyes: Tensor  # (B, 6) rad
    focal: Tensor  # () or (B,) px

    @classmethod
    def of(cls, params: FaceParams, device: torch.device | str = "cpu") -> "TorchParams":
        """The tensors, float32, of arrays."""

        def tensor(value: object) -> Tensor:
            return torch.as_tensor(np.array(value), dtype=torch.float32, device=device)

        per_frame = {name: tensor(getattr(params, name)) for name in _PER_FRAME}
        return cls(shape=tensor(params.shape), focal=tensor(params.focal), **per_frame)


class TorchHead(nn.Module):
    """A head file's linear bases and skinning as buffers (FLAME eq. 1-5).

    Args:
        file: The head.
        vertices: Indices (n,) of the vertices to keep; all when None. Embeddings whose triangles
            lie wholly within them can still be read by `landmarks_68`, `mesh_landmarks`, `irises`.
    """

    def __init__(self, file: HeadFile, vertices: np.ndarray | None = None):
        super().__init__()
        kept = np.arange(len(file.template)) if vertices is None else np.unique(vertices)
        self.names = file.expression_names

        def store(name: str, values: np.ndarray, dtype: torch.dtype = torch.float32) -> None:
            self.register_buffer(name, torch.as_tensor(np.array(values), dtype=dtype), False)

        S, E = file.shape_basis.shape[2], file.expression_basis.shape[2]
        n = len(kept)
        regressor = file.joint_regressor.astype(np.float64)
        store("template", file.template[kept])
        store("shape_basis", file.shape_basis[kept].reshape(n * 3, S).T)  # (S, 3n)
        store("expression_basis", file.expression_basis[kept].reshape(n * 3, E).T)  # (E, 3n)
        store("pose_basis", file.pose_basis[kept].reshape(n * 3, 36).T)  # (36, 3n)
        store("skin_weights", file.skin_weights[kept])
        store("joint_template", regressor @ file.template)
        joints = np.einsum("jv,vcs->sjc", regressor, file.shape_basis)
        store("joint_shape_basis", joints.reshape(S, -1))  # (S, 15)
        place = np.full(len(file.template), -1)
        place[kept] = np.arange(n)
        for name in ("landmarks_68", "landmarks_468", "iris", "contour"):
            face, weights = getattr(file, name)
            store(f"{name}_corners", place[file.faces[face]], torch.int64)
            store(f"{name}_weights", weights)
        whole = (place[file.faces] >= 0).all(1)
        store("faces", place[file.faces[whole]], torch.int64)
        store("kept", kept, torch.int64)

    template: Tensor
    shape_basis: Tensor
    expression_basis: Tensor
    pose_basis: Tensor
    skin_weights: Tensor
    joint_template: Tensor
    joint_shape_basis: Tensor
    faces: Tensor  # (F, 3) triangles wholly within the kept vertices
    kept: Tensor  # (n,) their indices in the head file
    contour_corners: Tensor
    contour_weights: Tensor

    def rest(self, shape: Tensor) -> tuple[Tensor, Tensor]:
        """People at rest: (..., S) -> vertices (..., V, 3) and joints (..., J, 3)."""
        count = shape.shape[-1]
        moved = (shape @ self.shape_basis[:count]).unflatten(-1, (-1, 3))
        joints = (shape @ self.joint_shape_basis[:count]).unflatten(-1, (-1, 3))
        return self.template + moved, self.joint_template + joints

    def pose(
        self, rest: tuple[Tensor, Tensor], expression: Tensor, jaw: Tensor, eyes: Tensor
    ) -> Tensor:
        """Frames in head space: (B, E), (B, 3), (B, 6) -> (B, V, 3) metres.

        `rest` is of one person, (V, 3) and (J, 3), or of one a frame, (B, V, 3) and (B, J, 3).
        """
        vertices, joints = rest
        turns = torch.stack([torch.zeros_like(jaw), jaw, eyes[:, :3], eyes[:, 3:]], 1)
        rotations = rotation_matrices(turns)  # (B, 4, 3, 3)
        feature = (rotations - torch.eye(3, device=jaw.device, dtype=jaw.dtype)).flatten(1)
        moved = expression @ self.expression_basis + feature @ self.pose_basis  # (B, 3V)
        moved = vertices + moved.unflatten(1, (-1, 3))  # (B, V, 3)
        out = moved
        for joint, column in ((JAW_JOINT, 1), (LEFT_EYE_JOINT, 2), (RIGHT_EYE_JOINT, 3)):
            around = moved - joints[..., joint, None, :]
            weight = self.skin_weights[:, joint, None]
            out = out + weight * (around @ rotations[:, column].transpose(1, 2) - around)
        return out

    def landmarks_68(self, vertices: Tensor, head_pose: Tensor) -> Tensor:
        """The 68 landmarks on camera-space vertices (B, V, 3): (B, 68, 3) metres.

        Points 0-16 slide along the jaw line with the yaw, in steps of a degree without a gradient.
        """
        points = self._embed(vertices, "landmarks_68")
        with torch.no_grad():
            forward = rotation_matrices(head_pose)[:, :, 2]
            yaw = torch.rad2deg(torch.atan2(forward[:, 0], forward[:, 2]))
            row = yaw.round().clamp(-_CONTOUR_REACH, _CONTOUR_REACH).long() + _CONTOUR_REACH
        corners, weights = self.contour_corners[row], self.contour_weights[row]  # (B, 17, 3)
        frame = torch.arange(len(vertices), device=vertices.device)[:, None, None]
        line = (weights[..., None] * vertices[frame, corners]).sum(2)
        return torch.cat([line, points[:, 17:]], 1)

    def mesh_landmarks(self, vertices: Tensor) -> Tensor:
        """MediaPipe's 468 points: (B, V, 3) -> (B, 468, 3)."""
        return self._embed(vertices, "landmarks_468")

    def irises(self, vertices: Tensor) -> Tensor:
        """MediaPipe's points 468-477, the subject's right iris first: (B, V, 3) -> (B, 10, 3)."""
        return self._embed(vertices, "iris")

    def _embed(self, vertices: Tensor, name: str) -> Tensor:
        corners, weights = getattr(self, f"{name}_corners"), getattr(self, f"{name}_weights")
        return (weights[..., None] * vertices[:, corners]).sum(2)


def landmark_vertices(file: HeadFile) -> np.ndarray:
    """The vertices (n,) that any landmark of a head file is mixed from."""
    embedded = [file.landmarks_68, file.landmarks_468, file.iris, file.contour]
    return np.unique(file.faces[np.concatenate([faces.ravel() for faces, _ in embedded])])


def rotation_matrices(axis_angle: Tensor) -> Tensor:
    """Rodrigues' formula, smooth through zero: (..., 3) -> (..., 3, 3)."""
    square = (axis_angle**2).sum(-1)[..., None, None]
    small = square < _SMALL_ANGLE**2
    safe = torch.where(small, torch.ones_like(square), square)
    angle = safe.sqrt()
    first = torch.where(small, 1 - square / 6, angle.sin() / angle)
    # 2 sin(a/2)^2 and not 1 - cos(a), which loses float32's digits at small angles
    second = torch.where(small, 0.5 - square / 24, 2 * (angle / 2).sin() ** 2 / safe)
    x, y, z = axis_angle.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    eye = torch.eye(3, device=axis_angle.device, dtype=axis_angle.dtype)
    return eye + first * cross + second * (cross @ cross)


def project_points(points: Tensor, focal: Tensor, size: tuple[int, int]) -> Tensor:
    """Camera space (B, N, 3) to pixels (B, N, 2), as `engine.geometry.project` does."""
    width, height = size
    scale = focal.reshape(-1, 1) / -points[..., 2]
    x, y = width / 2 + scale * points[..., 0], height / 2 - scale * points[..., 1]
    return torch.stack([x, y], -1)
