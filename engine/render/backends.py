"""One interface for every rasteriser: B pictures of one mesh's topology at once.

`numba` (default), `torch` (the reference: any device, gradients), `cuda` (numba's, thousands of
pictures a second on a GPU) and `pytorch3d` where the user has installed it.
"""

import importlib.util
from typing import Literal

import numpy as np

from ..exchange.protocol import AVFaceError
from .numba_buffer import rasterize

Backend = Literal["numba", "torch", "cuda", "pytorch3d"]


def available_backends() -> tuple[Backend, ...]:
    """Those that work here; numba always does."""
    found: list[Backend] = ["numba"]
    if importlib.util.find_spec("torch"):
        found.append("torch")
    from .cuda_buffer import is_available

    if is_available():
        found.append("cuda")
    if importlib.util.find_spec("pytorch3d"):
        found.append("pytorch3d")
    return tuple(found)


def rasterize_batch(
    vertices: np.ndarray,
    faces: np.ndarray,
    size: tuple[int, int],
    cull_back: bool = False,
    backend: Backend = "numba",
) -> tuple[np.ndarray, np.ndarray]:
    """What each pixel of B pictures of `size` (width, height) sees.

    Args:
        vertices: (B, V, 3) pixel x, pixel y, depth.
        faces: (F, 3), counter-clockwise seen from outside.
        size: width, height in pixels.
        cull_back: leave out triangles seen from their back.
        backend: who draws. Raises AVFaceError when it isn't here.

    Returns:
        Face ids (B, H, W) int32, -1 where there is nothing, and perspective-correct barycentric
        weights (B, H, W, 3) float32.
    """
    if backend not in available_backends():
        raise AVFaceError(
            f"The rasteriser {backend} does not work on this machine.",
            f"Choose one of {', '.join(available_backends())}.",
        )
    if backend == "numba":
        drawn = [rasterize(v, faces, size, cull_back) for v in vertices]
        return np.stack([ids for ids, _ in drawn]), np.stack([weights for _, weights in drawn])
    if backend == "cuda":
        from .cuda_buffer import rasterize_cuda

        return rasterize_cuda(vertices, faces, size, cull_back)
    import torch

    from . import torch_buffer

    draw = torch_buffer.rasterize_torch
    if backend == "pytorch3d":
        draw = torch_buffer.rasterize_pytorch3d
    with torch.no_grad():
        ids, weights = draw(
            torch.as_tensor(np.asarray(vertices, np.float64)),
            torch.as_tensor(np.asarray(faces, np.int64)), size, cull_back,
        )  # fmt: skip
    return ids.numpy().astype(np.int32), weights.numpy().astype(np.float32)
