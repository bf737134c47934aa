"""Heads whose relief is known, for another renderer, and how near a capture's relief comes to it.

Two states of a person, calm and with deepened folds, under three lights. The lines are drawn here,
by another hand than the fine network's training (`training.wrinkles`); pose and landmarks are the
true ones, so that relief alone is judged. `scripts/recipes/cycles_relief.py` does it all.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..detail.face_sheet import FaceSheet, Surface, build_sheet, cut_window, map_surface
from ..detail.recover import Detail, DetailOptions, recover_detail
from ..detail.slopes import differences, surface_steps
from ..exchange.saving import save_arrays
from ..exchange.take import REGIONS
from ..faces import FaceTrack
from ..geometry import embed, project
from ..head.albedo import load_albedo
from ..head.model import FaceParams, Head
from ..media import Clip, open_clip
from ..progress import Report
from ..render import interpolate
from ..weights import load_head, locate

SIZE = 512  # px of the pictures
_TEXELS = 640  # of the drawn mesh along the face's window
_FOCAL_PER_SIDE, _DISTANCE_M = 3.1, 0.62
_CALM, _FOLDED = 9, 3  # frames of a clip
_SEED = 500
# Lights: place (m), watts, size (m) of each lamp.
LIGHTS = {
    "side": (((-0.9, 0.5, 0.35), 30, 0.12), ((0.8, 0.1, 0.4), 3, 0.3)),
    "top": (((0.2, 0.9, 0.3), 26, 0.12), ((0, -0.2, 0.6), 2, 0.3)),
    "front": (((-0.35, 0.3, 0.25), 9, 0.2), ((0.35, 0.3, 0.25), 9, 0.2), ((0, -0.4, 0.2), 3, 0.2)),
}
# Landmarks along a fold, mm below them, depth at rest and added depth (mm), width (mm).
_BROW = (68, 104, 69, 108, 151, 337, 299, 333, 298)
_FOLDS = (
    (_BROW[1:-1], -6, 0.0, 0.55, 0.8), (_BROW[1:-1], -12, 0.25, 0.3, 0.8),
    (_BROW[2:-2], -18, 0.0, 0.4, 0.7), (_BROW[2:-2], -25, 0.2, 0.2, 0.7),
    ((9, 8), -3, 0.1, 0.7, 0.8),
    ((129, 203, 206, 216, 212), 0, 0.6, 0.7, 1.3), ((358, 423, 426, 436, 432), 0, 0.6, 0.7, 1.3),
    ((31, 111), 0, 0.1, 0.35, 0.6), ((261, 340), 0, 0.1, 0.35, 0.6),
    ((226, 35), 0, 0.1, 0.4, 0.6), ((446, 265), 0, 0.1, 0.4, 0.6),
    ((232, 231, 230, 229), 4, 0.3, 0.0, 1.0), ((452, 451, 450, 449), 4, 0.3, 0.0, 1.0),
    ((106, 182, 83, 18, 313, 406, 335), 3, 0.5, 0.0, 1.8),
    ((57, 43, 204), 0, 0.35, 0.0, 1.1), ((287, 273, 424), 0, 0.35, 0.0, 1.1),
)  # fmt: skip
_BULGE, _BULGE_WIDTH = 0.55, 2.2  # beside a fold, in its depths and widths
_FOLD_MM = 0.08  # of relief, from which skin counts as folded


@dataclass(frozen=True)
class Errors:
    """Degrees between normals and the true ones: all skin seen, and its folds."""

    face: float
    folds: float


def write_heads(folder: Path, count: int) -> list[Path]:
    """Write `count` heads as NAME.relief.npz for the renderer; their paths."""
    head, paths = Head(load_head()), []
    for k in range(count):
        paths.append(folder / f"head_{k:02d}.relief.npz")
        arrays = _draw_head(head, np.random.default_rng(_SEED + k))
        save_arrays(paths[-1], arrays, compressed=True)
    return paths


def measure(folder: Path) -> dict[str, dict[str, Errors]]:
    """Errors of a smooth head ("coarse") and of a capture ("fine") on all that was drawn.

    For the person at rest ("static") and for a moment with deepened folds ("moment"): the mean of
    the heads and lights.
    """
    head, found = Head(load_head()), {}
    for path in sorted(folder.glob("*.relief.npz")):
        with np.load(path, allow_pickle=False) as file:
            scene = {name: file[name] for name in file.files}
        for light in LIGHTS:
            for key, errors in _measure_one(head, scene, path, light).items():
                found.setdefault(key, []).append(errors)
    table: dict[str, dict[str, Errors]] = {}
    for (moment, stage), errors in found.items():
        mean = np.mean([(e.face, e.folds) for e in errors], axis=0)
        table.setdefault(moment, {})[stage] = Errors(float(mean[0]), float(mean[1]))
    return table


def _draw_head(head: Head, random: np.random.Generator) -> dict[str, np.ndarray]:
    params = _params(
        head, random.normal(size=100) * 0.9, np.array([0.05, random.uniform(-0.15, 0.15), 0])
    )
    rest = head.rest(params.shape)
    sheet = build_sheet(head, rest[0], _TEXELS)
    vertices = head.camera_frame(params, 0, rest)
    surface = map_surface(sheet, vertices, head.file.faces)
    places = interpolate(vertices, sheet.faces, sheet.face_id, sheet.barycentric)
    calm, added = np.zeros((2, _TEXELS, _TEXELS), np.float32)
    for landmarks, below, depth, deeper, width in _FOLDS:
        fold = _fold(sheet, landmarks, below + random.normal(0, 0.7), width)
        calm, added = calm + depth * fold, added + deeper * fold
    pores = cv2.GaussianBlur(random.normal(size=calm.shape), (0, 0), 0.8 / sheet.texel_mm)
    calm = calm + 0.015 * pores / pores.std()
    there = sheet.on_skin & (np.linalg.norm(surface.normal, axis=-1) > 0.5)
    fade = cv2.GaussianBlur(there.astype(np.float32), (0, 0), 1.0)
    return {
        "places": places.astype(np.float32), "normals": surface.normal.astype(np.float32),
        "relief": np.stack([calm, calm + added]).astype(np.float32) * fade, "there": there,
        "colours": _skin_colours(sheet, random), "focal": np.array(params.focal),
        "size": np.array(SIZE), "shape": params.shape, "pose": params.head_pose[0],
        "translation": params.head_translation[0],
    }  # fmt: skip


def _params(head: Head, shape: np.ndarray, pose: np.ndarray, frames: int = 1) -> FaceParams:
    params = FaceParams.neutral(head, frames, _FOCAL_PER_SIDE * SIZE, _DISTANCE_M)
    return params.replace(shape=shape, head_pose=np.tile(pose, (frames, 1)))


def _fold(sheet: FaceSheet, landmarks: tuple[int, ...], below: float, width: float) -> np.ndarray:
    """(R, R): -1 in the middle of a fold's line, bulges beside it, fading at its ends."""
    scale, texel = 4, sheet.texel_mm
    way = sheet.landmarks[list(landmarks)] + [0, below / texel]
    drawn = np.full((scale * sheet.size,) * 2, 255, np.uint8)
    cv2.polylines(drawn, [np.round(scale * way).astype(np.int32)], False, (0,))
    away = cv2.distanceTransform(drawn, cv2.DIST_L2, 5)
    away = cv2.resize(away, (sheet.size,) * 2, interpolation=cv2.INTER_AREA) / scale * texel
    y, x = np.mgrid[: sheet.size, : sheet.size]
    reach = np.ptp(way, axis=0).max() / 2 + 1
    from_middle = np.hypot(x - way[:, 0].mean(), y - way[:, 1].mean()) / reach
    valley = np.exp(-(away**2) / (2 * width**2))
    banks = np.exp(-(away**2) / (2 * (_BULGE_WIDTH * width) ** 2))
    return (_BULGE * banks - valley) * np.clip(1.25 - from_middle**2, 0, 1)


