"""Kernels that turn lit vertices into a small picture: shaded at 2 x 2 samples, then averaged."""

import math
from typing import NamedTuple

import numba
import numpy as np


class Surface(NamedTuple):
    """The head's topology, as the kernels take it."""

    faces: np.ndarray  # (F, 3) int32
    uv_faces: np.ndarray  # (F, 3) int32 into the uv
    uv: np.ndarray  # (U, 2)
    region: np.ndarray  # (F,) uint8


class Strands(NamedTuple):
    """A curtain of hair, as the kernels take it."""

    faces: np.ndarray  # (m, 3) int32, both sides seen
    across: np.ndarray  # (n, 2) across and along the strands, 0 to 1
    fine: np.float32  # strands per noise map
    fray: np.float32  # share of the length that frays
    tint: np.ndarray  # (3,) reflectance


@numba.njit(cache=True, fastmath=True, nogil=True)
def surface_normals(vertices, faces):
    """Area-weighted unit normals, (V, 3) float32."""
    out = np.zeros((len(vertices), 3), np.float32)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        ux, uy, uz = vertices[b, 0] - ax, vertices[b, 1] - ay, vertices[b, 2] - az
        vx, vy, vz = vertices[c, 0] - ax, vertices[c, 1] - ay, vertices[c, 2] - az
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in range(3):
            v = faces[f, corner]
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(len(out)):
        scale = 1 / math.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2 + 1e-24)
        for k in range(3):
            out[v, k] *= scale
    return out


@numba.njit(cache=True, fastmath=True, nogil=True)
def fill_samples(screen, faces, height, width):
    """Face ids (H, W) int32 and 1 / depth (H, W) of the nearest front-facing triangles.

    As `engine.render.visible_faces`, in single precision and with culling always on.
    """
    face_id = np.full((height, width), -1, np.int32)
    nearness = np.zeros((height, width), np.float32)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay = screen[a, 0], screen[a, 1]
        bx, by, cx, cy = screen[b, 0] - ax, screen[b, 1] - ay, screen[c, 0] - ax, screen[c, 1] - ay
        area = bx * cy - by * cx
        if area >= -1e-9:
            continue
        left = max(0, math.ceil(ax + min(np.float32(0), bx, cx) - 0.5))
        right = min(width - 1, math.floor(ax + max(np.float32(0), bx, cx) - 0.5))
        top = max(0, math.ceil(ay + min(np.float32(0), by, cy) - 0.5))
        bottom = min(height - 1, math.floor(ay + max(np.float32(0), by, cy) - 0.5))
        if left > right or top > bottom:
            continue
        inverse = np.float32(1) / area
        near = np.float32(1) / screen[a, 2]
        step1 = np.float32(1) / screen[b, 2] - near
        step2 = np.float32(1) / screen[c, 2] - near
        for row in range(top, bottom + 1):
            dy = np.float32(row) + np.float32(0.5) - ay
            for column in range(left, right + 1):
                dx = np.float32(column) + np.float32(0.5) - ax
                w1, w2 = (dx * cy - dy * cx) * inverse, (bx * dy - by * dx) * inverse
                if w1 >= 0 and w2 >= 0 and w1 + w2 <= 1:
                    value = near + w1 * step1 + w2 * step2
                    if value > nearness[row, column]:
                        nearness[row, column] = value
                        face_id[row, column] = f
    return face_id, nearness


