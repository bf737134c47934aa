"""Slopes of a relief over the coarse surface, and what they do to its shading.

The normal of the surface raised by a height D (mm) follows from D's differences between texels;
log S of that normal and its derivatives are the kernels of `relief`'s solver.
"""

import numba
import numpy as np

from .face_sheet import Surface

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


def linearise(
    normal: np.ndarray,
    step_u: np.ndarray,
    step_v: np.ndarray,
    du: np.ndarray,
    dv: np.ndarray,
    light: np.ndarray,
    floor: np.float32,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log S of the raised surface's normals, and its derivatives by du and dv."""
    shading, by_u, by_v = _linearise(normal, step_u, step_v, du, dv, light, floor)
    return np.log(shading, out=shading), by_u, by_v  # numpy's takes many at once


@numba.njit(cache=True, fastmath=True)
def _linearise(normal, step_u, step_v, du, dv, light, floor):
    """S, `floor` at least, and the derivatives of log S; no branch, that many go at once."""
    rows, columns = du.shape
    shading = np.empty((rows, columns), np.float32)
    by_u = np.empty((rows, columns), np.float32)
    by_v = np.empty((rows, columns), np.float32)
    one, tiny, zero = np.float32(1), np.float32(1e-6), np.float32(0)
    steepest, two, three, six = np.float32(_STEEPEST), np.float32(2), np.float32(3), np.float32(6)
    l0, l1, l2, l3, l4 = light[0], light[1], light[2], light[3], light[4]
    l5, l6, l7, l8 = light[5], light[6], light[7], light[8]
    for i in range(rows):
        for j in range(columns):
            u, v = du[i, j], dv[i, j]
            u0, u1, u2 = step_u[i, j, 0], step_u[i, j, 1], step_u[i, j, 2]
            v0, v1, v2 = step_v[i, j, 0], step_v[i, j, 1], step_v[i, j, 2]
            x, y, z = u0 * u + v0 * v, u1 * u + v1 * v, u2 * u + v2 * v
            steep = min(one, steepest / max(np.sqrt(x * x + y * y + z * z), tiny))
            x = normal[i, j, 0] - steep * x
            y = normal[i, j, 1] - steep * y
            z = normal[i, j, 2] - steep * z
            over = one / max(np.sqrt(x * x + y * y + z * z), tiny)
            x, y, z = x * over, y * over, z * over
            s = (
                l0 + l1 * x + l2 * y + l3 * z + l4 * x * y + l5 * x * z + l6 * y * z
                + l7 * (x * x - y * y) + l8 * (three * z * z - one)
            )  # fmt: skip
            lit = max(s, floor)
            shading[i, j] = lit
            gx = l1 + l4 * y + l5 * z + two * l7 * x
            gy = l2 + l4 * x + l6 * z - two * l7 * y
            gz = l3 + l5 * x + l6 * y + six * l8 * z
            along = gx * x + gy * y + gz * z
            gx, gy, gz = gx - along * x, gy - along * y, gz - along * z
            scale = -steep * over / lit if s > floor else zero
            by_u[i, j] = scale * (gx * u0 + gy * u1 + gz * u2)
            by_v[i, j] = scale * (gx * v0 + gy * v1 + gz * v2)
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
