"""A user's FLAME as a head file: what FLAME brings, and from the default head what it lacks.

The default head is laid on FLAME's template (`registration`); landmarks, irises and masks that
FLAME's files don't hold are read off it. FLAME's own points are never replaced.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from ..exchange.head_file import SCHEMA, HeadFile, file_sha256, load_head_file
from ..exchange.protocol import AVFaceError
from ..exchange.saving import save_arrays
from ..geometry import embed, rotation_matrix, vertex_normals
from ..weights import load_head
from .flame import Embedding, FlameFiles, FlameModel, read_flame_files
from .registration import Guides, Mesh, Registration, register
from .surface import nearest_on_surface
from .transfer import carried_units

LICENCE = (
    "FLAME and what is derived from it stay under the licence under which you got them: this file "
    "is yours to use and not to pass on, unless that licence (FLAME 2023 Open: CC-BY-4.0) says so."
)
_EXPRESSION_REACH = 5.0  # standard deviations that a coefficient may reach
_STILL = 1e-3  # a joint with smaller weights moves nothing
_TOLD_MM = 2.5  # a registration whose face lies farther off is told
_COVER_REACH, _COVER_DEPTH = 4e-3, 5e-3  # m: skin that others cover so near, from so far
_OWN_MASKS = {  # FLAME's name -> ours
    "left_eyeball": "left_eye", "right_eyeball": "right_eye", "face": "face", "neck": "neck",
    "nose": "nose", "forehead": "forehead", "scalp": "scalp", "boundary": "boundary",
    "left_eye_region": "left_eye_region", "right_eye_region": "right_eye_region", "lips": "lips",
}  # fmt: skip
_LENT_MASKS = (
    "sockets", "lips", "eyelids", "ears", "upper_lip", "lower_lip", "face", "neck", "forehead",
    "scalp", "nose", "cheeks", "brows", "face_tex", "expressive", "left_eye_region",
    "right_eye_region",
)  # fmt: skip


@dataclass(frozen=True)
class Adopted:
    """A head file that was written, and what there is to say about it."""

    path: Path
    head: HeadFile
    notes: tuple[str, ...]


def adopt_flame(paths: list[Path], out: Path, shapes: int | None = None) -> Adopted:
    """Read FLAME's files and write a head file. Raises AVFaceError when the model is missing."""
    files = read_flame_files(paths, shapes)
    if files.model is None:
        raise AVFaceError(
            "None of these files holds FLAME's model.",
            "Give generic_model.pkl (2016 to 2020) or flame2023.pkl, or an .npz with their keys.",
        )
    _check_sizes(files)
    lender, model = load_head(), files.model
    eyes = _eyeballs(files)
    mesh = Mesh(model.template, model.faces, model.joint_regressor @ model.template, eyes)
    laid = register(lender, mesh, _guides(lender, files))
    notes = _notes(files, laid)
    arrays = _arrays(files, lender, mesh, laid)
    sources = {path.name: file_sha256(path) for path in paths}
    arrays |= {
        "name": np.array(f"FLAME {model.name}"),
        "laid": laid.vertices.astype(np.float32),
        "laid_from": np.array(lender.sha256),
        "licence": np.array(LICENCE),
        "sources": np.array(json.dumps(sources)),
        "notes": np.array(json.dumps(notes)),
    }
    save_arrays(out, arrays, compressed=True)
    names, mix = carried_units(load_head_file(out))
    arrays |= {"unit_names": np.array(names), "unit_mix": mix}
    save_arrays(out, arrays, compressed=True)
    return Adopted(out, load_head_file(out), tuple(notes))


def _check_sizes(files: FlameFiles) -> None:
    """Every file speaks of the same mesh."""
    model = files.model
    assert model is not None
    count, triangles = len(model.template), len(model.faces)
    points = [files.static, files.full, files.dynamic, files.mediapipe and files.mediapipe[1]]
    if any(e is not None and e[0].max() >= triangles for e in points):
        raise AVFaceError(
            "The landmarks lie on triangles that the model doesn't have.",
            "Give landmark files of the same FLAME as the model.",
        )
    if any(len(m) and not (m.min() >= 0 and m.max() < count) for m in files.masks.values()):
        raise AVFaceError(
            "The masks name vertices that the model doesn't have.", "Give FLAME's own masks."
        )
    if files.uv is not None and len(files.uv[1]) != triangles:
        raise AVFaceError(
            "The template's triangles are not the model's.", "Give FLAME's head_template.obj."
        )
    shapes = ((files.full, (68,)), (files.static, (51,)), (files.dynamic, (79, 17)))
    for given, shape in shapes:
        if given is not None and given[0].shape != shape:
            raise AVFaceError(
                f"Landmarks of shape {given[0].shape} are not FLAME's {shape}.",
                "Give the files that come with FLAME.",
            )
    if files.mediapipe is not None:
        numbers, points_ = files.mediapipe
        if len(numbers) != len(points_[0]) or numbers.min() < 0 or numbers.max() >= 478:
            raise AVFaceError(
                "The MediaPipe landmarks don't say which they are.",
                "Give mediapipe_landmark_embedding.npz.",
            )


