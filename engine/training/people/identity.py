"""Who performs: shape, colours and how the hair is worn."""

from dataclasses import dataclass

import numpy as np

from .hair import HairStyle, choose_hair
from .stage import Stage

_SPREAD = (0.7, 1.7)  # of shape coefficients, standard deviations
_FARTHEST = 3.5
_BUMPS_M = 0.0002


@dataclass(frozen=True)
class Performer:
    """One person at rest."""

    shape: np.ndarray  # (S,)
    albedo: np.ndarray  # (A,)
    vertices: np.ndarray  # (V, 3) float32 m
    joints: np.ndarray  # (5, 3)
    texture: np.ndarray  # (n, n, 3) float32, linear reflectance
    style: HairStyle
    hair_scale: np.ndarray  # (3,) this skull over the template's
    grain: float  # how strong pores and stubble show beyond the texture


def cast_performer(stage: Stage, generator: np.random.Generator, difficulty: float) -> Performer:
    """A random person; `difficulty` 0 gives people near the mean, 1 the whole range."""
    low, high = _SPREAD
    spread = generator.uniform(low, low + (high - low) * (0.4 + 0.6 * difficulty))
    shape = np.clip(generator.normal(size=stage.head.file.face_columns) * spread,
                    -_FARTHEST, _FARTHEST)  # fmt: skip
    vertices, joints = stage.head.rest(shape.astype(np.float32))
    vertices = vertices + _fuller(stage, generator, difficulty)
    weights = generator.normal(size=stage.waves.shape[1]) * _BUMPS_M * generator.random()
    bumps = stage.waves @ weights.astype(np.float32) * stage.on_skin
    vertices = vertices + bumps[:, None] * stage.vertex_normals
    albedo, texture = _paint(stage, generator, difficulty)
    style = choose_hair(stage, generator, difficulty, texture)
    scalp = stage.head.file.masks["scalp"]
    template = stage.head.file.template
    hair_scale = np.ptp(vertices[scalp], axis=0) / np.ptp(template[scalp], axis=0)
    puff = stage.hair * (style.puff_m * (1 + 0.25 * stage.waves[:, style.wave]))
    vertices = vertices + puff[:, None] * stage.vertex_normals
    return Performer(
        shape, albedo, vertices.astype(np.float32), joints.astype(np.float32), texture, style,
        hair_scale=hair_scale.astype(np.float32), grain=float(generator.uniform(0, 0.05)),
    )  # fmt: skip


def _fuller(stage: Stage, generator: np.random.Generator, difficulty: float) -> np.ndarray:
    """Cheeks, jowls and chin fuller or thinner than the shapes know, (V, 3) m."""
    place = stage.head.file.template
    x, y, z = np.abs(place[:, 0]), place[:, 1], place[:, 2]
    cheek = np.exp(-((x - 0.050) ** 2) / 0.018**2 - (y + 0.025) ** 2 / 0.030**2) * (z > 0.0)
    jowl = np.exp(-((x - 0.035) ** 2) / 0.025**2 - (y + 0.075) ** 2 / 0.020**2)
    weight = generator.normal(0.35, 0.6, 2) * (0.3 + 0.7 * difficulty) * 0.004
    out = (cheek * max(weight[0], -0.002) + jowl * max(weight[1], -0.002)) * stage.on_skin
    return out[:, None] * stage.vertex_normals


def _paint(stage: Stage, generator: np.random.Generator, difficulty: float):
    """Albedo coefficients (A,) and the linear texture they give, with make-up on top."""
    albedo = generator.normal(size=len(stage.albedo_names)) * (0.6 + 0.5 * difficulty)
    above = np.maximum(albedo, stage.albedo_low)
    colours = stage.paint_mean + np.tensordot(
        above - np.maximum(stage.albedo_low, 0), stage.paint_basis, 1
    )
    index = stage.paint_names.index
    if generator.random() < 0.25 * difficulty:  # lipstick
        colours[index("lips")] += generator.normal((0.5, -0.6, -0.2), 0.5)
    if generator.random() < 0.15 * difficulty:  # eye shadow
        colours[index("lids")] += generator.normal(-0.5, 0.6, 3)
    lined = generator.random() ** 2 * 1.5  # lashes, or a drawn line
    colours[index("lashes")] -= lined
    colours[index("lash_line")] -= lined
    if generator.random() < 0.2:  # whiter teeth
        colours[index("teeth")] += 0.7 * generator.random()
    logit = colours.astype(np.float32).T @ stage.paints  # (3, n * n)
    reflectance = 1 / (1 + np.exp(-logit))
    texture = np.ascontiguousarray(reflectance.T).reshape(stage.sheet, stage.sheet, 3)
    return albedo, texture
