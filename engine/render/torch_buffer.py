"""The rasteriser in torch, the reference of all: any device, and weights with gradients.

Face ids have no gradient; weights have one to the vertices, so that a picture interpolated with
them can be fitted (silhouettes do not pull: landmarks and masks are for that).
"""

import torch
from torch import Tensor

_NEAREST = 1e-3  # m: triangles that reach behind this plane are left out


def rasterize_torch(
    vertices: Tensor, faces: Tensor, size: tuple[int, int], cull_back: bool = False
) -> tuple[Tensor, Tensor]:
    """Face ids (B, H, W) int64, -1 for none, and weights (B, H, W, 3): see `backends`."""
    with torch.no_grad():
        face_id = torch.stack([_nearest_faces(v, faces, size, cull_back) for v in vertices])
    return face_id, barycentric_weights(vertices, faces, face_id)


def barycentric_weights(vertices: Tensor, faces: Tensor, face_id: Tensor) -> Tensor:
    """Perspective-correct weights of known triangles at pixel centres, (B, H, W, 3); 0 if empty."""
    batch, height, width = face_id.shape
    covered = face_id >= 0
    corners = faces[face_id.clamp_min(0)]  # (B, H, W, 3)
    which = torch.arange(batch, device=vertices.device).view(-1, 1, 1, 1)
    points = vertices[which, corners]  # (B, H, W, 3, 3)
    x = torch.arange(width, device=vertices.device) + 0.5
    y = torch.arange(height, device=vertices.device) + 0.5
    flat = _areas(points[..., :2], x.to(vertices)[None, None], y.to(vertices)[None, :, None])
    weights = flat / points[..., 2]
    total = weights.sum(-1, keepdim=True)
    weights = weights / torch.where(covered[..., None], total, torch.ones_like(total))
    return torch.where(covered[..., None], weights, torch.zeros_like(weights))


def _areas(points: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Twice the areas of a pixel with each side: (..., 3, 2), (...) -> (..., 3)."""
    ax, ay = points[..., 0, 0], points[..., 0, 1]
    bx, by = points[..., 1, 0] - ax, points[..., 1, 1] - ay
    cx, cy = points[..., 2, 0] - ax, points[..., 2, 1] - ay
    dx, dy = x - ax, y - ay
    second, third = dx * cy - dy * cx, bx * dy - by * dx
    return torch.stack([bx * cy - by * cx - second - third, second, third], -1)


def _nearest_faces(
    vertices: Tensor, faces: Tensor, size: tuple[int, int], cull_back: bool
) -> Tensor:
    """One picture's face ids (H, W): every triangle's box of pixels is listed and tested."""
    width, height = size
    points = vertices[faces]  # (F, 3, 3)
    edge1, edge2 = points[:, 1, :2] - points[:, 0, :2], points[:, 2, :2] - points[:, 0, :2]
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    kept = (area < 0 if cull_back else area != 0) & (points[..., 2].amin(1) >= _NEAREST)
    limit = torch.tensor([width, height], device=vertices.device)
    low = (points[..., :2].amin(1) - 0.5).ceil().long().clamp_min(0)
    high = torch.minimum((points[..., :2].amax(1) - 0.5).floor().long(), limit - 1)
    extent = (high - low + 1).clamp_min(0) * kept[:, None]
    count = extent.prod(1)
    face = torch.repeat_interleave(torch.arange(len(faces), device=vertices.device), count)
    within = torch.arange(len(face), device=vertices.device) - (count.cumsum(0) - count)[face]
    column = low[face, 0] + within % extent[face, 0].clamp_min(1)
    row = low[face, 1] + within // extent[face, 0].clamp_min(1)
    share = _areas(points[face][..., :2], column + 0.5, row + 0.5) / area[face][:, None]
    near = (share / points[face][..., 2]).sum(1)
    inside = (share >= 0).all(1)
    pixel, near, face = (row * width + column)[inside], near[inside], face[inside]
    best = torch.zeros(width * height, dtype=vertices.dtype, device=vertices.device)
    best.scatter_reduce_(0, pixel, near, "amax")
    first = near == best[pixel]
    out = torch.full((width * height,), len(faces), device=vertices.device)
    out.scatter_reduce_(0, pixel[first], face[first], "amin")
    return torch.where(out == len(faces), -1, out).view(height, width)


def rasterize_pytorch3d(
    vertices: Tensor, faces: Tensor, size: tuple[int, int], cull_back: bool = False
) -> tuple[Tensor, Tensor]:
    """The same by PyTorch3D's hard rasteriser; the weights are ours (equal, float64)."""
    from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes  # type: ignore
    from pytorch3d.structures import Meshes  # type: ignore

    width, height = size
    half = min(size) / 2  # PyTorch3D's screen: x left, y up, the shorter side from -1 to 1
    screen = vertices.float().clone()
    screen[..., 0] = (width / 2 - screen[..., 0]) / half
    screen[..., 1] = (height / 2 - screen[..., 1]) / half
    meshes = Meshes(list(screen), [faces] * len(screen))
    packed, *_ = rasterize_meshes(
        meshes, image_size=(height, width), blur_radius=0.0, faces_per_pixel=1,
        perspective_correct=True, cull_backfaces=cull_back,
    )  # fmt: skip
    offset = torch.arange(len(screen), device=packed.device).view(-1, 1, 1) * len(faces)
    face_id = torch.where(packed[..., 0] < 0, -1, packed[..., 0] - offset)
    return face_id, barycentric_weights(vertices, faces, face_id)