def _is_still(model: FlameModel, joint: int) -> bool:
    return bool(model.skin_weights[:, joint].max() < _STILL)


def _eyeballs(files: FlameFiles) -> tuple[np.ndarray, np.ndarray]:
    """The left and the right eyeball's vertices: FLAME's masks, or what its eye joints move."""
    model = files.model
    assert model is not None
    found = []
    for name, joint in (("left_eyeball", 3), ("right_eyeball", 4)):
        mask = model.skin_weights[:, joint] > 0.5
        if name in files.masks:
            mask = np.zeros(len(model.template), bool)
            mask[files.masks[name]] = True
        found.append(mask)
    return found[0], found[1]


def _own_68(files: FlameFiles) -> tuple[np.ndarray, Embedding] | None:
    """Which of the 68 FLAME's files place, and where."""
    if files.full is not None:
        return np.arange(68), files.full
    if files.static is not None:
        return np.arange(17, 68), files.static
    return None


def _guides(lender: HeadFile, files: FlameFiles) -> Guides:
    """Every landmark that both heads have, without the jaw line: it is a silhouette's."""
    model = files.model
    assert model is not None
    faces, weights, target = [], [], []

    def add(own: np.ndarray, here: Embedding, there: Embedding) -> None:
        faces.append(here[0][own])
        weights.append(here[1][own])
        target.append(embed(model.template, model.faces, there))

    points = _own_68(files)
    if points is not None:
        own, there = points
        inner = own >= 17
        add(own[inner], lender.landmarks_68, (there[0][inner], there[1][inner]))
    if files.mediapipe is not None:
        numbers, there = files.mediapipe
        mesh = numbers < 468
        add(numbers[mesh], lender.landmarks_468, (there[0][mesh], there[1][mesh]))
    if not faces:
        return Guides((np.zeros(0, int), np.zeros((0, 3))), np.zeros((0, 3)))
    return Guides((np.concatenate(faces), np.concatenate(weights)), np.concatenate(target))


def _arrays(files: FlameFiles, lender: HeadFile, mesh: Mesh, laid: Registration) -> dict[str, Any]:
    model = files.model
    assert model is not None
    columns = model.expression_basis.shape[2]
    uv, uv_faces = files.uv or unrolled(mesh)
    arrays: dict[str, Any] = {
        "schema": np.array(SCHEMA),
        "template": model.template.astype(np.float32),
        "faces": model.faces,
        "quad_count": np.array(0),
        "shape_basis": model.shape_basis.astype(np.float32),
        "expression_basis": model.expression_basis.astype(np.float32),
        "expression_names": np.array([f"Exp{k + 1}" for k in range(columns)]),
        "expression_low": np.full(columns, -_EXPRESSION_REACH, np.float32),
        "expression_high": np.full(columns, _EXPRESSION_REACH, np.float32),
        "shape_names": np.array([f"Shape{k + 1}" for k in range(model.shape_basis.shape[2])]),
        "pose_names": np.array([f"Pose{k + 1}" for k in range(36)]),
        "pose_basis": model.pose_basis.astype(np.float32),
        "joint_regressor": model.joint_regressor.astype(np.float32),
        "skin_weights": model.skin_weights.astype(np.float32),
        "parents": np.array([-1, 0, 1, 1, 1], np.int32),
        "uv": uv.astype(np.float32),
        "uv_faces": uv_faces.astype(np.int32),
        "albedo_file": np.array(""),
    }
    for name, (face, weights) in _embeddings(files, lender, mesh, laid).items():
        arrays[f"{name}_faces"] = face.astype(np.int32)
        arrays[f"{name}_bary"] = weights.astype(np.float32)
    arrays |= {f"mask_{n}": m for n, m in _masks(files, lender, mesh, laid).items()}
    if files.texture is not None and files.uv is not None:
        arrays["texture"] = files.texture
    return arrays


