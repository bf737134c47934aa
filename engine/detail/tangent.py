"""Tangent frames as MikkTSpace makes them, and relief as a tangent-space normal map.

Blender, and most engines, read a normal map in the frame of MikkTSpace (Mikkelsen 2008): tangents
along u, averaged over a vertex's corners by angle, bitangent = sign * cross(normal, tangent).
Colours: OpenGL, +X red (along u), +Y green (along v, upwards), +Z blue.
"""

from dataclasses import dataclass

import numba
import numpy as np

from ..exchange.head_file import HeadFile
from ..render import interpolate
from .face_sheet import FaceSheet, Surface
from .slopes import differences, surface_steps


@dataclass(frozen=True)
class TangentFrames:
    """Smooth-shaded frames of a posed mesh."""

    normals: np.ndarray  # (V, 3) unit
    tangents: np.ndarray  # (U, 3) unit, per UV vertex
    signs: np.ndarray  # (U,) 1, or -1 where the UVs are mirrored


def tangent_frames(vertices: np.ndarray, file: HeadFile) -> TangentFrames:
    """Normals and tangents as Blender has them for the head's quads and triangles."""
    normals = corner_normals(vertices, file.faces, file.quad_count)
    faces, uv_faces = _split_as_mikktspace(file)
    corner, uv = vertices[faces], file.uv[uv_faces].astype(np.float64)  # (F, 3, 3), (F, 3, 2)
    edge, uv_edge = corner[:, 1:] - corner[:, :1], uv[:, 1:] - uv[:, :1]
    area = uv_edge[:, 0, 0] * uv_edge[:, 1, 1] - uv_edge[:, 0, 1] * uv_edge[:, 1, 0]
    along_u = uv_edge[:, 1, 1:] * edge[:, 0] - uv_edge[:, 0, 1:] * edge[:, 1]  # (F, 3)
    along_u *= np.sign(area)[:, None]

    tangents = np.zeros((len(file.uv), 3))
    mirrored = np.zeros(len(file.uv))
    for k in range(3):
        normal = normals[faces[:, k]]
        here = _unit(_flatten(along_u, normal))
        before = _unit(_flatten(corner[:, k - 1] - corner[:, k], normal))
        after = _unit(_flatten(corner[:, (k + 1) % 3] - corner[:, k], normal))
        angle = np.arccos(np.clip((before * after).sum(1), -1, 1))
        angle[area == 0] = 0
        _add(tangents, uv_faces[:, k], here * angle[:, None])
        mirrored += np.bincount(uv_faces[:, k], angle * np.sign(area), len(mirrored))
    return TangentFrames(normals, _unit(tangents), np.where(mirrored < 0, -1.0, 1.0))


def corner_normals(vertices: np.ndarray, faces: np.ndarray, quad_count: int) -> np.ndarray:
    """(V, 3) unit normals: the polygons' normals averaged by the angle of their corners."""
    first, second = faces[: 2 * quad_count : 2], faces[1 : 2 * quad_count : 2]
    quads = np.column_stack([first, second[:, 2]])  # (a, b, c), (a, c, d) -> a, b, c, d
    normals = np.zeros_like(vertices, np.float64)
    for polygons in (quads, faces[2 * quad_count :]):
        sides = polygons.shape[1]
        corner = vertices[polygons].astype(np.float64)  # (P, sides, 3)
        if sides == 4:
            normal = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
        else:
            normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        normal = _unit(normal)
        for k in range(sides):
            before = _unit(corner[:, k - 1] - corner[:, k])
            after = _unit(corner[:, (k + 1) % sides] - corner[:, k])
            angle = np.arccos(np.clip((before * after).sum(1), -1, 1))
            _add(normals, polygons[:, k], normal * angle[:, None])
    return _unit(normals)