def _skin_colours(sheet: FaceSheet, random: np.random.Generator) -> np.ndarray:
    """(R, R, 3) linear reflectance: a random person's, with moles, freckles and blotches."""
    size, texel = sheet.size, sheet.texel_mm
    model = load_albedo(locate("albedo_default"))
    skin = model.reflectance(random.normal(size=len(model.names)) * 0.8)
    skin = cut_window(skin, sheet.window, size)
    y, x = np.mgrid[:size, :size]
    for _ in range(int(random.integers(20, 80))):
        wide = np.exp(random.uniform(np.log(0.5), np.log(2.2))) / texel
        column, row = random.uniform(0.1, 0.9, 2) * size
        mark = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * wide**2))[..., None]
        skin = skin * (1 - mark * random.uniform(0.1, 0.6) * np.array([0.5, 0.85, 1.0]))
    for wide, much in ((2, 0.03), (5, 0.05)):
        blotch = cv2.GaussianBlur(random.normal(size=(size, size)), (0, 0), wide / texel)
        skin = skin * np.exp(much * (blotch / blotch.std())[..., None] * [0.3, 1, 0.9])
    return np.clip(skin, 0.005, 0.95).astype(np.float32)


def _measure_one(
    head: Head, scene: dict[str, np.ndarray], path: Path, light: str
) -> dict[tuple[str, str], Errors]:
    frames = _CALM + _FOLDED
    params = _params(head, scene["shape"], scene["pose"], frames)
    # the calmer half of the frames teaches the skin: say which it is
    params.expression[_CALM:, head.unit["browInnerUpLeft"]] = 1e-3
    clip = _clip(path, light)
    options = DetailOptions(key_seconds=0.04)
    detail = recover_detail(clip, _track(head, params), params, head, options, Report())
    assert detail is not None, f"{path}: no skin was seen"
    sheet, seen = detail.sheet, detail.mask > 0.5
    vertices = head.camera_frame(params, 0, head.rest(params.shape))
    surface = map_surface(sheet, vertices, head.file.faces)
    size = (sheet.size, sheet.size)
    calm, folded = (
        cv2.resize(relief, size, interpolation=cv2.INTER_AREA) for relief in scene["relief"]
    )
    out = {}
    for name, true, relief in (
        ("static", calm, detail.static),
        ("moment", folded, detail.static + _last(detail)),
    ):
        for stage, values in (("coarse", np.zeros_like(true)), ("fine", relief)):
            out[name, stage] = _errors(surface, values, true, seen)
    return out


