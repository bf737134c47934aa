"""The head's picture with gradients: spherical-harmonics light on the albedo model, in torch.

Which triangle a pixel sees is found by `engine.render` and has no gradient; where on it the pixel
lies has one, so that moving the head moves its colours (as in DECA's renderer).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from ..exchange.head_file import HeadFile
from ..head.albedo import Albedo
from ..render import visible_faces

_DEPTH = 1.0  # m: any plane before the head; the crop's camera is orthographic
_DAMPING = 0.3  # of a step to the normals that shading asks for, in units of the mean slope
_GAMMA = 1 / 2.2


@dataclass(frozen=True)
class Rendered:
    """N pictures and what they show."""

    picture: Tensor  # (N, 3, P, P) display colours in 0..1, 0 where there is no head
    mask: Tensor  # (N, 1, P, P) 1 where the face's own skin is seen
    normals: Tensor  # (N, 3, P, P) unit, camera axes


class VertexAlbedo(nn.Module):
    """The albedo model read at the vertices: coefficients (N, A) -> reflectance (N, V, 3)."""

    mean: Tensor  # (V, 3) logit
    basis: Tensor  # (A, V, 3)
    low: Tensor  # (A,)

    def __init__(self, file: HeadFile, albedo: Albedo | None, kept: np.ndarray) -> None:
        super().__init__()
        count = len(kept)
        mean, basis, low = np.zeros((count, 3)), np.zeros((50, count, 3)), np.zeros(50)
        if albedo is not None:
            maps = _maps_at_vertices(file, albedo)[kept]  # (V, M)
            mean, basis = maps @ albedo.mean, np.einsum("vm,amc->avc", maps, albedo.basis)
            low = albedo.low
        for name, value in (("mean", mean), ("basis", basis), ("low", low)):
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32), False)

    def forward(self, coefficients: Tensor) -> Tensor:
        """See the class; `Albedo.effective` says what the low bounds mean."""
        above = torch.maximum(coefficients, self.low) - self.low.clamp(min=0)
        return torch.sigmoid(self.mean + torch.einsum("na,avc->nvc", above, self.basis))


class Renderer(nn.Module):
    """Draws posed heads. Vertices are in units of the crop, z towards the camera in metres.

    Args:
        file: The head.
        albedo: Its skin's colours; None: all of one grey.
        kept: Indices (V,) of the vertices that there are; all when None.
    """

    faces: Tensor  # (F, 3)
    skin: Tensor  # (V,) 1 on the face's outer skin, what photometric losses look at

    def __init__(
        self, file: HeadFile, albedo: Albedo | None, kept: np.ndarray | None = None
    ) -> None:
        super().__init__()
        kept = np.arange(len(file.template)) if kept is None else kept
        self.albedo = VertexAlbedo(file, albedo, kept)
        place = np.full(len(file.template), -1)
        place[kept] = np.arange(len(kept))
        faces = place[file.faces]
        faces = faces[(faces >= 0).all(1)]
        self.register_buffer("faces", torch.as_tensor(faces).long(), False)
        skin = file.masks["face"] & file.masks["skin"] & ~file.masks["mouth_inside"]
        self.register_buffer("skin", torch.as_tensor(skin[kept]).float(), False)

    def forward(
        self,
        vertices: Tensor,
        albedo: Tensor,
        light: Tensor,
        size: int,
    ) -> Rendered:
        """Draw N heads.

        Args:
            vertices: (N, V, 3) x right and y down in units of the crop, z in those of x and y.
            albedo: (N, A) coefficients.
            light: (N, 9, 3) of `harmonics`.
            size: P, px.
        """
        normals = vertex_normals(vertices * vertices.new_tensor([1, -1, 1]), self.faces)
        colours = self.albedo(albedo) * shade(normals, light)
        skin = self.skin.expand(len(vertices), -1)[..., None]
        drawn = self.draw(vertices, torch.cat([colours, normals, skin], -1), size)
        picture = drawn[:, :3].clamp(min=1e-5) ** _GAMMA * (drawn[:, 3:6] != 0).any(1, True)
        return Rendered(picture, (drawn[:, 6:].detach() > 0.99).float(), drawn[:, 3:6])

    def draw_grey(
        self,
        vertices: Tensor,
        albedo: Tensor,
        light: Tensor,
        size: int,
        weights: tuple[float, ...],
        reached: Tensor,
    ) -> Tensor:
        """Grey pictures (N, 1, P, P) alone, at half the cost.

        Args:
            vertices: As in `forward`.
            albedo: As in `forward`.
            light: As in `forward`.
            size: P, px.
            weights: Of red, green and blue.
            reached: (N, V) share of the light that reaches a vertex.
        """
        person = albedo[:1] if albedo.stride(0) == 0 else albedo
        normals = vertex_normals(vertices * vertices.new_tensor([1, -1, 1]), self.faces)
        lit = (self.albedo(person) * shade(normals, light)) @ vertices.new_tensor(weights)
        seen = torch.stack([lit * reached, torch.ones_like(lit)], -1)
        grey, covered = self.draw(vertices, seen, size).split(1, 1)
        return grey.clamp(min=1e-5) ** _GAMMA * (covered > 0)

    def draw(self, vertices: Tensor, values: Tensor, size: int) -> Tensor:
        """Values at the vertices (N, V, C) seen through the pixels: (N, C, P, P), 0 where empty."""
        seen = self._visible(vertices.detach(), size)  # (N, P, P)
        frame, row, column = torch.nonzero(seen >= 0, as_tuple=True)
        corners = self.faces[seen[frame, row, column]]  # (n, 3)
        at = (torch.stack([column, row], -1) + 0.5) / size * 2 - 1
        weights = barycentric(vertices[frame[:, None], corners, :2], at)  # (n, 3)
        mixed = (weights[..., None] * values[frame[:, None], corners]).sum(1)
        out = values.new_zeros(len(vertices), size, size, values.shape[-1])
        out = out.index_put((frame, row, column), mixed)
        return out.permute(0, 3, 1, 2)

    def _visible(self, vertices: Tensor, size: int) -> Tensor:
        faces = self.faces.cpu().numpy()
        ids = []
        for points in vertices.double().cpu().numpy():
            placed = np.column_stack([(points[:, :2] + 1) / 2 * size, points[:, 2]])
            placed[:, 2] = _DEPTH + placed[:, 2].max() - placed[:, 2]
            ids.append(visible_faces(placed, faces, (size, size), cull_back=True)[0])
        return torch.from_numpy(np.stack(ids)).long().to(vertices.device)


def barycentric(corners: Tensor, at: Tensor) -> Tensor:
    """Affine weights of points (n, 2) in triangles (n, 3, 2): (n, 3), with gradients."""
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    d = at.to(corners.dtype) - corners[:, 0]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    area = torch.where(area.abs() < 1e-12, torch.full_like(area, 1e-12), area)
    w1 = (d[:, 0] * ac[:, 1] - d[:, 1] * ac[:, 0]) / area
    w2 = (ab[:, 0] * d[:, 1] - ab[:, 1] * d[:, 0]) / area
    return torch.stack([1 - w1 - w2, w1, w2], -1)


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Area-weighted unit normals: (N, V, 3), (F, 3) -> (N, V, 3)."""
    a, b, c = (vertices[:, faces[:, k]] for k in range(3))
    cross = torch.linalg.cross(b - a, c - a)
    summed = torch.zeros_like(vertices)
    for k in range(3):
        summed = summed.index_add(1, faces[:, k], cross)
    return nn.functional.normalize(summed, dim=-1, eps=1e-12)


