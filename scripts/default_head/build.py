"""All steps in order: from the CC0 data to the arrays of a head file."""

from collections.abc import Callable

import numpy as np

from engine.head.landmarks import MESH_NEAR_68

from .albedo import FILE as ALBEDO_FILE
from .anatomy import Anatomy, build_anatomy
from .brows import raise_brows
from .contour import find_contour
from .correctives import build_correctives
from .eyes import IRIS, RING_ANGLES, SEGMENTS
from .identity import IdentityOptions, build_identity, neutral_base
from .joints import PARENTS, Rig, build_rig
from .landmarks import Embedding, Face, find_landmarks
from .lids import even_out_lids, make_socket, mend_lids
from .lips import close_lips, line_distance, round_opening, seal_lips, shut_identity, shut_units
from .masks import build_masks
from .mouth import hold_chin, hold_rolled_lips, round_mouth, smooth_cheeks
from .rims import Rims, find_rims
from .smiles import shape_smiles
from .source import Source
from .units import build_units, make_symmetric
from .uv import pack_uv

# Units that may go past 1: wide eyes need more to shut, and so does a jaw past jawOpen.
HIGHEST = {"eyeBlinkLeft": 1.25, "eyeBlinkRight": 1.25, "mouthClose": 1.2}
ORIGIN_BELOW_EYES = 0.035  # m: the head's origin lies this far below the eyes,
ORIGIN_BEHIND_JAW = 0.005  # and this far behind the jaw joint, near the skull's middle


def build_head(source: Source, report: Callable[[str], None]) -> dict[str, np.ndarray]:
    """The arrays of `weights/head_default.npz`."""
    anatomy = build_anatomy(source, neutral_base(source))
    rims = find_rims(anatomy)
    report(f"{len(anatomy.rest)} vertices, {len(anatomy.faces)} triangles")
    template, shape_basis = _build_people(source, anatomy, rims)
    report("identity")
    rig = build_rig(source, anatomy, template)
    units, pose_basis, masks = _build_motion(source, anatomy, template, rig, rims)
    report(f"{len(units)} units, jaw opens {np.degrees(rig.jaw_open):.1f} degrees")
    embeddings = _build_landmarks(
        anatomy, Face(template, anatomy.faces, masks, rig.joints[3:], rims)
    )
    report("landmarks")
    uv, uv_faces = pack_uv(template, anatomy.faces, masks, _source_uv_faces(anatomy))
    report("texture sheet")
    height = rig.joints[3:, 1].mean() - ORIGIN_BELOW_EYES
    origin = np.array([0, height, rig.joints[2, 2] - ORIGIN_BEHIND_JAW])
    return {
        "schema": np.array(1),
        "name": np.array("AVFace default head"),
        "template": (template - origin).astype(np.float32),
        "faces": anatomy.faces.astype(np.int32),
        "quad_count": np.array(len(anatomy.quads)),
        "shape_basis": shape_basis.astype(np.float16),
        "expression_basis": np.stack(list(units.values()), 2).astype(np.float16),
        "expression_names": np.array(list(units)),
        "expression_low": np.zeros(len(units), np.float32),
        "expression_high": np.array([HIGHEST.get(name, 1.0) for name in units], np.float32),
        "pose_basis": pose_basis.astype(np.float16),
        "joint_regressor": rig.regressor.astype(np.float32),
        "skin_weights": rig.weights.astype(np.float32),
        "parents": PARENTS,
        "uv": uv.astype(np.float32),
        "uv_faces": uv_faces.astype(np.int32),
        "albedo_file": np.array(ALBEDO_FILE),
        **{f"{name}_faces": value[0].astype(np.int32) for name, value in embeddings.items()},
        **{f"{name}_bary": value[1].astype(np.float32) for name, value in embeddings.items()},
        **{f"mask_{name}": value for name, value in masks.items()},
    }


def _build_people(source: Source, anatomy: Anatomy, rims: Rims) -> tuple[np.ndarray, np.ndarray]:
    """The mean head (V, 3) with its lips shut, and the identity components (V, 3, S)."""
    identity = build_identity(source, anatomy, IdentityOptions())
    template = seal_lips(anatomy, anatomy.symmetric(identity.mean), rims.lips)
    basis = shut_identity(anatomy, template, rims.lips, identity.basis)
    for rim in (rims.left_lids, rims.right_lids):
        basis = even_out_lids(anatomy, template, rim, basis)
    return template, basis


def _build_motion(
    source: Source, anatomy: Anatomy, template: np.ndarray, rig: Rig, rims: Rims
) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, np.ndarray]]:
    """Expression units, pose correctives (V, 3, 36) and region masks."""
    eye, lips = rig.joints[3], rims.lips
    units = build_units(source, anatomy)
    make_symmetric(anatomy, units)
    pose_basis = build_correctives(source, anatomy, template, rig)
    masks = build_masks(source, anatomy, template, rig, units, rims)
    raise_brows(anatomy, template, eye, masks["brows"], units)
    socket = make_socket(anatomy, template, rims.left_lids, eye, masks["sockets"])
    mend_lids(source, socket, units, pose_basis)
    distance = line_distance(anatomy, template, lips)
    smooth_cheeks(
        anatomy, units, distance, masks["mouth_inside"] | (template[:, 1] > eye[1] - 0.012)
    )
    hold_chin(units, distance)
    shape_smiles(anatomy, template, eye, lips, distance, masks, units)
    units["mouthFunnel"] += round_mouth(anatomy, template + units["mouthFunnel"], lips, distance)
    hold_rolled_lips(anatomy, units, lips, distance)
    round_opening(anatomy, template, rig, lips, pose_basis)
    units["mouthClose"] = close_lips(anatomy, template, rig, lips, pose_basis)
    shut_units(anatomy, template, lips, units)
    make_symmetric(anatomy, units)
    return units, pose_basis, masks


def _build_landmarks(anatomy: Anatomy, face: Face) -> dict[str, Embedding]:
    """All embeddings by their name in the head file; the 68 next to MediaPipe's as yet."""
    mesh = find_landmarks(face)
    points = mesh[0][MESH_NEAR_68], mesh[1][MESH_NEAR_68]
    contour = find_contour(face.template, face.faces, face.masks, face.eyes)
    iris = find_iris(anatomy)
    return {"landmarks_68": points, "landmarks_468": mesh, "iris": iris, "contour": contour}


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
