"""What all performers share: the head's arrays ready for drawing, and fields over its template.

Vertices are the head's; `REGION_NAMES` are the parts of the face whose visibility is labelled.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from ...geometry import embed, vertex_normals
from ...head.albedo import load_albedo
from ...head.model import Head
from ...render import depth_map
from ...weights import load_head, locate

REGION_NAMES = ("face", "mouth", "left_eye", "right_eye", "left_brow", "right_brow")
REST = 6  # beside 1-5, which are REGION_NAMES[1:], and 0, which is no region
_DIRECTIONS = 64  # of light, whose shadows are known beforehand
_SHEET = 320  # texels along a performer's texture
_NOISE_MAPS, _NOISE_SIDE = 32, 256
_MOUTH_RING_M, _EYE_RING_M, _BROW_RING_M = 0.007, 0.004, 0.006


@dataclass(frozen=True)
class Stage:
    """Arrays in float32, computed once. V vertices, F triangles, n texels along the sheet."""

    head: Head
    vertex_normals: np.ndarray  # (V, 3) of the template
    directions: np.ndarray  # (64, 3) on the sphere
    open_to: np.ndarray  # (64, V) share of each direction that reaches the vertex
    openness: np.ndarray  # (V,) how much of the sky reaches it
    gloss: np.ndarray  # (V, 2) strength and exponent of the mirror
    region: np.ndarray  # (F,) uint8 index into REGION_NAMES, 0 none, 6 rest of the face
    hair: np.ndarray  # (V,) how much hair grows
    in_mouth: np.ndarray  # (n,) vertices behind the lips
    on_skin: np.ndarray  # (V,) 1 on outer skin
    waves: np.ndarray  # (V, 96) smooth fields over the template, in [-1, 1]
    noise: np.ndarray  # (32, 256, 256) unit deviation
    paints: np.ndarray  # (M, n * n) the albedo model's maps, flat
    paint_names: tuple[str, ...]
    paint_mean: np.ndarray  # (M, 3)
    paint_basis: np.ndarray  # (A, M, 3)
    albedo_names: tuple[str, ...]
    albedo_low: np.ndarray  # (A,)
    sheet: int  # n
    points: tuple[np.ndarray, np.ndarray]  # embedding of the mesh's 478 points
    skull: np.ndarray  # (angles, heights) radius of the skin about the head's axis, metres


@cache
def build_stage() -> Stage:
    """The stage for the default head; a second or two."""
    head = Head(load_head())
    file = head.file
    normals = vertex_normals(file.template.astype(float), file.faces).astype(np.float32)
    directions = _sphere(_DIRECTIONS)
    open_to = np.stack([_reached(file.template, file.faces, d) for d in directions])
    facing = np.maximum(directions @ normals.T, 0)  # (64, V)
    openness = (open_to * facing).sum(0) / np.maximum(facing.sum(0), 1e-6)
    flat = ~file.masks["skin"] | file.masks["mouth_inside"]
    openness = np.where(flat, 1.0, np.clip(1.15 * openness, 0, 1))
    generator = np.random.default_rng(5)
    paints, names, mean, basis, albedo = _paints(_SHEET)
    hair = paints[names.index("hair")].reshape(_SHEET, _SHEET)
    points = (
        np.concatenate([file.landmarks_468[0], file.iris[0]]),
        np.concatenate([file.landmarks_468[1], file.iris[1]]),
    )
    skin = file.masks["skin"] & ~file.masks["mouth_inside"]
    return Stage(
        head=head, vertex_normals=normals, directions=directions,
        open_to=open_to.astype(np.float32), openness=openness.astype(np.float32),
        gloss=_gloss(head), region=_regions(head), hair=_read_at_vertices(head, hair) * skin,
        in_mouth=np.flatnonzero(_any(head, "mouth_inside", "upper_teeth", "lower_teeth", "tongue")),
        on_skin=skin.astype(np.float32), waves=_waves(file.template, generator),
        noise=_noise(generator), paints=paints, paint_names=names, paint_mean=mean,
        paint_basis=basis, albedo_names=albedo.names, albedo_low=albedo.low, sheet=_SHEET,
        points=points, skull=_skull(file.template[skin]),
    )  # fmt: skip


def _any(head: Head, *names: str) -> np.ndarray:
    return np.any([head.file.masks[name] for name in names], axis=0)


def _sphere(count: int) -> np.ndarray:
    """Directions spread evenly (Fibonacci's spiral), (count, 3)."""
    steps = np.arange(count) + 0.5
    polar, around = np.arccos(1 - 2 * steps / count), np.pi * (1 + 5**0.5) * steps
    out = [np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)]
    return np.stack(out, 1).astype(np.float32)