@numba.njit(cache=True, fastmath=True, nogil=True)
def develop(face_id, screen, surface, texture, light, noise, grain):
    """Colour times coverage (H, W, 3), coverage (H, W) and region (H, W) of the head.

    Args:
        face_id: (2 H, 2 W) from `fill_samples`; `screen` (V, 3) in those samples' pixels.
        texture: (n, n, 3) linear reflectance.
        surface: a Surface; a pixel gets the region of its first covered sample.
        light: (V, 6) diffuse light and mirrored light.
        noise: (s, s) float32, s a power of two; `grain` its strength.
    """
    faces, uv_faces, uv, region = surface.faces, surface.uv_faces, surface.uv, surface.region
    height, width = face_id.shape[0] // 2, face_id.shape[1] // 2
    colour = np.zeros((height, width, 3), np.float32)
    coverage = np.zeros((height, width), np.float32)
    regions = np.zeros((height, width), np.uint8)
    side, last = np.float32(len(texture)), len(texture) - 1
    mask, repeat = len(noise) - 1, np.float32(len(noise) * 3)
    quarter = np.float32(0.25)
    for row in range(2 * height):
        for column in range(2 * width):
            f = face_id[row, column]
            if f < 0:
                continue
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            ax, ay = screen[a, 0], screen[a, 1]
            bx, by = screen[b, 0] - ax, screen[b, 1] - ay
            cx, cy = screen[c, 0] - ax, screen[c, 1] - ay
            dx = np.float32(column) + np.float32(0.5) - ax
            dy = np.float32(row) + np.float32(0.5) - ay
            inverse = np.float32(1) / (bx * cy - by * cx)
            w1, w2 = (dx * cy - dy * cx) * inverse, (bx * dy - by * dx) * inverse
            w0 = np.float32(1) - w1 - w2
            i, j, k = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
            u = w0 * uv[i, 0] + w1 * uv[j, 0] + w2 * uv[k, 0]
            v = np.float32(1) - (w0 * uv[i, 1] + w1 * uv[j, 1] + w2 * uv[k, 1])
            x, y = u * side - np.float32(0.5), v * side - np.float32(0.5)
            x0, y0 = max(int(x), 0), max(int(y), 0)
            x1, y1 = min(x0 + 1, last), min(y0 + 1, last)
            right, down = x - np.float32(x0), y - np.float32(y0)
            speckle = np.float32(1) + grain * noise[int(v * repeat) & mask, int(u * repeat) & mask]
            y_out, x_out = row >> 1, column >> 1
            for k in range(3):
                upper = texture[y0, x0, k] + (texture[y0, x1, k] - texture[y0, x0, k]) * right
                lower = texture[y1, x0, k] + (texture[y1, x1, k] - texture[y1, x0, k]) * right
                albedo = (upper + (lower - upper) * down) * speckle
                lit = w0 * light[a, k] + w1 * light[b, k] + w2 * light[c, k]
                mirror = w0 * light[a, 3 + k] + w1 * light[b, 3 + k] + w2 * light[c, 3 + k]
                colour[y_out, x_out, k] += quarter * (albedo * lit + mirror)
            coverage[y_out, x_out] += quarter
            if regions[y_out, x_out] == 0:
                regions[y_out, x_out] = region[f]
    return colour, coverage, regions


