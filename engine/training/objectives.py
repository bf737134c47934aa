"""What the coarse stage's codes are judged by, on real windows and on synthetic ones."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..head.torch_head import rotation_matrices
from . import losses
from .data import Windows
from .losses import COARSE
from .system import Codes, Faces

# (open) What only a synthetic performer can teach; chosen so that each begins near 1.
_MESH_WEIGHT, _POSE_WEIGHT, _CODE_WEIGHT, _SHAPE_WEIGHT = 100.0, 1.0, 0.5, 0.01
_FEATURE_SIDE = 112  # px: what face recognisers commonly see


@dataclass(frozen=True)
class CoarseObjective:
    """The coarse stage's losses.

    Args:
        faces: With a renderer where `photometric` or `identity` is wanted.
        photometric: Draw the faces and compare them with the pictures.
        identity: A face recogniser: pictures (N, 3, 112, 112) in 0..1 -> features (N, C).
    """

    faces: Faces
    photometric: bool = False
    identity: nn.Module | None = None

    def __call__(self, codes: Codes, windows: Windows) -> dict[str, Tensor]:
        """Each loss, weighted."""
        points, target = self.faces.landmarks(codes), windows.flat("landmarks")
        belief = windows.flat("belief")
        marks = losses.landmark_weights(target.device) * belief
        out = {
            "landmark": COARSE.landmark * losses.landmark_loss(points, target, marks),
            "eye_closure": COARSE.eye_closure * losses.eye_closure_loss(points, target, belief),
            "mouth_closure": COARSE.mouth_closure
            * losses.mouth_closure_loss(points, target, belief),
            "lip_corner": COARSE.lip_corner * losses.lip_corner_loss(points, target, belief),
            "same_shape": COARSE.shape_consistency
            * losses.shape_consistency_loss(codes.shape.unflatten(0, windows.sound.shape[:2])),
            "regular": COARSE.shape * losses.coefficient_loss(codes.shape)
            + COARSE.expression * losses.coefficient_loss(codes.expression)
            + COARSE.albedo * losses.coefficient_loss(codes.albedo),
            "light": COARSE.light * losses.white_light_loss(codes.light),
        }
        if self.photometric or self.identity is not None:
            out |= self._appearance(codes, windows)
        if windows.truth is not None:
            out |= truth_losses(self.faces, codes, windows)
        return out

    def _appearance(self, codes: Codes, windows: Windows) -> dict[str, Tensor]:
        pictures = windows.flat("pictures")
        renderer = self.faces.renderer
        assert renderer is not None, "the objective wants faces that draw"
        drawn = renderer(self.faces.vertices(codes), codes.albedo, codes.light, pictures.shape[-1])
        mask = drawn.mask * _uncovered(windows, pictures.shape[-1])
        out = {}
        if self.photometric:
            loss = losses.photometric_loss(drawn.picture, pictures, mask)
            out["photometric"] = COARSE.photometric * loss
        if self.identity is not None:
            pasted = drawn.picture * drawn.mask + pictures * (1 - drawn.mask)
            size = (_FEATURE_SIDE, _FEATURE_SIDE)
            ours, theirs = (
                self.identity(functional.interpolate(p, size, mode="bilinear", antialias=True))
                for p in (pasted, pictures)
            )
            out["identity"] = COARSE.identity * losses.identity_loss(ours, theirs)
        return out


def truth_losses(faces: Faces, codes: Codes, windows: Windows) -> dict[str, Tensor]:
    """What the performer really does: points of the face at rest pose, turn, units."""
    truth = windows.truth
    assert truth is not None
    real = true_codes(codes, windows)
    apart = (faces.mesh_points(codes) - faces.mesh_points(real)).norm(dim=-1)  # m
    turn = rotation_matrices(codes.pose) - rotation_matrices(real.pose)
    units = (codes.expression - real.expression).abs().mean()
    jaw = (codes.jaw - real.jaw).abs().mean()
    return {
        "mesh": _MESH_WEIGHT * apart.mean(),
        "pose": _POSE_WEIGHT * (turn**2).sum((1, 2)).mean(),
        "units": _CODE_WEIGHT * (units + 3 * jaw),
        "shape": _SHAPE_WEIGHT * functional.mse_loss(codes.shape, real.shape),
    }


def true_codes(codes: Codes, windows: Windows) -> Codes:
    """The performer's parameters; what truth doesn't say (camera, colours) is that of `codes`."""
    truth, frames = windows.truth, windows.sound.shape[1]
    assert truth is not None
    return Codes(
        shape=truth.shape.repeat_interleave(frames, 0),
        albedo=codes.albedo,
        pose=truth.pose.flatten(0, 1),
        camera=codes.camera,
        light=codes.light,
        expression=truth.expression.flatten(0, 1),
        jaw=truth.jaw.flatten(0, 1),
        eyes=truth.eyes.flatten(0, 1),
    )


def landmark_figures(points: Tensor, windows: Windows) -> dict[str, float]:
    """NME in % of the true box's side: all 68, the lips, and the frames with something hidden."""
    target, covered = windows.flat("landmarks"), windows.flat("covered").any(1)
    size = (target.amax(1) - target.amin(1)).prod(-1).sqrt()[:, None]  # (N, 1)
    error = 100 * (points - target).norm(dim=-1) / size
    figures = {"nme": float(error.mean()), "nme_lips": float(error[:, 48:].mean())}
    if covered.any():
        figures["nme_covered"] = float(error[covered].mean())
    return figures


def _uncovered(windows: Windows, size: int) -> Tensor:
    """(N, 1, P, P) 0 about landmarks that something covers: colours there aren't the face's."""
    covered, marks = windows.flat("covered"), windows.flat("landmarks")
    grid = (torch.arange(16, device=marks.device) + 0.5) / 8 - 1
    place = torch.stack(torch.meshgrid(grid, grid, indexing="xy"), -1).view(1, -1, 1, 2)
    near = ((marks[:, None] - place) ** 2).sum(-1) < 0.15**2  # (N, 256, 68)
    hidden = (near & (covered[:, None] > 0.5)).any(-1).view(-1, 1, 16, 16).float()
    return functional.interpolate(1 - hidden, (size, size), mode="nearest")