def _reached(vertices: np.ndarray, faces: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Which vertices a light far away reaches, (V,) 0 to 1, soft by smoothing over the mesh."""
    side = np.cross(light, [0, 1, 0] if abs(light[1]) < 0.9 else [1, 0, 0])
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(light, side), -light])
    placed = vertices @ frame.T
    placed[:, :2] = placed[:, :2] / 0.34 * 256 + 128
    depth = depth_map(placed, faces, (256, 256))
    column, row = np.clip(placed[:, :2].astype(int), 0, 255).T
    lit = (placed[:, 2] < depth[row, column] + 0.004).astype(np.float32)
    for _ in range(2):
        lit = _smoothed(lit, faces)
    return lit


def _smoothed(values: np.ndarray, faces: np.ndarray) -> np.ndarray:
    total, count = values.copy(), np.ones(len(values))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        for i, j in ((a, b), (b, a)):
            total = total + np.bincount(faces[:, i], values[faces[:, j]], len(values))
            count = count + np.bincount(faces[:, i], minlength=len(values))
    return (total / count).astype(np.float32)


def _gloss(head: Head) -> np.ndarray:
    out = np.tile(np.array([0.16, 12], np.float32), (len(head.file.template), 1))
    out[_any(head, "lips")] = 0.32, 36
    out[_any(head, "scalp")] = 0.06, 9
    out[_any(head, "mouth_inside", "tongue")] = 0.25, 30
    out[_any(head, "upper_teeth", "lower_teeth")] = 0.35, 40
    out[_any(head, "left_eye", "right_eye")] = 0.9, 180
    return out


def _regions(head: Head) -> np.ndarray:
    """Which labelled part each triangle belongs to, (F,) uint8."""
    file, place = head.file, head.file.template.astype(float)

    def near(points: np.ndarray, reach: float) -> np.ndarray:
        return np.linalg.norm(place[:, None] - points[None], axis=2).min(1) < reach

    marks = embed(place, file.faces, file.landmarks_68)
    skin = file.masks["skin"] & ~file.masks["ears"]
    region = np.zeros(len(place), np.uint8)
    region[file.masks["face"] & skin] = REST
    for k, first in ((4, 22), (5, 17)):  # the subject's left brow is 22-26
        line = marks[first : first + 5]
        fine = np.concatenate([line[:-1] + (line[1:] - line[:-1]) * t for t in (0, 0.33, 0.67, 1)])
        region[near(fine, _BROW_RING_M) & skin] = k
    for k, name, first in ((2, "left_eye", 42), (3, "right_eye", 36)):
        region[near(marks[first : first + 6], _EYE_RING_M) & skin] = k
        same_side = place[:, 0] > 0 if k == 2 else place[:, 0] < 0
        region[file.masks["eyelids"] & same_side] = k
        region[file.masks[name]] = k
    lips = place[file.masks["lips"]]
    region[near(lips, _MOUTH_RING_M) & skin] = 1
    region[_any(head, "mouth_inside", "upper_teeth", "lower_teeth", "tongue")] = 1
    corners = region[file.faces]
    agreed = np.where(corners[:, 1] == corners[:, 2], corners[:, 1], corners[:, 0])
    return agreed.astype(np.uint8)


def _read_at_vertices(head: Head, picture: np.ndarray) -> np.ndarray:
    """A sheet (n, n) read where the vertices lie on it, (V,) float32."""
    uv = np.zeros((len(head.file.template), 2), np.float32)
    uv[head.file.faces] = head.file.uv[head.file.uv_faces]
    size = len(picture)
    blurred = cv2.GaussianBlur(picture, (0, 0), 2.0)
    x = (uv[:, 0] * size - 0.5).astype(np.float32)
    y = ((1 - uv[:, 1]) * size - 0.5).astype(np.float32)
    return cv2.remap(blurred, x, y, cv2.INTER_LINEAR)[:, 0]


def _waves(place: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Plane waves of 2 to 8 cm in random directions, (V, 96)."""
    count = 96
    length = 0.02 + 0.06 * (np.arange(count) % 8) / 7
    direction = generator.normal(size=(3, count)) / length
    return np.cos(place @ direction + 2 * np.pi * generator.random(count)).astype(np.float32)


def _noise(generator: np.random.Generator) -> np.ndarray:
    """Fractal noise from coarse to fine, (maps, side, side), mean 0, deviation 1."""
    out = np.zeros((_NOISE_MAPS, _NOISE_SIDE, _NOISE_SIDE), np.float32)
    for k in range(_NOISE_MAPS):
        cells, weight = (4, 8, 16, 64)[k % 4], 1.0
        while cells <= _NOISE_SIDE:
            grid = generator.normal(size=(cells, cells)).astype(np.float32)
            grid = np.pad(grid, ((0, 1), (0, 1)), mode="wrap")  # it repeats without a seam
            step = (np.arange(_NOISE_SIDE, dtype=np.float32) / _NOISE_SIDE) * cells
            x, y = np.meshgrid(step, step)
            out[k] += weight * cv2.remap(grid, x, y, cv2.INTER_LINEAR)
            cells, weight = cells * 2, weight * (0.55, 0.7, 0.85)[k % 3]
        out[k] = (out[k] - out[k].mean()) / out[k].std()
    return out


def _paints(size: int):
    """The albedo model's maps at `size` texels, smooth ones gated by bare skin, with its colours.

    The logit of a person's reflectance is colours.T @ maps: see `engine.head.albedo`.
    """
    path = locate("albedo_default")
    model = load_albedo(path)
    with np.load(path, allow_pickle=False) as file:
        names = tuple(map(str, file["maps"]))
    maps = np.empty((len(names), size, size), np.float32)
    for k, picture in enumerate([*model.sharp, *model.smooth]):
        how = cv2.INTER_AREA if len(picture) > size else cv2.INTER_CUBIC
        low, high = model.ranges[k]
        scaled = cv2.resize(picture.astype(np.float32), (size, size), interpolation=how)
        maps[k] = low + (high - low) / 255 * scaled
    maps[len(model.sharp) :] *= maps[0]
    flat = np.ascontiguousarray(maps.reshape(len(maps), -1))
    return flat, names, model.mean, model.basis, model


def _skull(skin: np.ndarray) -> np.ndarray:
    """The skin's largest radius about the axis x = 0, z = -0.01: (72 angles, 48 heights).

    Angle 0 is the nose, positive towards the subject's left; heights from -0.16 to 0.16 m.
    """
    x, y, z = skin[:, 0], skin[:, 1], skin[:, 2] + 0.01
    angle, radius = np.arctan2(x, z), np.hypot(x, z)
    row = ((angle / (2 * np.pi)) % 1 * 72).astype(int) % 72
    column = np.clip((y + 0.16) / 0.32 * 48, 0, 47).astype(int)
    table = np.zeros((72, 48), np.float32)
    np.maximum.at(table, (row, column), radius)
    for _ in range(3):  # fill the gaps from the neighbours
        grown = cv2.dilate(np.pad(table, ((1, 1), (0, 0)), mode="wrap"), np.ones((3, 3)))[1:-1]
        table = np.where(table > 0, table, grown)
    return cv2.GaussianBlur(np.pad(table, ((6, 6), (0, 0)), mode="wrap"), (0, 0), 1.2)[6:-6]
