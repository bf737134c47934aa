"""Pictures of synthetic performers with their truth: single moments, and sequences.

Everything follows from (seed, index): the same pair gives the same pixels. A scene is several
unrelated moments of one person under lights, clutter and cameras of their own; a sequence is
consecutive frames before one camera.
"""

from dataclasses import dataclass

import numpy as np

from . import hair as hair_module
from .acting import Acting, act_moments, act_sequence
from .background import dress, paint_background
from .camera import View, place_camera, sway_head, to_screen, turn_heads
from .drawing import develop, fill_samples, hang_strands, surface_normals
from .glasses import Glasses, choose_glasses, wear
from .identity import Performer, cast_performer
from .labels import Labels, label_frame, stack_labels
from .light import Lighting, choose_lighting, light_plain, light_vertices
from .occluders import Occluder, choose_occluders, cover, moved
from .photo import Sensor, choose_sensor, exposure, photograph
from .posing import mesh_points, pose_vertices
from .stage import Stage

_CURTAIN_FACES = hair_module.curtain_faces()
_STRANDS = hair_module.strand_coordinates()


@dataclass(frozen=True)
class Scene:
    """N pictures of one person, (N, S, S, 3) uint8 sRGB, and what is true of them."""

    pictures: np.ndarray
    labels: Labels


@dataclass(frozen=True)
class Sequence(Scene):
    """T consecutive frames."""

    fps: float


@dataclass(frozen=True)
class _Set:
    """What one picture, or all of a sequence, has in common beside the performer."""

    lighting: Lighting
    view: View
    sensor: Sensor
    glasses: Glasses | None
    things: list[Occluder]
    decor: int  # seed of background and clothes
    with_hair: bool


def render_scene(
    stage: Stage, seed: int, index: int, count: int = 8, size: int = 112, difficulty: float = 1.0
) -> Scene:
    """`count` moments of the person `index`, each a picture of `size` pixels.

    Args:
        difficulty: 0 plain faces before plain walls, 1 everything: the curriculum's one number.
    """
    generator = np.random.default_rng([seed, index])
    person = cast_performer(stage, generator, difficulty)
    acting = act_moments(stage, generator, count)
    vertices = pose_vertices(stage, person, acting)
    points = mesh_points(stage, vertices)
    turns = turn_heads(generator, count, difficulty)
    pictures, labels = [], []
    for t in range(count):
        view = place_camera(
            stage, generator, turns[t : t + 1], np.zeros((1, 3)), points[t : t + 1], size, difficulty
        )
        setting = _furnish(generator, view, person, points[t], difficulty, moving=False)
        picture, label = _shoot(
            stage, person, setting, vertices[t], points[t], 0, 0.5, size, difficulty, generator
        )
        pictures.append(picture)
        labels.append(label)
    return Scene(np.stack(pictures), stack_labels(labels, acting, person))


def render_sequence(
    stage: Stage,
    seed: int,
    index: int,
    frames: int = 16,
    fps: float = 25.0,
    size: int = 112,
    difficulty: float = 1.0,
    acting: Acting | None = None,
) -> Sequence:
    """`frames` consecutive pictures of the person `index`; `acting` to play what a voice says."""
    generator = np.random.default_rng([seed, index, 1])
    person = cast_performer(stage, generator, difficulty)
    acting = acting or act_sequence(stage, generator, frames, fps)
    assert len(acting) == frames, (len(acting), frames)
    vertices = pose_vertices(stage, person, acting)
    points = mesh_points(stage, vertices)
    turn, drift = sway_head(generator, np.arange(frames) / fps, difficulty)
    view = place_camera(stage, generator, turn, drift, points, size, difficulty)
    setting = _furnish(generator, view, person, points[0], difficulty, moving=True)
    pictures, labels = [], []
    for t in range(frames):
        picture, label = _shoot(
            stage, person, setting, vertices[t], points[t], t, t / max(frames - 1, 1), size,
            difficulty, generator,
        )  # fmt: skip
        pictures.append(picture)
        labels.append(label)
    return Sequence(np.stack(pictures), stack_labels(labels, acting, person), fps)


