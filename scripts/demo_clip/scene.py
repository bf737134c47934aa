"""The demo clip's set and camera: a blurred room that drifts, lights, lens, noise."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from engine.geometry import project, to_camera
from engine.head.model import FaceParams
from engine.head.mouth_light import out_of_mouth
from engine.preview import lighting, shading
from engine.preview.sitter import Sitter
from engine.preview.studio import vertex_table
from engine.preview.vertices import AMBIENT, COLUMNS, FINISH, GONE, LIT, Surface, fill_normals
from engine.render import visible_faces

from .wardrobe import Garment

SIZE = (640, 480)
FOCAL = 980.0  # px
_NOISE = 2.2  # standard deviation of the sensor's noise, of 255
_MARGIN = 60  # px of room beyond the picture, for the camera to sway in
_CLOTH_FINISH = (0.05, 6.0, 0.0)


@dataclass(frozen=True)
class Room:
    """The background, larger than the picture, and lamps that move in it."""

    picture: np.ndarray  # (H, W, 3) float32, 0-255
    lamps: np.ndarray  # (n, 5): x, y (px), radius (px), brightness, phase


def build_room(generator: np.random.Generator) -> Room:
    """Shelves, a window and a plant, far out of focus."""
    width, height = SIZE[0] + 2 * _MARGIN, SIZE[1] + 2 * _MARGIN
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = np.linspace((150, 138, 124), (104, 92, 84), height)[:, None]
    for row in range(4):  # shelves with books
        y = 60 + row * 130
        x = 20
        while x < 330:
            wide, tall = int(generator.integers(10, 30)), int(generator.integers(60, 105))
            colour = np.array((110, 96, 84)) * generator.uniform(0.5, 1.25, 3)
            cv2.rectangle(picture, (x, y + 110 - tall), (x + wide, y + 110), colour.tolist(), -1)
            x += wide + int(generator.integers(0, 4))
        cv2.rectangle(picture, (10, y + 110), (345, y + 120), (88, 66, 50), -1)
    cv2.rectangle(picture, (500, 40), (720, 360), (226, 232, 236), -1)
    for bar in (500, 608, 720):
        cv2.rectangle(picture, (bar - 5, 40), (bar + 5, 360), (120, 112, 104), -1)
    for _ in range(60):  # leaves
        x, y = generator.normal((430, 430), (40, 60))
        green = (60 + 30 * generator.random(), 96 + 40 * generator.random(), 58)
        axes = (int(generator.integers(8, 26)), int(generator.integers(5, 10)))
        turned = int(generator.integers(0, 180))
        cv2.ellipse(picture, (int(x), int(y)), axes, turned, 0, 360, green, -1)
    picture = cv2.GaussianBlur(picture, (0, 0), 9)
    lamps = np.column_stack(
        [
            generator.uniform(40, width - 40, 6), generator.uniform(40, 260, 6),
            generator.uniform(9, 18, 6), generator.uniform(20, 60, 6), generator.random(6),
        ]
    )  # fmt: skip
    return Room(picture, lamps)


def film(
    sitter: Sitter,
    hair: np.ndarray,
    garment: Garment,
    params: FaceParams,
    times: np.ndarray,
    room: Room,
    generator: np.random.Generator,
) -> Iterator[np.ndarray]:
    """The clip's pictures, (H, W, 3) uint8; `hair` (V,) is 1 where hair grows."""
    for t, seconds in enumerate(times):
        vertices = sitter.head.camera_frame(params, t, sitter.rest)
        body = to_camera(garment.vertices, np.zeros(3), _body_place(params, t))
        colour, coverage = _photograph(sitter, vertices, garment, body, params.focal, hair)
        alpha = cv2.GaussianBlur(coverage.astype(np.float32) / 255, (0, 0), 0.6)[..., None]
        picture = colour * alpha + _background(room, float(seconds)) * (1 - alpha)
        yield _expose(picture, generator)


def _body_place(params: FaceParams, t: int) -> np.ndarray:
    """The trunk follows the head's base by half, and does not turn."""
    mean = params.head_translation.mean(0)
    return mean + 0.35 * (params.head_translation[t] - mean)