def _last(detail: Detail) -> np.ndarray:
    return detail.dynamic[len(detail.dynamic) - 1]


def _clip(path: Path, light: str) -> Clip:
    """The two pictures as a clip with noise and compression."""
    name = path.name.removesuffix(".relief.npz")
    folder = path.with_name(f"{name}_{light}")
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    for t in range(_CALM + _FOLDED):
        drawn = cv2.imread(str(path.with_name(f"{name}_{int(t >= _CALM)}_{light}.png")))
        assert drawn is not None, f"{name} isn't drawn under {light} light"
        noisy = np.clip(drawn + random.normal(0, 1.5, drawn.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{t:04d}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return open_clip(folder, fps=25)


def _track(head: Head, params: FaceParams) -> FaceTrack:
    """The true landmarks as a detector would tell them."""
    rest, count = head.rest(params.shape), len(params)
    vertices = head.camera_frame(params, 0, rest)
    groups = (head.file.landmarks_468, head.file.iris)
    places = np.concatenate([embed(vertices, head.file.faces, group) for group in groups])
    points = project(places, params.focal, (SIZE, SIZE))
    points = np.column_stack([points, np.zeros(len(points))]).astype(np.float32)
    return FaceTrack(
        boxes=np.tile([0.0, 0, SIZE, SIZE], (count, 1)), landmarks=np.tile(points, (count, 1, 1)),
        seen=np.ones(count, bool), confidence=np.ones((count, len(REGIONS)), np.float32),
        times=np.arange(count) / 25, size=(SIZE, SIZE),
    )  # fmt: skip


def _errors(surface: Surface, relief: np.ndarray, true: np.ndarray, seen: np.ndarray) -> Errors:
    found, wanted = (_raised(surface, values) for values in (relief, true))
    angle = np.degrees(np.arccos(np.clip((found * wanted).sum(-1), -1, 1)))
    folded = (np.abs(cv2.GaussianBlur(true, (0, 0), 1.0)) > _FOLD_MM) & seen
    return Errors(float(angle[seen].mean()), float(angle[folded].mean()))


def _raised(surface: Surface, relief: np.ndarray) -> np.ndarray:
    du, dv = differences(relief.astype(np.float32))
    step_u, step_v = surface_steps(surface)
    normal = surface.normal - step_u * du[..., None] - step_v * dv[..., None]
    return normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
