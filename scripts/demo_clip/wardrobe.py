"""Hair and a jumper for the demo clip's person: without them a head is a shop-window dummy."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from engine.exchange.head_file import HeadFile
from engine.geometry import vertex_normals
from engine.render import interpolate, rasterize

_HAIR_COLOURS = np.array([[38, 25, 18], [92, 62, 40]])  # sRGB: between the strands, on them
_HAIR_M = 0.016  # how far the hair stands off the skull
_WOOL = np.array([52, 84, 92])  # sRGB
_RINGS, _SPOKES = 26, 72  # of the jumper
_NECK_WIDTH_M, _NECK_DEPTH_M = 0.055, 0.044  # half of the neck that the numbers below fit


@dataclass(frozen=True)
class Garment:
    """A mesh with its own colours, in the axes of a head at rest."""

    vertices: np.ndarray  # (V, 3) m
    faces: np.ndarray  # (F, 3)
    uv: np.ndarray  # (V, 2)
    texture: np.ndarray  # (h, w, 3) uint8 sRGB


def hair_cover(points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """How much hair grows at points (N, 3) of a head at rest: 0 to 1, ragged at its line."""
    x, y, z = points.T
    line = np.where(z > 0.0, 0.028 + 0.72 * z + 6.0 * np.maximum(np.abs(x) - 0.035, 0) * z, 0)
    nape = -0.055 + 0.5 * np.maximum(z + 0.06, 0) * 2.2
    line = np.where(z > 0.0, np.minimum(line, 0.088 - 0.25 * x**2 / 0.05**2 * 0.05), nape)
    ragged = generator.normal(0, 0.003, len(points)) + 0.004 * np.sin(110 * x + 2) * np.sin(53 * x)
    return np.clip((y - line + ragged) / 0.007, 0, 1)


def grow_hair(
    file: HeadFile, texture: np.ndarray, generator: np.random.Generator
) -> tuple[HeadFile, np.ndarray, np.ndarray]:
    """The head with hair on its skull, its texture, and how much grows where (V,)."""
    still = np.random.default_rng(0)
    smooth = hair_cover(file.template, still) * ~(file.masks["ears"] | file.masks["mouth_inside"])
    smooth *= file.masks["skin"]
    for _ in range(4):  # thin towards its line
        smooth = np.minimum(smooth, _neighbour_mean(file.faces, smooth))
    normals = vertex_normals(file.template, file.faces)
    x, y, z = file.template.T
    crown = np.clip((y - 0.03) / 0.07, 0, 1)  # short at the sides
    locks = 1 + 0.22 * np.sin(90 * x + 25 * z) * np.sin(70 * z + 1)
    lift = (_HAIR_M * smooth * (0.3 + 0.7 * crown) * locks)[:, None] * normals
    lift[:, 1] += 0.006 * smooth * crown
    grown = replace(file, template=(file.template + lift).astype(np.float32))
    return grown, _paint(file, texture, generator), smooth


def _neighbour_mean(faces: np.ndarray, values: np.ndarray) -> np.ndarray:
    total, count = np.zeros(len(values)), np.full(len(values), 1e-9)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        for i, j in ((a, b), (b, a)):
            total += np.bincount(faces[:, i], values[faces[:, j]], len(values))
            count += np.bincount(faces[:, i], minlength=len(values))
    return total / count


def _paint(file: HeadFile, texture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    size = len(texture)
    face_id, weights = rasterize(file.on_sheet(size), file.uv_faces, (size, size))
    grows = (file.masks["skin"] & ~file.masks["ears"]).astype(np.float32)
    carried = interpolate(np.column_stack([file.template, grows]), file.faces, face_id, weights)
    place = carried[..., :3].reshape(-1, 3)
    cover = hair_cover(place, generator).reshape(size, size)
    cover *= (carried[..., 3] > 0.9) & (face_id >= 0)
    cover = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), 0.8)[..., None]
    around = np.arctan2(carried[..., 0], carried[..., 2] + 0.02) / (2 * np.pi)
    along = carried[..., 1] * 40
    strand = _noise(generator, around * 420 + 0.6 * np.sin(along), along)
    lock = _noise(generator, around * 60 + 0.5 * np.sin(along * 0.7), along * 0.4)
    shade = (0.55 * strand + 0.45 * lock)[..., None]
    hair = _HAIR_COLOURS[0] + shade * (_HAIR_COLOURS[1] - _HAIR_COLOURS[0])
    return np.round(texture * (1 - cover) + hair * cover).astype(np.uint8)


def _noise(generator: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Smooth noise in [0, 1] at points of the plane, about one bump per unit."""
    grid = generator.random((64, 512)).astype(np.float32)
    return cv2.remap(
        grid, (x % 511).astype(np.float32), (y % 63).astype(np.float32), cv2.INTER_LINEAR
    )