def harmonics(normals: Tensor) -> Tensor:
    """(..., 3) unit -> (..., 9): 1, x, y, z, xy, xz, yz, x2 - y2, 3 z2 - 1, as `detail.light`."""
    x, y, z = normals.unbind(-1)
    one = torch.ones_like(x)
    return torch.stack([one, x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], -1)


def shade(normals: Tensor, light: Tensor) -> Tensor:
    """Light on normals: (N, M, 3), (N, 9, 3) -> (N, M, 3)."""
    return harmonics(normals) @ light


def normals_from_shading(normals: Tensor, albedo: Tensor, light: Tensor, picture: Tensor) -> Tensor:
    """Pseudo-normals: the smallest tilts of coarse normals that explain a picture's shading.

    One damped Gauss-Newton step per pixel on the brightness. Where the light doesn't change with
    the normal nothing is explained and nothing tilts.

    Args:
        normals: (N, 3, H, W) unit, camera axes.
        albedo: (N, 3, H, W) linear reflectance.
        light: (N, 9, 3).
        picture: (N, 3, H, W) display colours.
    """
    flat = normals.flatten(2).transpose(1, 2)  # (N, M, 3)
    x, y, z = flat.unbind(-1)
    grey, one, zero = light.mean(-1), torch.ones_like(x), torch.zeros_like(x)
    slope = torch.stack(
        [torch.stack(row, -1) for row in (
            (zero, one, zero, zero, y, z, zero, 2 * x, zero),
            (zero, zero, one, zero, x, zero, z, -2 * y, zero),
            (zero, zero, zero, one, zero, x, y, zero, 6 * z),
        )], -2,
    )  # fmt: skip
    slope = torch.einsum("nmck,nk->nmc", slope, grey)
    slope = slope - (slope * flat).sum(-1, keepdim=True) * flat  # within the tangent plane
    reflected = albedo.mean(1).flatten(1)
    seen = picture.clamp(min=0).mean(1).flatten(1) ** (1 / _GAMMA) / reflected.clamp(min=0.02)
    missing = seen - (harmonics(flat) * grey[:, None]).sum(-1)
    square = (slope**2).sum(-1)
    step = missing / (square + _DAMPING * square.mean(1, keepdim=True).clamp(min=1e-8))
    tilted = flat + step.clamp(-3, 3)[..., None] * slope
    return nn.functional.normalize(tilted, dim=-1).transpose(1, 2).view_as(normals)


def _maps_at_vertices(file: HeadFile, albedo: Albedo) -> np.ndarray:
    """Each paint of the albedo model where the vertices lie on the sheet, (V, M)."""
    uv = np.zeros((len(file.template), 2))
    uv[file.faces] = file.uv[file.uv_faces]
    columns = []
    for k, picture in enumerate([*albedo.sharp, *albedo.smooth]):
        low, high = albedo.ranges[k]
        side = len(picture)
        x = (uv[:, 0] * side - 0.5).astype(np.float32)
        y = ((1 - uv[:, 1]) * side - 0.5).astype(np.float32)
        soft = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 2.0 * side / 1024)
        read = cv2.remap(soft, x[:, None], y[:, None], cv2.INTER_LINEAR)
        columns.append(low + (high - low) / 255 * read[:, 0])
    maps = np.stack(columns, 1)
    maps[:, len(albedo.sharp) :] *= maps[:, :1]  # smooth maps count on bare skin
    return maps