def _embeddings(
    files: FlameFiles, lender: HeadFile, mesh: Mesh, laid: Registration
) -> dict[str, Embedding]:
    """The landmarks of a head file: FLAME's own where it has them, else the lent ones."""
    balls = mesh.eyes[0] | mesh.eyes[1]
    skin = np.flatnonzero(~balls[mesh.faces].any(1))
    normals = vertex_normals(laid.vertices, lender.faces)

    def lent(embedding: Embedding) -> Embedding:
        face, weights = (part.reshape(-1, *part.shape[embedding[0].ndim :]) for part in embedding)
        points = embed(laid.vertices, lender.faces, (face, weights))
        facing = embed(normals, lender.faces, (face, weights))
        on, share, _ = nearest_on_surface(points, mesh.vertices, mesh.faces[skin], facing)
        return skin[on].reshape(embedding[0].shape), share.reshape(embedding[1].shape)

    def merged(base: Embedding, own: np.ndarray, points: Embedding) -> Embedding:
        face, weights = base[0].copy(), base[1].copy()
        face[own], weights[own] = points
        return face, weights

    landmarks, points_68 = lent(lender.landmarks_468), lent(lender.landmarks_68)
    contour = lent(lender.contour)
    if files.mediapipe is not None:
        numbers, points = files.mediapipe
        in_mesh = numbers < 468
        landmarks = merged(landmarks, numbers[in_mesh], (points[0][in_mesh], points[1][in_mesh]))
    own = _own_68(files)
    if own is not None:
        points_68 = merged(points_68, *own)
    if files.dynamic is not None:
        contour = _by_yaw(files.dynamic, mesh)
        if files.full is None:
            points_68 = merged(points_68, np.arange(17), (contour[0][39], contour[1][39]))
    return {
        "landmarks_468": landmarks,
        "landmarks_68": points_68,
        "contour": contour,
        "iris": _irises(lender, mesh),
    }


def _by_yaw(dynamic: Embedding, mesh: Mesh) -> Embedding:
    """FLAME's contour in our order, -39 to 39 degrees.

    FLAME's rows are 0 to 39 one way, then 1 to 39 the other. Which way is which shows at the
    silhouette: there the surface is seen from the side.
    """
    rows = {yaw: abs(yaw) if yaw <= 0 else 39 + yaw for yaw in range(-39, 40)}
    normals = vertex_normals(mesh.vertices, mesh.faces)

    def facing(sign: int) -> float:
        total = 0.0
        for yaw in (-35, -25, 25, 35):
            view = rotation_matrix(np.array([0, np.radians(yaw), 0]))[2]  # R' z: to the camera
            row = rows[sign * yaw]
            points = embed(normals, mesh.faces, (dynamic[0][row], dynamic[1][row]))
            total += float(np.abs(points @ view).sum())
        return total

    sign = 1 if facing(1) <= facing(-1) else -1
    order = [rows[sign * yaw] for yaw in range(-39, 40)]
    return dynamic[0][order], dynamic[1][order]


def _irises(lender: HeadFile, mesh: Mesh) -> Embedding:
    """Pupil and rim of each iris, where the default head's are as seen from the eye's middle."""
    joints = lender.joint_regressor @ lender.template
    points = embed(lender.template, lender.faces, lender.iris)
    faces, weights = [], []
    for rows, joint, ball in ((slice(0, 5), 4, mesh.eyes[1]), (slice(5, 10), 3, mesh.eyes[0])):
        around = points[rows] - joints[joint]
        own = np.flatnonzero((ball if ball.any() else np.ones_like(ball))[mesh.faces].all(1))
        reach = np.linalg.norm(mesh.vertices[mesh.faces[own]].reshape(-1, 3) - mesh.joints[joint],
                               axis=1)  # fmt: skip
        away = np.median(reach) if ball.any() else np.linalg.norm(around, axis=1).mean()
        direction = around / np.linalg.norm(around, axis=1, keepdims=True)
        wanted = mesh.joints[joint] + away * direction
        face, share, _ = nearest_on_surface(wanted, mesh.vertices, mesh.faces[own])
        faces.append(own[face])
        weights.append(share)
    return np.concatenate(faces), np.concatenate(weights)


def _masks(
    files: FlameFiles, lender: HeadFile, mesh: Mesh, laid: Registration
) -> dict[str, np.ndarray]:
    """Our masks on FLAME's vertices."""
    balls = mesh.eyes[0] | mesh.eyes[1]
    skin = lender.masks["skin"]
    on_skin = np.flatnonzero(skin[lender.faces].all(1))
    normals = vertex_normals(mesh.vertices, mesh.faces)
    face, share, _ = nearest_on_surface(
        mesh.vertices, laid.vertices, lender.faces[on_skin], normals
    )
    nearest = lender.faces[on_skin[face], share.argmax(1)]
    masks = {name: lender.masks[name][nearest] & ~balls for name in _LENT_MASKS}
    masks |= {"skin": ~balls, "left_eye": mesh.eyes[0], "right_eye": mesh.eyes[1]}
    for theirs, ours in _OWN_MASKS.items():
        if theirs in files.masks:
            masks[ours] = np.zeros(len(mesh.vertices), bool)
            masks[ours][files.masks[theirs]] = True
    return masks