def knit(neck: np.ndarray, generator: np.random.Generator) -> Garment:
    """A jumper with a rolled collar, from the neck, (n, 3) points at its foot, to the shoulders."""
    down = np.linspace(0, 1, _RINGS)[:, None]
    turn = np.linspace(0, 2 * np.pi, _SPOKES, endpoint=False)[None]
    # half width, half depth, height (m), from inside the neck over the collar to the shoulders
    knots = np.array([0.0, 0.1, 0.16, 0.22, 0.3, 0.42, 0.55, 0.7, 1.0])
    width = np.interp(down, knots, [0.03, 0.056, 0.064, 0.069, 0.072, 0.11, 0.16, 0.205, 0.23])
    depth = np.interp(down, knots, [0.03, 0.05, 0.058, 0.063, 0.068, 0.085, 0.1, 0.115, 0.13])
    height = np.interp(
        down, knots, [-0.14, -0.1, -0.074, -0.077, -0.108, -0.134, -0.158, -0.192, -0.46]
    )
    near = np.exp(-((down / 0.4) ** 4))  # the collar fits the neck, the shoulders are anyone's
    width = width * (1 + near * (np.abs(neck[:, 0]).max() / _NECK_WIDTH_M - 1))
    depth = depth * (1 + near * (np.ptp(neck[:, 2]) / 2 / _NECK_DEPTH_M - 1))
    for table in (width, depth, height):
        table[:] = cv2.GaussianBlur(table, (1, 5), 0.8)
    back = np.interp(down, [0, 0.2, 1], [-0.032, -0.034, -0.06])
    vertices = np.stack(
        [
            width * np.sin(turn),
            # the collar stands higher at the nape, the shoulders fall from the neck outwards
            height - 0.022 * np.cos(turn) * np.exp(-(down**2) * 8),
            back + depth * np.cos(turn),
        ],
        axis=2,
    ).reshape(-1, 3)  # (rings * spokes, 3)
    ring, spoke = np.meshgrid(np.arange(_RINGS - 1), np.arange(_SPOKES), indexing="ij")
    a, b = ring * _SPOKES + spoke, ring * _SPOKES + (spoke + 1) % _SPOKES
    quads = np.stack([a, a + _SPOKES, b + _SPOKES, b], axis=2).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    mirrored = np.abs(turn / np.pi - 1) + 0 * down  # no seam at the back
    uv = np.stack([mirrored, 1 - down + 0 * turn], axis=2).reshape(-1, 2)
    return Garment(vertices, faces, uv.astype(np.float32), _wool(generator))


def _wool(generator: np.random.Generator) -> np.ndarray:
    """Ribs and rows of stitches, (512, 512, 3) uint8."""
    y, x = np.mgrid[:512, :512] / 512
    stitches = 0.5 + 0.5 * np.sin(2 * np.pi * 70 * x) * np.cos(2 * np.pi * 90 * y)
    fuzz = cv2.GaussianBlur(generator.normal(0, 1, (512, 512)), (0, 0), 1.2)
    shade = 0.86 + 0.16 * stitches + 0.12 * fuzz
    return np.clip(_WOOL * shade[..., None], 0, 255).astype(np.uint8)
