"""The head at the points that the landmark network finds: quick enough for every training step.

What networks that read landmarks are judged in: millimetres of these points, of pairs of them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..head.torch_head import rotation_matrices
from ..models.landmarks import BROWS, IRISES, LIDS, LIPS, POINTS
from .people.stage import Stage

PLACE = {mesh: k for k, mesh in enumerate(POINTS)}
# Pairs of points whose difference must be right, with its weight.
PAIRS = (
    (13, 14, 3.0), (82, 87, 1.5), (312, 317, 1.5), (0, 17, 1.5), (61, 291, 3.0), (78, 308, 2.0),
    (159, 145, 4.0), (386, 374, 4.0), (158, 153, 3.0), (385, 380, 3.0), (160, 144, 3.0),
    (387, 373, 3.0), (105, 33, 2.0), (334, 263, 2.0), (66, 133, 2.0), (296, 362, 2.0),
    (65, 133, 1.0), (295, 362, 1.0), (152, 1, 2.0), (107, 133, 1.0), (336, 362, 1.0),
    (468, 33, 2.0), (473, 263, 2.0), (468, 159, 1.5), (473, 386, 1.5), (61, 4, 1.0), (291, 4, 1.0),
)  # fmt: skip
_UNSEEN = ("tongue", "neckTighten", "cheekPuff", "cheekSuck", "nostrilDilate", "lipsEvert")


@dataclass(frozen=True)
class PointHead:
    """The head at the network's points: L places with every basis, float32."""

    template: np.ndarray  # (L, 3)
    shape_basis: np.ndarray  # (L * 3, S)
    unit_basis: np.ndarray  # (L * 3, E)
    pose_basis: np.ndarray  # (L * 3, 27)
    weights: np.ndarray  # (L, 3) jaw, left eye, right eye
    joints: np.ndarray  # (3, 3)
    joint_basis: np.ndarray  # (9, S)

    def tensors(self) -> dict[str, Tensor]:
        """What `pose_points` takes."""
        return {name: torch.from_numpy(value) for name, value in vars(self).items()}


def point_head(stage: Stage) -> PointHead:
    """The stage's head mixed at POINTS."""
    file = stage.head.file
    face, mix = stage.points
    corners, mix = file.faces[face[list(POINTS)]], mix[list(POINTS)]

    def mixed(values: np.ndarray) -> np.ndarray:
        return np.einsum("lk,lk...->l...", mix, values[corners]).astype(np.float32)

    flat = lambda values: mixed(values).reshape(3 * len(POINTS), -1)  # noqa: E731
    regressor, shape_basis = file.joint_regressor[2:], file.shape_basis[..., : file.face_columns]
    return PointHead(
        mixed(file.template), flat(shape_basis), flat(file.expression_basis),
        flat(file.pose_basis[:, :, 9:]), mixed(file.skin_weights[:, 2:]),
        regressor @ file.template,
        np.einsum("jv,vcs->jcs", regressor, shape_basis).reshape(9, -1),
    )  # fmt: skip


def pose_points(
    head: dict[str, Tensor], shape: Tensor, units: Tensor, jaw: Tensor, gaze: Tensor
) -> Tensor:
    """Points in head axes with gradients, (B, N, L, 3): (B, S), (B, N, E), (B, N, 3), (B, N, 4)."""
    clips, frames = units.shape[:2]
    rest = (head["template"].flatten() + shape @ head["shape_basis"].T)[:, None]  # (B, 1, 3 L)
    joints = head["joints"].flatten() + shape @ head["joint_basis"].T
    joints = joints.view(clips, 1, 3, 1, 3)
    zero = torch.zeros_like(gaze[..., :1])
    left, right = torch.cat([gaze[..., :2], zero], -1), torch.cat([gaze[..., 2:], zero], -1)
    turns = rotation_matrices(torch.stack([jaw, left, right], 2))  # (B, N, 3, 3, 3)
    feature = (turns - torch.eye(3, device=turns.device)).flatten(2)
    moved = rest + units @ head["unit_basis"].T + feature @ head["pose_basis"].T
    moved = moved.view(clips, frames, 1, -1, 3)  # (B, N, 1, L, 3)
    around = moved - joints
    turned = torch.einsum("bnjik,bnjlk->bnjli", turns, around) - around  # (B, N, 3, L, 3)
    return moved[:, :, 0] + torch.einsum("lj,bnjli->bnli", head["weights"], turned)


def unit_weights(stage: Stage, head: PointHead) -> np.ndarray:
    """(E,) root of the mm that a unit moves the points by; what they can't see hardly counts."""
    moves = head.unit_basis.reshape(len(POINTS), 3, -1)
    size = 1000 * np.sqrt((moves**2).sum(1).mean(0))
    weight = np.sqrt(np.clip(size, 0.15, 3))
    for name, k in stage.head.unit.items():
        if name.startswith(_UNSEEN):
            weight[k] = 0.05
    return weight.astype(np.float32)


def pair_places() -> tuple[Tensor, Tensor]:
    """The PAIRS as places among POINTS (P, 2), and their weights (P,)."""
    places = torch.tensor([(PLACE[a], PLACE[b]) for a, b, _ in PAIRS])
    return places, torch.tensor([weight for _, _, weight in PAIRS])


def point_weights() -> Tensor:
    """(L,) lips, lids, brows and irises count twice."""
    weights = torch.ones(len(POINTS))
    for group in (LIPS, LIDS, BROWS, IRISES):
        weights[[PLACE[mesh] for mesh in group]] = 2.0
    return weights


def smooth_fields(place: np.ndarray) -> np.ndarray:
    """Waves of 2, 4 and 8 cm over the points, together of unit deviation, (L, 30)."""
    generator, count = np.random.default_rng(3), 30
    length = np.repeat([0.02, 0.04, 0.08], count // 3)
    waves = np.cos(place @ (generator.normal(size=(3, count)) / length)
                   + 2 * np.pi * generator.random(count))  # fmt: skip
    return waves / np.sqrt(count / 2)