def _photograph(
    sitter: Sitter,
    vertices: np.ndarray,
    garment: Garment,
    body: np.ndarray,
    focal: float,
    hair: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Head and garment in one picture: colour (H, W, 3) uint8 and coverage (H, W) uint8."""
    file, count = sitter.head.file, len(vertices)
    head_table = vertex_table(sitter, vertices, with_tangents=False)
    head_table[:, [AMBIENT, LIT]] *= 1 - head_table[:, [GONE]]  # the neck goes on, in its collar
    head_table[:, GONE] = 0
    head_table[hair > 0.5, FINISH : FINISH + 2] = (0.12, 14.0)
    cloth = np.zeros((len(body), COLUMNS), np.float32)
    cloth[:, :3] = body
    fill_normals(cloth, garment.faces, garment.faces, garment.uv, False)
    near_neck = np.exp(-np.hypot(garment.vertices[:, 0], garment.vertices[:, 1] + 0.1) / 0.1)
    cloth[:, AMBIENT] = 0.95 - 0.45 * near_neck
    cloth[:, LIT] = 1 - 0.55 * near_neck
    cloth[:, FINISH : FINISH + 3] = _CLOTH_FINISH
    both = np.concatenate([vertices, body])
    samples = np.column_stack([project(both, focal, SIZE) * 2, -both[:, 2]])
    faces = np.concatenate([file.faces, garment.faces + count])
    islands = np.concatenate([sitter.islands, np.full(len(garment.faces), -1)]).astype(np.int32)
    face_id, nearness = visible_faces(samples, faces, (SIZE[0] * 2, SIZE[1] * 2), cull_back=True)
    # one sheet for both: the head's on the left, the garment's on the right
    uv = np.concatenate([file.uv * (0.5, 1), garment.uv * (0.5, 1) + (0.5, 0)]).astype(np.float32)
    uv_faces = np.concatenate([file.uv_faces, garment.faces + len(file.uv)])
    surface = Surface(
        samples.astype(np.float32), faces, islands, uv_faces, uv,
        np.concatenate([head_table, cloth]),
    )  # fmt: skip
    size = len(sitter.texture)
    sheet = np.hstack([sitter.texture, cv2.resize(garment.texture, (size, size))])
    flat = np.zeros((1, 1, 4), np.uint8)
    maps = shading.Maps(sheet, flat, flat, np.float32(0))
    out = out_of_mouth(file, vertices)
    lights = lighting.Lights(sitter.exposure, np.zeros((0, 3), np.float32), lighting.KEY, out)
    colour, _, coverage, *_ = shading.develop(face_id, nearness, surface, maps, lights)
    return colour, coverage


def _background(room: Room, seconds: float) -> np.ndarray:
    """The room behind a camera held in the hand, (H, W, 3) float32."""
    dx = _MARGIN + 18 * np.sin(0.9 * seconds) + 5 * np.sin(2.7 * seconds + 1)
    dy = _MARGIN + 9 * np.sin(0.7 * seconds + 2) + 3 * np.sin(3.1 * seconds)
    shift = np.array([[1, 0, -dx], [0, 1, -dy]])
    picture = cv2.warpAffine(room.picture, shift, SIZE)
    glow = np.zeros((SIZE[1], SIZE[0]), np.float32)
    for x, y, radius, brightness, phase in room.lamps:
        wander = 14 * np.sin(0.8 * seconds + 2 * np.pi * phase)
        centre = (round((x + wander - dx) * 8), round((y - dy) * 8))
        cv2.circle(glow, centre, round(radius * 8), float(brightness), -1, cv2.LINE_AA, 3)
    return picture + cv2.GaussianBlur(glow, (0, 0), 2.5)[..., None] * (1.0, 0.92, 0.75)


def _expose(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Lens, vignette and the sensor's noise: (H, W, 3) uint8."""
    y, x = np.mgrid[-1 : 1 : SIZE[1] * 1j, -1 : 1 : SIZE[0] * 1j]
    fall = 1 - 0.14 * (x**2 + y**2)
    soft = cv2.GaussianBlur(picture * fall[..., None], (0, 0), 0.55)
    grain = generator.normal(0, _NOISE, soft.shape) * np.array((1.0, 0.8, 1.2))
    return np.clip(np.round(soft + grain), 0, 255).astype(np.uint8)
