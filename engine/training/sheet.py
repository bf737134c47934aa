"""The face's window of the texture sheet in torch: where the fine stage works.

The window is that of `detail.face_sheet`, which reads films. Row 0 is its top; u grows to the
right, v upwards. Vertices are in units of the crop, y down (`shading.Renderer`); normals are in
camera axes, y up.
"""

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor, nn
from torch.nn import functional

from ..detail.face_sheet import lay_out
from ..exchange.head_file import HeadFile
from ..head.model import Head
from .shading import Renderer, vertex_normals

_HIDDEN = 0.03  # units of the crop: a texel this far behind what is seen is hidden
_LEAST_FACING = 0.15  # cosine between a normal and the line of sight
_UP = (1.0, -1.0, 1.0)


class Sheet(nn.Module):
    """Texels of the face's skin on any posed head. U texels along a side."""

    corners: Tensor  # (U, U, 3) vertices of each texel's triangle
    weights: Tensor  # (U, U, 3)
    on_skin: Tensor  # (1, 1, U, U)
    mirror: Tensor  # (1, U, U, 2) where the other side of the face lies, for grid_sample

    def __init__(self, file: HeadFile, size: int) -> None:
        super().__init__()
        rest = file.template.astype(float)
        inside, face_id, weights, near = lay_out(Head(file), size)
        corners, skin = file.faces[inside][np.maximum(face_id, 0)], (face_id >= 0) & near
        place = (weights[..., None] * rest[corners]).sum(2)  # (U, U, 3)
        tree = KDTree(place[skin])
        _, nearest = tree.query(place * [-1, 1, 1])
        row, column = (axis[nearest] for axis in np.nonzero(skin))
        mirror = (np.stack([column, row], -1) + 0.5) / size * 2 - 1
        for name, value in (
            ("corners", torch.as_tensor(corners).long()),
            ("weights", torch.as_tensor(weights).float()),
            ("on_skin", torch.as_tensor(skin).float()[None, None]),
            ("mirror", torch.as_tensor(mirror).float()[None]),
        ):
            self.register_buffer(name, value, False)

    def lay(self, values: Tensor) -> Tensor:
        """Values at the vertices (N, V, C) on the sheet: (N, C, U, U)."""
        laid = (self.weights[..., None] * values[:, self.corners]).sum(3)
        return laid.permute(0, 3, 1, 2)

    def coarse(self, vertices: Tensor, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Places (N, 3, U, U) and unit normals (N, 3, U, U) of a posed head (N, V, 3), y up."""
        upright = vertices * vertices.new_tensor(_UP)
        normals = self.lay(vertex_normals(upright, faces))
        return self.lay(upright), functional.normalize(normals, dim=1)

    def visible(self, places: Tensor, normals: Tensor, renderer: Renderer, vertices: Tensor):
        """Where the camera sees the skin, (N, 1, U, U)."""
        size = places.shape[-1] // 2
        depth = renderer.draw(vertices, vertices[..., 2:], size)  # (N, 1, P, P)
        front = functional.grid_sample(depth, self._grid(places), "nearest", align_corners=False)
        seen = (places[:, 2:] > front - _HIDDEN) & (normals[:, 2:] > _LEAST_FACING)
        return seen.float() * self.on_skin

    def unwrap(self, pictures: Tensor, places: Tensor) -> Tensor:
        """Pictures (N, C, P, P) read where the texels are seen: (N, C, U, U)."""
        return functional.grid_sample(pictures, self._grid(places), align_corners=False)

    def unwrap_normals(self, normals: Tensor, places: Tensor) -> Tensor:
        """Normals (N, 3, P, P) of pictures, of unit length on the sheet: (N, 3, U, U)."""
        return functional.normalize(self.unwrap(normals, places), dim=1)

    def detailed_normals(self, places: Tensor, normals: Tensor, relief: Tensor) -> Tensor:
        """Normals of V_d = V_c + D N_c (AVFace eq. 2), (N, 3, U, U).

        Args:
            places: V_c (N, 3, U, U).
            normals: N_c (N, 3, U, U).
            relief: D (N, 1, U, U) in the units of the places.
        """
        surface = functional.pad(places + relief * normals, (1, 1, 1, 1), mode="replicate")
        across = surface[..., 1:-1, 2:] - surface[..., 1:-1, :-2]
        down = surface[..., 2:, 1:-1] - surface[..., :-2, 1:-1]
        turned = torch.linalg.cross(across, down, dim=1)
        outward = torch.sign((turned * normals).sum(1, keepdim=True))
        found = functional.normalize(turned * outward, dim=1, eps=1e-12)
        return torch.where(self.on_skin > 0, found, normals)

    def mirrored(self, maps: Tensor) -> Tensor:
        """Maps (N, C, U, U) with the face's sides exchanged."""
        grid = self.mirror.expand(len(maps), -1, -1, -1)
        return functional.grid_sample(maps, grid, align_corners=False)

    def _grid(self, places: Tensor) -> Tensor:
        return torch.stack([places[:, 0], -places[:, 1]], -1)