def _furnish(
    generator: np.random.Generator,
    view: View,
    person: Performer,
    points: np.ndarray,
    difficulty: float,
    moving: bool,
) -> _Set:
    return _Set(
        lighting=choose_lighting(generator, difficulty), view=view,
        sensor=choose_sensor(generator, difficulty),
        glasses=choose_glasses(generator, points, difficulty),
        things=choose_occluders(generator, difficulty, moving),
        decor=int(generator.integers(1 << 30)),
        with_hair=bool(generator.random() < 0.3 + 0.7 * difficulty),
    )  # fmt: skip


def _shoot(
    stage: Stage,
    person: Performer,
    setting: _Set,
    vertices: np.ndarray,
    points: np.ndarray,
    t: int,
    share: float,
    size: int,
    difficulty: float,
    generator: np.random.Generator,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """One picture and its labels."""
    file, view, lighting = stage.head.file, setting.view, setting.lighting
    placed, screen = to_screen(view, t, vertices)
    seen_points, flat_points = to_screen(view, t, points)
    samples = screen * np.float32([2, 2, 1])
    face_id, nearness = fill_samples(samples, file.faces, 2 * size, 2 * size)
    normals = surface_normals(placed, file.faces)
    light = light_vertices(stage, lighting, view.turn[t], placed, normals, seen_points[13])
    noise = stage.noise[setting.decor % len(stage.noise)]
    colour, coverage, region = develop(
        face_id, samples, file.faces, file.uv_faces, file.uv, person.texture, light, stage.region,
        noise, np.float32(person.grain),
    )  # fmt: skip
    depth = nearness[::2, ::2].copy()
    decor = np.random.default_rng(setting.decor)
    room = paint_background(stage, decor, size, difficulty)
    plain = light_plain(lighting, np.float32([[0, 0.3, 0.95]]))[0]
    face_px = float(np.ptp(flat_points[:468, 0])) or 1.0
    if decor.random() < 0.3 + 0.65 * difficulty:
        neck = screen[file.masks["boundary"], :2].mean(0)
        room = dress(stage, decor, room, neck, face_px, plain)
    picture = room * (1 - coverage[..., None]) + colour
    skin = colour[region > 0]
    gain = exposure(setting.sensor, float(skin.mean()) if len(skin) else 0.3)
    hidden = np.zeros((size, size), np.float32)
    if setting.with_hair and person.style.curtain is not None:
        picture, hidden = _with_hair(stage, person, setting, t, nearness, picture)
    if setting.glasses is not None:
        picture, more = wear(setting.glasses, picture, view, t, plain)
        hidden = np.maximum(hidden, more)
    for thing in setting.things:
        here = moved(thing, share)
        picture, more = cover(stage, here, picture, flat_points[:, :2], lighting, skin)
        hidden = np.maximum(hidden, more)
    label = label_frame(
        stage, view, t, flat_points, screen, vertices, depth, region, hidden, lighting, gain
    )
    return photograph(setting.sensor, picture, gain, generator), label


def _with_hair(
    stage: Stage,
    person: Performer,
    setting: _Set,
    t: int,
    nearness: np.ndarray,
    picture: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The picture with the performer's curtain of hair, and what it hides."""
    style = person.style
    assert style.curtain is not None
    grid = np.ascontiguousarray(style.curtain.reshape(-1, 3) * person.hair_scale)
    placed, screen = to_screen(setting.view, t, grid)
    normals = surface_normals(placed, _CURTAIN_FACES)
    light = light_plain(setting.lighting, normals)
    samples = screen * np.float32([2, 2, 1])
    noise = stage.noise[style.seed % len(stage.noise)]
    colour, share = hang_strands(
        samples, _CURTAIN_FACES, _STRANDS, light, nearness, noise, np.float32(style.strands),
        np.float32(style.fray), style.colour,
    )  # fmt: skip
    return picture * (1 - share[..., None]) + colour, share
