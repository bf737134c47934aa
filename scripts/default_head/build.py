"""All steps in order: from the CC0 data to the arrays of a head file."""

from collections.abc import Callable

import numpy as np

from .anatomy import Anatomy, build_anatomy
from .contour import find_contour
from .correctives import build_correctives
from .eyes import IRIS, RING_ANGLES, SEGMENTS
from .identity import IdentityOptions, build_identity, neutral_base
from .joints import PARENTS, build_rig
from .landmarks import Face, find_landmarks
from .lips import seal_lips
from .masks import build_masks
from .rims import LEFT_LIDS, LIPS, rim_loop, split_loop
from .source import Source
from .units import build_units
from .uv import pack_uv

ORIGIN_BELOW_EYES = 0.035  # m: the head's origin lies this far below the eyes,
ORIGIN_BEHIND_JAW = 0.005  # and this far behind the jaw joint, near the skull's middle


def build_head(source: Source, report: Callable[[str], None]) -> dict[str, np.ndarray]:
    """The arrays of `weights/head_default.npz`."""
    anatomy = build_anatomy(source, neutral_base(source))
    report(f"{len(anatomy.rest)} vertices, {len(anatomy.faces)} triangles")
    identity = build_identity(source, anatomy, IdentityOptions())
    report("identity")
    lips = split_loop(anatomy, rim_loop(anatomy, LIPS))
    left_lids = split_loop(anatomy, rim_loop(anatomy, LEFT_LIDS))
    right_lids = split_loop(anatomy, anatomy.mirror[rim_loop(anatomy, LEFT_LIDS)])
    template = seal_lips(anatomy, anatomy.symmetric(identity.mean), lips)
    rig = build_rig(source, anatomy, template)
    units = build_units(source, anatomy)
    pose_basis = build_correctives(source, anatomy, template, rig)
    report(f"{len(units)} units, jaw opens {np.degrees(rig.jaw_open):.1f} degrees")
    masks = build_masks(source, anatomy, template, rig, units, lips, (left_lids, right_lids))
    face = Face(template, anatomy.faces, masks, rig.joints[3:], lips, left_lids, right_lids)
    landmarks_468, landmarks_68 = find_landmarks(face)
    contour = find_contour(face)
    middle = len(contour[0]) // 2
    landmarks_68[0][:17], landmarks_68[1][:17] = contour[0][middle], contour[1][middle]
    report("landmarks")
    uv, uv_faces = pack_uv(template, anatomy.faces, masks, _source_uv_faces(anatomy))
    report("texture sheet")
    origin = np.array(
        [
            0,
            rig.joints[3:, 1].mean() - ORIGIN_BELOW_EYES,
            rig.joints[2, 2] - ORIGIN_BEHIND_JAW,
        ]
    )
    embeddings = {
        "landmarks_68": landmarks_68,
        "landmarks_468": landmarks_468,
        "iris": find_iris(anatomy),
        "contour": contour,
    }
    return {
        "schema": np.array(1),
        "name": np.array("AVFace default head"),
        "template": (template - origin).astype(np.float32),
        "faces": anatomy.faces.astype(np.int32),
        "quad_count": np.array(len(anatomy.quads)),
        "shape_basis": identity.basis.astype(np.float16),
        "expression_basis": np.stack(list(units.values()), 2).astype(np.float16),
        "expression_names": np.array(list(units)),
        "expression_low": np.zeros(len(units), np.float32),
        "expression_high": np.ones(len(units), np.float32),
        "pose_basis": pose_basis.astype(np.float16),
        "joint_regressor": rig.regressor.astype(np.float32),
        "skin_weights": rig.weights.astype(np.float32),
        "parents": PARENTS,
        "uv": uv.astype(np.float32),
        "uv_faces": uv_faces.astype(np.int32),
        "albedo_file": np.array(""),
        **{f"{name}_faces": value[0].astype(np.int32) for name, value in embeddings.items()},
        **{f"{name}_bary": value[1].astype(np.float32) for name, value in embeddings.items()},
        **{f"mask_{name}": value for name, value in masks.items()},
    }


def _source_uv_faces(anatomy: Anatomy) -> np.ndarray:
    """MakeHuman's texture coordinates of the skin's triangles, (F_skin, 3)."""
    quads = anatomy.skin.uv_quads
    return np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], 1).reshape(-1, 3)


def find_iris(anatomy: Anatomy) -> tuple[np.ndarray, np.ndarray]:
    """MediaPipe's points 468-477 on the eyeballs: centre, then a ring on the iris's edge.

    The subject's right eye first. Round the ring: towards the picture's right, up, left, down.
    """
    ring = 1 + int(np.argmin(np.abs(RING_ANGLES - IRIS))) * SEGMENTS
    quarter = SEGMENTS // 4
    local = [0, *(ring + k * quarter for k in range(4))]
    vertices = np.concatenate([anatomy.parts[eye][local] for eye in ("right_eye", "left_eye")])
    faces, weights = np.zeros(len(vertices), int), np.zeros((len(vertices), 3))
    for k, vertex in enumerate(vertices):
        face, corner = np.argwhere(anatomy.faces == vertex)[0]
        faces[k], weights[k, corner] = face, 1
    return faces, weights