def unrolled(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Plain texture coordinates: the skin round an upright axis, cut behind; eyes in corners.

    What lies behind other skin (mouth, sockets) goes into a strip below: it would cover the face.

    Returns (U, 2) in [0, 1] and (F, 3); every triangle has corners of its own.
    """
    points = mesh.vertices[mesh.faces]  # (F, 3, 3)
    middle = mesh.vertices[:, [0, 2]].mean(0)
    angle = np.arctan2(points[..., 0] - middle[0], points[..., 2] - middle[1])
    wide = np.ptp(angle, axis=1) > np.pi  # across the cut: all corners to the side of the first
    angle = np.where(wide[:, None] & (angle < 0), angle + 2 * np.pi, angle)
    low, high = mesh.vertices[:, 1].min(), mesh.vertices[:, 1].max()
    uv = np.stack([0.5 + angle / (2 * np.pi) * 0.9, 0.08 + 0.9 * (points[..., 1] - low) /
                   (high - low)], -1)  # fmt: skip
    uv[..., 0] = np.clip(uv[..., 0], 0, 1)
    hidden = _behind_others(points, middle) & ~(mesh.eyes[0] | mesh.eyes[1])[mesh.faces].any(1)
    uv[hidden] = [0.12, 0.0] + [0.76, 0.06] * uv[hidden]
    for ball, joint, left in zip(mesh.eyes, (3, 4), (0.02, 0.92), strict=True):
        own = ball[mesh.faces].all(1)
        around = points[own] - mesh.joints[joint]
        around /= np.maximum(np.linalg.norm(around, axis=-1, keepdims=True), 1e-9)
        polar = np.arccos(np.clip(around[..., 2:], -1, 1)) / np.pi  # the pupil in the middle
        flat = around[..., :2] / np.maximum(np.linalg.norm(around[..., :2], axis=-1,
                                                           keepdims=True), 1e-9)  # fmt: skip
        uv[own] = [left + 0.03, 0.035] + 0.03 * polar * flat
    return uv.reshape(-1, 2), np.arange(uv.shape[0] * 3).reshape(-1, 3)


def _behind_others(points: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Triangles (F,) that other ones cover as seen from outside, square to an upright axis."""
    centre = points.mean(1)
    across = centre[:, [0, 2]] - middle
    radius = np.linalg.norm(across, axis=1)
    angle = np.arctan2(across[:, 0], across[:, 1])
    plane = np.column_stack([np.median(radius) * angle, centre[:, 1]])
    pairs = KDTree(plane).query_pairs(_COVER_REACH, output_type="ndarray")
    outermost = radius.copy()
    np.maximum.at(outermost, pairs[:, 0], radius[pairs[:, 1]])
    np.maximum.at(outermost, pairs[:, 1], radius[pairs[:, 0]])
    return outermost > radius + _COVER_DEPTH


def _notes(files: FlameFiles, laid: Registration) -> list[str]:
    """What is missing and what works without it."""
    model = files.model
    assert model is not None
    notes = []
    if files.mediapipe is None:
        notes.append(
            "mediapipe_landmark_embedding.npz is missing: the fit goes by points laid over from "
            "the default head."
        )
    if _own_68(files) is None:
        notes.append("landmark_embedding.npy is missing: the 68 points are laid over too.")
    elif files.dynamic is None:
        notes.append("The sliding jaw line is missing: it is laid over from the default head.")
    if not files.masks:
        notes.append("FLAME_masks.pkl is missing: regions are laid over from the default head.")
    if files.uv is None:
        notes.append(
            "head_template.obj is missing: texture coordinates are plain ones, FLAME's textures "
            "will not fit them."
        )
        if files.texture is not None:
            notes.append("The texture is left out: it needs head_template.obj.")
    if _is_still(model, 2):
        notes.append("This FLAME's jaw does not turn: its expression columns open the mouth.")
    if laid.error_mm > _TOLD_MM:
        notes.append(
            f"The default head could be laid on this one to {laid.error_mm:.1f} mm only: points "
            "laid over may be off."
        )
    return notes
