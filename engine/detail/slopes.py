"""Slopes of a relief over the coarse surface, and what they do to its shading.

The normal of the surface raised by a height D (mm) follows from D's differences between texels;
log S of that normal and its derivatives are the kernels of `relief`'s solver.
"""

import numba
import numpy as np

from .unwrap import Surface

_STEEPEST = 2.0  # slope of the relief, mm per mm
_STEP_MM = 4.0  # longest step of the surface a mm: steeper ones lie edge-on
_DARKEST = 0.2  # of the light without direction: no slope is read where the shading is less


def surface_steps(surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Where a height's texel differences (du, dv) point: its slope is U du + V dv.

    Returns U and V, (R, R, 3) texels per mm: the dual basis of the surface's texel steps.
    """
    return _dual(surface.along_u, surface.along_v)


def bounded_steps(surface: Surface, texel_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """The same where the surface isn't seen edge-on, float32, as the kernels take them."""
    limit = _STEP_MM / texel_mm
    step_u, step_v = (
        np.ascontiguousarray(np.clip(step, -limit, limit), np.float32)
        for step in surface_steps(surface)
    )
    return step_u, step_v


def shading_by_slope(surface: Surface, light: np.ndarray, texel_mm: float) -> np.ndarray:
    """How log S of the coarse surface changes with a relief's slope: (2, R, R) along u and v.

    Per mm of height in a mm of the sheet; 0 where the light doesn't reach.
    """
    step_u, step_v = bounded_steps(surface, texel_mm)
    normal, light = np.ascontiguousarray(surface.normal, np.float32), light.astype(np.float32)
    zero = np.zeros(normal.shape[:2], np.float32)
    _, by_u, by_v = linearise(normal, step_u, step_v, zero, zero, light, _dimmest(light))
    return np.stack([by_u, by_v]) * np.float32(texel_mm)


def shading_change(
    relief: np.ndarray, surface: Surface, light: np.ndarray, texel_mm: float
) -> np.ndarray:
    """(R, R): how far the slopes of a relief (R, R) mm change log S of the coarse surface."""
    step_u, step_v = bounded_steps(surface, texel_mm)
    normal, light = np.ascontiguousarray(surface.normal, np.float32), light.astype(np.float32)
    zero, dimmest = np.zeros(normal.shape[:2], np.float32), _dimmest(light)
    du, dv = differences(relief.astype(np.float32))
    raised, _, _ = linearise(normal, step_u, step_v, du, dv, light, dimmest)
    flat, _, _ = linearise(normal, step_u, step_v, zero, zero, light, dimmest)
    return raised - flat


def differences(height: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences per texel along u (right) and v (up); 0 at the border."""
    du, dv = np.zeros_like(height), np.zeros_like(height)
    du[:, 1:-1] = (height[:, 2:] - height[:, :-2]) / 2
    dv[1:-1] = (height[:-2] - height[2:]) / 2
    return du, dv


def _dimmest(light: np.ndarray) -> np.float32:
    return np.float32(_DARKEST * max(light[0], 1e-4))


@numba.njit(cache=True, fastmath=True)
def _dual(along_u, along_v):
    rows, columns = along_u.shape[:2]
    dual_u = np.zeros((rows, columns, 3), np.float32)
    dual_v = np.zeros((rows, columns, 3), np.float32)
    for i in range(rows):
        for j in range(columns):
            u0, u1, u2 = along_u[i, j, 0], along_u[i, j, 1], along_u[i, j, 2]
            v0, v1, v2 = along_v[i, j, 0], along_v[i, j, 1], along_v[i, j, 2]
            uu, vv = u0 * u0 + u1 * u1 + u2 * u2, v0 * v0 + v1 * v1 + v2 * v2
            uv = u0 * v0 + u1 * v1 + u2 * v2
            inverse = 1 / max(uu * vv - uv * uv, np.float32(1e-6))
            uu, vv, uv = uu * inverse, vv * inverse, uv * inverse
            dual_u[i, j, 0], dual_v[i, j, 0] = u0 * vv - v0 * uv, v0 * uu - u0 * uv
            dual_u[i, j, 1], dual_v[i, j, 1] = u1 * vv - v1 * uv, v1 * uu - u1 * uv
            dual_u[i, j, 2], dual_v[i, j, 2] = u2 * vv - v2 * uv, v2 * uu - u2 * uv
    return dual_u, dual_v


@numba.njit(cache=True, fastmath=True)
def linearise(normal, step_u, step_v, du, dv, light, floor):
    """log S of the raised surface's normals, and its derivatives by du and dv."""
    rows, columns = du.shape
    shading = np.empty((rows, columns), np.float32)
    by_u = np.zeros((rows, columns), np.float32)
    by_v = np.zeros((rows, columns), np.float32)
    for i in range(rows):
        for j in range(columns):
            u, v = du[i, j], dv[i, j]
            x = step_u[i, j, 0] * u + step_v[i, j, 0] * v
            y = step_u[i, j, 1] * u + step_v[i, j, 1] * v
            z = step_u[i, j, 2] * u + step_v[i, j, 2] * v
            slope = np.sqrt(x * x + y * y + z * z)
            steep = min(np.float32(1), np.float32(_STEEPEST) / max(slope, np.float32(1e-6)))
            x = normal[i, j, 0] - steep * x
            y = normal[i, j, 1] - steep * y
            z = normal[i, j, 2] - steep * z
            length = max(np.sqrt(x * x + y * y + z * z), np.float32(1e-6))
            x, y, z = x / length, y / length, z / length
            s = (
                light[0] + light[1] * x + light[2] * y + light[3] * z + light[4] * x * y
                + light[5] * x * z + light[6] * y * z + light[7] * (x * x - y * y)
                + light[8] * (3 * z * z - 1)
            )  # fmt: skip
            shading[i, j] = np.log(max(s, floor))
            if s <= floor:
                continue
            gx = light[1] + light[4] * y + light[5] * z + 2 * light[7] * x
            gy = light[2] + light[4] * x + light[6] * z - 2 * light[7] * y
            gz = light[3] + light[5] * x + light[6] * y + 6 * light[8] * z
            along = gx * x + gy * y + gz * z
            gx, gy, gz = gx - along * x, gy - along * y, gz - along * z
            scale = -steep / (s * length)
            by_u[i, j] = scale * (
                gx * step_u[i, j, 0] + gy * step_u[i, j, 1] + gz * step_u[i, j, 2]
            )
            by_v[i, j] = scale * (
                gx * step_v[i, j, 0] + gy * step_v[i, j, 1] + gz * step_v[i, j, 2]
            )
    return shading, by_u, by_v


@numba.njit(cache=True, fastmath=True)
def slopes(height, by_u, by_v, added):
    """by_u * d height/du + by_v * d height/dv + added."""
    rows, columns = height.shape
    out = added.copy()
    half = np.float32(0.5)
    for i in range(rows):
        for j in range(columns):
            if 0 < j < columns - 1:
                out[i, j] += by_u[i, j] * half * (height[i, j + 1] - height[i, j - 1])
            if 0 < i < rows - 1:
                out[i, j] += by_v[i, j] * half * (height[i - 1, j] - height[i + 1, j])
    return out


@numba.njit(cache=True, fastmath=True)
def slopes_adjoint(misfit, by_u, by_v, added):
    """The transpose of `slopes` in `height`, plus `added`."""
    rows, columns = misfit.shape
    out = added.copy()
    half = np.float32(0.5)
    for i in range(rows):
        for j in range(columns):
            if 0 < j < columns - 1:
                push = half * by_u[i, j] * misfit[i, j]
                out[i, j + 1] += push
                out[i, j - 1] -= push
            if 0 < i < rows - 1:
                push = half * by_v[i, j] * misfit[i, j]
                out[i - 1, j] += push
                out[i + 1, j] -= push
    return out
