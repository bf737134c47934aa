"""Mouths as lip readers see them: grey, upright, of one size, and steady while the lips move.

Eyes and nose, which speech doesn't move, give size and roll by the similarity that leads a mean
face's onto them; the mouth's landmarks give the middle; both are means over time (as Ma et al. 2022
prepare LRS3). So a mouth that opens grows within its square and the square stays.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..exchange.head_file import HeadFile
from ..geometry import embed
from ..head.albedo import Albedo
from ..head.torch_head import TorchHead, rotation_matrices
from ..weights import load_head
from .shading import Renderer
from .system import Codes, to_crop

_HALF_M = 0.033  # half a square's side
_STILL = slice(27, 48)  # nose and eyes
_MOUTH = slice(48, 68)
_STEADY = 12  # frames that a square is averaged over
_DRAWN_M = 0.068  # from the lips' middle: what a square may show of a turned head
_UPPER_LIP = 62  # of the 68: its middle, within
_INSIDE = ("mouth_inside", "upper_teeth", "lower_teeth", "tongue", "gums")
_GREY = (0.299, 0.587, 0.114)
_REACH_M = 0.013  # light behind the lips falls to 1/e over this way: teeth no brighter than skin
_FINER = 2  # drawn pixels a pixel, along each side
# Harmonics (9,): from above and before. Lips that meet show their line in it, as they do in films;
# in light from everywhere they are one flat patch.
_ROOM_LIGHT = (0.55, 0.0, 0.3, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0)


def mouth_squares(marks: Tensor, wider: float = 1.0) -> tuple[Tensor, Tensor]:
    """Middles and half sides of the mouths' squares as complex numbers (B, K), x + iy.

    Args:
        marks: (B, K, 68, 2) any unit; y down.
    """
    still = torch.view_as_complex(marks[..., _STILL, :].detach().contiguous())
    mean = _mean_face().to(still.device)
    away = still - still.mean(-1, keepdim=True)
    turn = (mean.conj() * away).sum(-1) / (mean.abs() ** 2).sum()  # unit / m, and roll
    middle = torch.view_as_complex(marks[..., _MOUTH, :].detach().mean(-2).contiguous())
    return _steady(middle), _steady(turn) * _HALF_M * wider


def crop_mouths(pictures: Tensor, marks: Tensor, side: int, wider: float = 1.0) -> Tensor:
    """Grey mouths (B, K, 1, side, side) of sequences (B, K, 3, P, P).

    Args:
        pictures: RGB.
        marks: (B, K, 68, 2) landmarks in units of the crops: -1 to 1, y down.
        side: px.
        wider: How much more than a reader's square is shown.
    """
    middle, half = (x.flatten() for x in mouth_squares(marks, wider))
    line = (torch.arange(side, device=marks.device) + 0.5) / side * 2 - 1
    square = torch.complex(line[None, :].expand(side, -1), line[:, None].expand(-1, side))
    grid = torch.view_as_real(middle[:, None, None] + half[:, None, None] * square)
    grey = (pictures.flatten(0, 1) * pictures.new_tensor(_GREY).view(3, 1, 1)).sum(1, True)
    seen = functional.grid_sample(grey, grid, align_corners=False, padding_mode="border")
    return seen.unflatten(0, marks.shape[:2])


def room_light(frames: int) -> Tensor:
    """Light that shows lips, for people whose own isn't known: (N, 9, 3)."""
    return torch.tensor(_ROOM_LIGHT)[None, :, None].repeat(frames, 1, 3)


class MouthPainter(nn.Module):
    """Draws the mouths of codes, with gradients: no more of the head than a square can show.

    The deeper in the mouth, the less light, as in the performers' pictures.
    """

    inside: Tensor  # (V,) 1 behind the lips

    def __init__(self, file: HeadFile, albedo: Albedo | None) -> None:
        super().__init__()
        lips = file.template[file.masks["lips"]].mean(0)
        near = np.linalg.norm(file.template - lips, axis=1) < _DRAWN_M
        kept = np.flatnonzero(near & ~file.masks["scalp"])
        self.head = TorchHead(file, kept)
        self.renderer = Renderer(file, albedo, kept)
        parts = [file.masks[name][kept] for name in _INSIDE if name in file.masks]
        self.register_buffer("inside", torch.as_tensor(np.any(parts, axis=0)).float(), False)
        upper_lip = embed(file.template, file.faces, file.landmarks_68)[_UPPER_LIP]
        self.front = int(np.linalg.norm(file.template[kept] - upper_lip, axis=1).argmin())

    def forward(self, codes: Codes, squares: tuple[Tensor, Tensor], side: int) -> Tensor:
        """Grey mouths (B, K, 1, side, side) in their squares (`mouth_squares`)."""
        one = codes.shape.stride(0) == 0  # one person in all frames: at rest once, not in each
        person = codes.shape[0] if one else codes.shape
        vertices = self.head.pose(self.head.rest(person), codes.expression, codes.jaw, codes.eyes)
        depth = vertices[:, self.front, None, 2] - vertices[..., 2]  # (N, V) m behind the lips
        entered = 0.08 + 0.85 * torch.exp(-depth.detach().clamp(min=0) / _REACH_M)
        reached = 1 + self.inside * (entered - 1)
        vertices = to_crop(vertices @ rotation_matrices(codes.pose).transpose(1, 2), codes.camera)
        middle, half = (x.flatten()[:, None] for x in squares)
        flat = (torch.view_as_complex(vertices[..., :2].contiguous()) - middle) / half
        within = torch.cat([torch.view_as_real(flat), vertices[..., 2:] / half.abs()[..., None]], 2)
        drawn = self.renderer.draw_grey(
            within, codes.albedo, codes.light, side * _FINER, _GREY, reached
        )
        return functional.avg_pool2d(drawn, _FINER).unflatten(0, squares[0].shape)


def _steady(values: Tensor) -> Tensor:
    """Means over time, (B, K) complex."""
    frames = values.shape[1]
    reach = min(_STEADY // 2, frames - 1)
    near = torch.ones(frames, frames, device=values.device).tril(reach).triu(-reach)
    return values @ (near / near.sum(0)).to(values.dtype)


@cache
def _mean_face() -> Tensor:
    """Nose and eyes of the default head seen from the front, about their mean, (21,) complex m."""
    file = load_head()
    x, y, _ = embed(file.template, file.faces, file.landmarks_68)[_STILL].T
    points = torch.complex(torch.tensor(x), torch.tensor(-y)).to(torch.complex64)
    return points - points.mean()
