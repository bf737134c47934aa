"""Scenes for another renderer: heads that act, their skin's colours, a camera and lights, as files.

`scripts/blender_render_testset.py` draws them by Blender's Cycles. For each scene there are
NAME.scene.npz (vertices, triangles, UVs, camera, lights), NAME.albedo.png and NAME.truth.npz; the
pictures go into the folder NAME.
"""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ..detail.complexion import person_texture
from ..exchange.saving import save_arrays
from ..geometry import to_camera
from ..head.model import FaceParams, Head
from ..media.pictures import write_picture
from ..weights import load_head

SIZE, FPS = 384, 25.0  # px; of the moments
_FOCAL_PER_SIDE = 2.2
_DISTANCE_M = (0.6, 1.1)
_SEED = 660_001


def write_scenes(folder: Path, count: int, frames: int) -> list[Path]:
    """Write `count` scenes of `frames` pictures; the paths of their NAME.scene.npz."""
    from ..training.people import build_stage
    from ..training.people.acting import act_sequence
    from ..training.people.camera import sway_head
    from ..training.performances import babble, speak_with

    head, paths = Head(load_head()), []
    stage = build_stage()
    for k in range(count):
        generator = np.random.default_rng([_SEED, k])
        seconds = np.arange(frames) / FPS
        acting = act_sequence(stage, generator, frames, FPS)
        acting = speak_with(stage, acting, babble(generator, 2.0), seconds + 0.5, generator)
        turn, drift = sway_head(generator, seconds, 0.5)
        drift[:, 2] -= generator.uniform(*_DISTANCE_M)
        params = FaceParams(
            shape=generator.normal(size=100) * 1.2, albedo=generator.normal(size=50),
            expression=acting.units, jaw=acting.jaw, eyes=acting.eyes,
            head_pose=Rotation.from_matrix(turn).as_rotvec(), head_translation=drift,
            focal=_FOCAL_PER_SIDE * SIZE, light=np.zeros((9, 3)),
        )  # fmt: skip
        paths.append(_write_scene(folder / f"cycles_{k:02d}", head, params, generator))
    return paths


def _write_scene(
    stem: Path, head: Head, params: FaceParams, generator: np.random.Generator
) -> Path:
    file, rest = head.file, head.rest(params.shape)
    posed = np.stack([head.frame(params, t, rest) for t in range(len(params))])
    seen = to_camera(posed, params.head_pose, params.head_translation)
    texture = person_texture(head, params.albedo, 1024)
    write_picture(texture, stem.with_name(stem.name + ".albedo.png"))
    turn = Rotation.from_rotvec(params.head_pose).as_matrix()
    marks = [head.landmarks_px(params, t, (SIZE, SIZE), rest) for t in range(len(params))]
    truth = {
        "landmarks": np.stack(marks), "covered": np.zeros((len(params), 68), bool),
        "vertices": posed.astype(np.float32), "turn": turn,
    }  # fmt: skip
    save_arrays(stem.with_name(stem.name + ".truth.npz"), truth, compressed=True)
    path = stem.with_name(stem.name + ".scene.npz")
    arrays = {
        "vertices": seen.astype(np.float32), "faces": file.faces, "uv": file.uv,
        "uv_faces": file.uv_faces, "focal": np.array(params.focal), "size": np.array(SIZE),
        "key": np.array([generator.uniform(-1.2, 1.2), generator.uniform(0.0, 1.0), 1.0]),
        "key_watts": np.array(generator.uniform(8, 25)),
        "sky": generator.uniform(0.15, 0.6) * generator.uniform(0.7, 1.0, 3),
    }  # fmt: skip
    save_arrays(path, arrays, compressed=True)
    return path
