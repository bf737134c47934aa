"""Eyes, teeth, gums, tongue and the cavity of the mouth on the sheet."""

import numpy as np

from engine.geometry import embed

from .albedo_sheet import Sheet, smoothstep

TOOTH_MM = 9.0  # height of a crown
PUPIL = 0.36  # of the iris's radius, in a room's light


def part_maps(sheet: Sheet, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """name -> (n, n)."""
    maps = {}
    for side, name in enumerate(("right_eye", "left_eye")):  # the iris points' order
        for key, values in _eye(sheet, generator, name, side).items():
            maps[key] = maps.get(key, 0) + values
    return maps | _mouth(sheet, generator)


def _eye(sheet: Sheet, generator, name: str, side: int) -> dict[str, np.ndarray]:
    head = sheet.head
    points = 1000 * head.template[head.masks[name]]
    iris = 1000 * embed(head.template, head.faces, head.iris)[5 * side : 5 * side + 5]
    middle = (points.max(0) + points.min(0)) / 2
    middle[2] = points[:, 2].min() + np.ptp(points[:, 0]) / 2
    axis = (iris[0] - middle) / np.linalg.norm(iris[0] - middle)
    radius = np.linalg.norm(iris[1:] - iris[0], axis=1).mean()
    edge = np.arcsin(radius / np.linalg.norm(iris[1:] - middle, axis=1).mean())

    own = sheet.part(name)
    away = sheet.position - middle
    away /= np.maximum(np.linalg.norm(away, axis=2, keepdims=True), 1e-9)
    r = np.arccos(np.clip(away @ axis, -1, 1)) / edge  # 1 at the edge of the iris
    right = np.cross([0, 1, 0], axis)
    around = np.arctan2(away[:, :, 1], away @ right)
    inside = smoothstep(1.06, 0.94, r) * own
    nasal = -np.sign(middle[0]) * (away @ np.array([1.0, 0, 0]))
    return {
        "sclera": own * (1 - inside),
        "sclera_edge": own * smoothstep(1.5, 3.2, r),
        "eye_corner": own * smoothstep(0.45, 0.95, nasal) * smoothstep(1.4, 2.2, r),
        "veins": own * _veins(generator, r, around),
        "iris": inside,
        "iris_fibres": inside * _fibres(generator, r, around),
        "iris_inner": inside * np.exp(-(((r - PUPIL - 0.14) / 0.16) ** 2)),
        "limbal_ring": own * np.exp(-(((r - 0.97) / 0.085) ** 2)),
        "pupil": own * smoothstep(PUPIL + 0.05, PUPIL - 0.05, r),
    }


def _fibres(generator, r: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Radial streaks in [-1, 1]."""
    out = np.zeros_like(r)
    for _ in range(16):
        count = generator.integers(9, 70)
        out += np.sin(count * around + generator.uniform(0, 6.3) + generator.normal(0, 1.0) * r)
    return np.clip(out / 5, -1, 1) * smoothstep(PUPIL, PUPIL + 0.2, r)


def _veins(generator, r: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Thin wandering lines that come in from the side and fade towards the iris."""
    out = np.zeros_like(r)
    for _ in range(26):
        at, wander = generator.uniform(-np.pi, np.pi), generator.normal(0, 0.22, 3)
        path = at + wander[0] * np.sin(2.2 * r) + wander[1] * np.sin(4.7 * r) + wander[2] * 0.5 * r
        off = np.abs(np.angle(np.exp(1j * (around - path)))) * r
        out += np.exp(-((off / 0.035) ** 2)) * generator.uniform(0.3, 1.0)
    return np.clip(out, 0, 1) * smoothstep(1.3, 2.6, r)


def _mouth(sheet: Sheet, generator) -> dict[str, np.ndarray]:
    rows = sheet.part("upper_teeth") | sheet.part("lower_teeth")
    gums = sheet.part("gums")
    teeth = rows & ~gums
    tongue = sheet.part("tongue")
    inner = sheet.part("mouth_inside") & sheet.part("skin")
    depth = sheet.landmarks[13, 2] - sheet.position[:, :, 2]
    middle = np.exp(-((sheet.position[:, :, 0] / 2.2) ** 2)) * (sheet.normal[:, :, 1] > 0)
    return {
        "teeth": teeth * 1.0,
        "gums": gums * 1.0,
        "tooth_neck": teeth * smoothstep(0.45, 1.0, _height_on_tooth(sheet)),
        "tongue": tongue * 1.0,
        "tongue_coat": tongue * np.clip(0.5 + 0.35 * sheet.grain(generator, 0.9), 0, 1.5),
        "tongue_furrow": tongue * middle,
        "cavity": inner * 1.0,
        "cavity_deep": (inner | tongue) * smoothstep(6, 45, depth),
    }


def _height_on_tooth(sheet: Sheet) -> np.ndarray:
    """0 at the biting edge, 1 where the gum begins, (n, n)."""
    y, masks = 1000 * sheet.head.template[:, 1], sheet.head.masks
    place = sheet.position[:, :, 1]
    from_edge = np.where(
        sheet.part("upper_teeth"), place - y[masks["upper_teeth"]].min(),
        y[masks["lower_teeth"]].max() - place,
    )  # fmt: skip
    return np.clip(from_edge / TOOTH_MM, 0, 1.5)