@numba.njit(cache=True, fastmath=True, nogil=True)
def hang_strands(screen, hair, light, nearness, noise):
    """A curtain of hair before and behind the head: colour times coverage, and coverage.

    Args:
        screen: (n, 3) grid points in samples' pixels and depth.
        hair: a Strands.
        light: (n, 3) on the strands.
        nearness: (2 H, 2 W) of the head; taken over by nearer strands.
        noise: (s, s).
    """
    faces, across, tint = hair.faces, hair.across, hair.tint
    strands, fray = hair.fine, hair.fray
    rows, columns = nearness.shape
    colour = np.zeros((rows // 2, columns // 2, 3), np.float32)
    coverage = np.zeros((rows // 2, columns // 2), np.float32)
    picture = np.zeros((rows, columns, 3), np.float32)
    taken = np.zeros((rows, columns), np.uint8)
    mask, side = len(noise) - 1, np.float32(len(noise))
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay = screen[a, 0], screen[a, 1]
        bx, by, cx, cy = screen[b, 0] - ax, screen[b, 1] - ay, screen[c, 0] - ax, screen[c, 1] - ay
        area = bx * cy - by * cx
        if abs(area) < 1e-6:
            continue
        inverse = np.float32(1) / area
        left = max(0, math.ceil(ax + min(np.float32(0), bx, cx) - 0.5))
        right = min(columns - 1, math.floor(ax + max(np.float32(0), bx, cx) - 0.5))
        top = max(0, math.ceil(ay + min(np.float32(0), by, cy) - 0.5))
        bottom = min(rows - 1, math.floor(ay + max(np.float32(0), by, cy) - 0.5))
        for row in range(top, bottom + 1):
            dy = np.float32(row) + np.float32(0.5) - ay
            for column in range(left, right + 1):
                dx = np.float32(column) + np.float32(0.5) - ax
                w1, w2 = (dx * cy - dy * cx) * inverse, (bx * dy - by * dx) * inverse
                w0 = np.float32(1) - w1 - w2
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                near = 1 / (w0 * screen[a, 2] + w1 * screen[b, 2] + w2 * screen[c, 2])
                if near <= nearness[row, column]:
                    continue
                u = w0 * across[a, 0] + w1 * across[b, 0] + w2 * across[c, 0]
                v = w0 * across[a, 1] + w1 * across[b, 1] + w2 * across[c, 1]
                fine = noise[
                    int(v * side * np.float32(0.06)) & mask, int(u * side * strands) & mask
                ]
                loose = noise[int(v * side * np.float32(0.02)) & mask, int(u * side) & mask]
                edge = (v - (1 - fray)) / fray
                if edge > 0 and np.float32(0.25) * (fine + loose) + np.float32(0.5) < edge:
                    continue
                nearness[row, column] = near
                taken[row, column] = 1
                shade = max(np.float32(0.15), 1 + np.float32(0.3) * fine + np.float32(0.2) * loose)
                shade *= np.float32(0.7) + np.float32(0.3) * v
                for k in range(3):
                    lit = w0 * light[a, k] + w1 * light[b, k] + w2 * light[c, k]
                    picture[row, column, k] = tint[k] * lit * shade
    quarter = np.float32(0.25)
    for row in range(rows):
        for column in range(columns):
            if taken[row, column]:
                coverage[row >> 1, column >> 1] += quarter
                for k in range(3):
                    colour[row >> 1, column >> 1, k] += quarter * picture[row, column, k]
    return colour, coverage


@numba.njit(cache=True, fastmath=True, nogil=True)
def draw_capsules(capsules, height, width):
    """Round limbs: coverage (H, W), normals (H, W, 3) and which limb (H, W) int8, -1 none.

    `capsules` (n, 7): x0, y0, r0, x1, y1, r1 in pixels, and how far forward (pixels) it lies. The
    edge is one pixel soft.
    """
    coverage = np.zeros((height, width), np.float32)
    normals = np.zeros((height, width, 3), np.float32)
    owner = np.full((height, width), -1, np.int8)
    front = np.full((height, width), np.float32(-1e9))
    for n in range(len(capsules)):
        x0, y0, r0, x1, y1, r1, lift = capsules[n]
        reach = max(r0, r1) + 1
        left, right = max(0, int(min(x0, x1) - reach)), min(width - 1, int(max(x0, x1) + reach))
        top, bottom = max(0, int(min(y0, y1) - reach)), min(height - 1, int(max(y0, y1) + reach))
        dx, dy = x1 - x0, y1 - y0
        length = max(dx * dx + dy * dy, np.float32(1e-6))
        for row in range(top, bottom + 1):
            py = np.float32(row) + np.float32(0.5) - y0
            for column in range(left, right + 1):
                px = np.float32(column) + np.float32(0.5) - x0
                t = min(max((px * dx + py * dy) / length, np.float32(0)), np.float32(1))
                ox, oy = px - t * dx, py - t * dy
                radius = r0 + t * (r1 - r0)
                away = math.sqrt(ox * ox + oy * oy)
                share = min(radius - away + np.float32(0.5), np.float32(1))
                if share <= 0:
                    continue
                inside = min(away / radius, np.float32(0.98))
                height_here = radius * math.sqrt(1 - inside * inside) + lift
                if height_here > front[row, column]:
                    front[row, column] = height_here
                    owner[row, column] = n
                    scale = inside / max(away, np.float32(1e-6))
                    normals[row, column, 0] = ox * scale
                    normals[row, column, 1] = -oy * scale
                    normals[row, column, 2] = math.sqrt(1 - inside * inside)
                coverage[row, column] = max(coverage[row, column], share)
    return coverage, normals, owner
