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
from .camera import View, place_camera, sway_head, to_screen, turn_far, turn_heads
from .drawing import Strands, Surface, develop, fill_samples, hang_strands, surface_normals
from .glasses import Glasses, choose_glasses, wear
from .identity import Performer, cast_performer
from .labels import Drawn, Labels, label_frame, stack_labels
from .light import Lighting, choose_lighting, light_plain, light_vertices
from .occluders import USUAL, Clutter, Occluder, choose_occluders, cover, moved
from .photo import Sensor, choose_sensor, exposure, photograph
from .posing import mesh_points, pose_vertices
from .stage import Stage

_CURTAIN_FACES = hair_module.curtain_faces()
_STRANDS = hair_module.strand_coordinates()
_DOUBLE = np.array([2, 2, 1], np.float32)
_FORWARD = np.array([[0, 0.3, 0.95]], np.float32)  # where the things beside the face look


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
    room: np.ndarray  # (S, S, 3) what is behind
    decor: int  # seed of clothes and grain
    with_hair: bool
    size: int  # px
    difficulty: float


@dataclass(frozen=True)
class Moment:
    """The performer at one time."""

    vertices: np.ndarray  # (V, 3) head axes, m
    points: np.ndarray  # (478, 3)
    t: int  # frame of the view
    share: float  # of the sequence that is over


def render_scene(
    stage: Stage,
    seed: int,
    index: int,
    count: int = 8,
    size: int = 112,
    difficulty: float = 1.0,
    clutter: Clutter = USUAL,
    from_side: bool = False,
) -> Scene:
    """`count` moments of the person `index`, each a picture of `size` pixels.

    Args:
        difficulty: 0 plain faces before plain walls, 1 everything: the curriculum's one number.
        clutter: What is before the faces.
        from_side: Heads that are turned by 30 to 95 degrees.
    """
    generator = np.random.default_rng([seed, index])
    person = cast_performer(stage, generator, difficulty)
    acting = act_moments(stage, generator, count)
    vertices = pose_vertices(stage, person, acting)
    points = mesh_points(stage, vertices)
    turns = turn_far(generator, count) if from_side else turn_heads(generator, count, difficulty)
    pictures, labels = [], []
    for t in range(count):
        view = place_camera(
            stage,
            generator,
            turns[t : t + 1],
            np.zeros((1, 3)),
            points[t : t + 1],
            size,
            difficulty,
        )
        setting = furnish(stage, generator, view, points[t], size, difficulty, False, clutter)
        moment = Moment(vertices[t], points[t], 0, 0.5)
        picture, label = shoot(stage, person, setting, moment, generator)
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
    setting = furnish(stage, generator, view, points[0], size, difficulty, moving=True)
    pictures, labels = [], []
    for t in range(frames):
        moment = Moment(vertices[t], points[t], t, t / max(frames - 1, 1))
        picture, label = shoot(stage, person, setting, moment, generator)
        pictures.append(picture)
        labels.append(label)
    return Sequence(np.stack(pictures), stack_labels(labels, acting, person), fps)


def furnish(
    stage: Stage,
    generator: np.random.Generator,
    view: View,
    points: np.ndarray,
    size: int,
    difficulty: float,
    moving: bool,
    clutter: Clutter = USUAL,
) -> _Set:
    """What surrounds a performer with points (478, 3) in a picture of `size` pixels."""
    return _Set(
        lighting=choose_lighting(generator, difficulty), view=view,
        sensor=choose_sensor(generator, difficulty),
        glasses=choose_glasses(generator, points, difficulty),
        things=choose_occluders(generator, difficulty, moving, clutter),
        room=paint_background(stage, generator, size, difficulty),
        decor=int(generator.integers(1 << 30)),
        with_hair=bool(generator.random() < 0.3 + 0.7 * difficulty),
        size=size, difficulty=difficulty,
    )  # fmt: skip


def shoot(
    stage: Stage,
    person: Performer,
    setting: _Set,
    moment: Moment,
    generator: np.random.Generator,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """One picture and its labels."""
    view, lighting, t, size = setting.view, setting.lighting, moment.t, setting.size
    placed, screen = to_screen(view, t, moment.vertices)
    seen_points, points = to_screen(view, t, moment.points)
    samples = screen * _DOUBLE
    faces = stage.head.file.faces
    face_id, nearness = fill_samples(samples, faces, 2 * size, 2 * size)
    light = light_vertices(
        stage, lighting, view.turn[t], placed, surface_normals(placed, faces), seen_points[13]
    )
    colour, coverage, region = develop(
        face_id, samples, _surface(stage), person.texture, light,
        stage.noise[setting.decor % len(stage.noise)], np.float32(person.grain),
    )  # fmt: skip
    depth = nearness[::2, ::2].copy()
    plain = light_plain(lighting, _FORWARD)[0]
    face_px = float(np.ptp(points[:468, 0])) or 1.0
    room = _dressed(stage, setting, screen, face_px, plain)
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
        here = moved(thing, moment.share)
        picture, more = cover(stage, here, picture, points[:, :2], lighting, skin)
        hidden = np.maximum(hidden, more)
    drawn = Drawn(points, screen, depth, region, hidden, lighting.total() * gain)
    picture = photograph(setting.sensor, picture, gain, generator)
    return picture, label_frame(stage, view, t, drawn)


def _surface(stage: Stage) -> Surface:
    file = stage.head.file
    return Surface(file.faces, file.uv_faces, file.uv, stage.region)


def _dressed(
    stage: Stage, setting: _Set, screen: np.ndarray, face_px: float, plain: np.ndarray
) -> np.ndarray:
    """What is behind the head, clothes included, (S, S, 3)."""
    decor = np.random.default_rng(setting.decor)
    if decor.random() > 0.3 + 0.65 * setting.difficulty:
        return setting.room
    neck = screen[stage.head.file.masks["boundary"], :2].mean(0)
    return dress(stage, decor, setting.room, neck, face_px, plain)


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
    samples = screen * _DOUBLE
    noise = stage.noise[style.seed % len(stage.noise)]
    strands = Strands(
        _CURTAIN_FACES, _STRANDS, np.float32(style.strands), np.float32(style.fray), style.colour
    )
    colour, share = hang_strands(samples, strands, light, nearness, noise)
    return picture * (1 - share[..., None]) + colour, share