def relief_normals(
    relief: np.ndarray, sheet: FaceSheet, surface: Surface, frames: TangentFrames, file: HeadFile
) -> np.ndarray:
    """Tangent-space unit normals (R, R, 3) of a relief in mm over a posed head.

    Args:
        relief: (R, R) mm, outwards.
        sheet: the face's window.
        surface: the posed surface (of the same axes as `frames`).
        frames: of the posed mesh.
        file: the head, for the UV vertices of the sheet's triangles.
    """
    du, dv = differences(relief.astype(np.float32))
    slope_u, slope_v = surface_steps(surface)
    slope = slope_u * du[..., None] + slope_v * dv[..., None]
    normal = interpolate(frames.normals, sheet.faces, sheet.face_id, sheet.barycentric)
    tangent = interpolate(
        np.column_stack([frames.tangents, frames.signs]),
        sheet.uv_faces, sheet.face_id, sheet.barycentric,
    )  # fmt: skip
    return _in_frames(slope.astype(np.float32), normal, tangent)


@numba.njit(cache=True)
def _in_frames(slope, normal, tangent):
    """(normal - slope) expressed in (tangent, sign * normal x tangent, normal), unit length."""
    rows, columns = slope.shape[:2]
    out = np.zeros((rows, columns, 3), np.float32)
    out[..., 2] = 1
    for i in range(rows):
        for j in range(columns):
            n, t = normal[i, j], tangent[i, j]
            length = np.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2)
            if length < 0.1:
                continue
            n = n / length
            b0 = t[3] * (n[1] * t[2] - n[2] * t[1])
            b1 = t[3] * (n[2] * t[0] - n[0] * t[2])
            b2 = t[3] * (n[0] * t[1] - n[1] * t[0])
            bb = b0 * b0 + b1 * b1 + b2 * b2
            if bb < 0.01:
                continue
            r0, r1, r2 = n[0] - slope[i, j, 0], n[1] - slope[i, j, 1], n[2] - slope[i, j, 2]
            # the interpolated tangent needn't be perpendicular to the normal: solve for both
            nt = n[0] * t[0] + n[1] * t[1] + n[2] * t[2]
            tt = t[0] ** 2 + t[1] ** 2 + t[2] ** 2
            rt = r0 * t[0] + r1 * t[1] + r2 * t[2]
            rn = r0 * n[0] + r1 * n[1] + r2 * n[2]
            x = (rt - nt * rn) / (tt - nt * nt)
            z = rn - nt * x
            y = (r0 * b0 + r1 * b1 + r2 * b2) / bb
            length = np.sqrt(x * x + y * y + z * z)
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = x / length, y / length, z / length
    return out


def _split_as_mikktspace(file: HeadFile) -> tuple[np.ndarray, np.ndarray]:
    """Triangles (F, 3) and their UVs, each quad cut along its diagonal that is shorter in UV."""
    count = 2 * file.quad_count
    out = []
    first, second = file.uv_faces[:count:2], file.uv_faces[1:count:2]
    uv = file.uv[np.column_stack([first, second[:, 2]])]  # (Q, 4, 2)
    other = ((uv[:, 0] - uv[:, 2]) ** 2).sum(1) > ((uv[:, 1] - uv[:, 3]) ** 2).sum(1)
    for table in (file.faces, file.uv_faces):
        quads = np.column_stack([table[:count:2], table[1:count:2, 2]])  # a, b, c, d
        halves = table[:count].reshape(-1, 2, 3).copy()
        halves[other, 0] = quads[other][:, [0, 1, 3]]
        halves[other, 1] = quads[other][:, [1, 2, 3]]
        out.append(np.concatenate([halves.reshape(-1, 3), table[count:]]))
    return out[0], out[1]


def _flatten(vectors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    return vectors - normals * (vectors * normals).sum(1, keepdims=True)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-20)


def _add(out: np.ndarray, index: np.ndarray, values: np.ndarray) -> None:
    for axis in range(3):
        out[:, axis] += np.bincount(index, values[:, axis], len(out))
