"""A user's FLAME as a head file: what FLAME brings, and from the default head what it lacks.

The default head is laid on FLAME's template (`registration`); landmarks, irises and masks that
FLAME's files don't hold are read off it (`lending`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..exchange.head_file import (
    JAW_JOINT,
    LEFT_EYE_JOINT,
    RIGHT_EYE_JOINT,
    SCHEMA,
    HeadFile,
    file_sha256,
    load_head_file,
)
from ..exchange.protocol import AVFaceError
from ..exchange.saving import save_arrays, saved
from ..geometry import embed
from ..weights import load_head
from .flame import Embedding, FlameFiles, read_flame_files
from .lending import embeddings, masks, own_68
from .registration import Guides, Mesh, Registration, register
from .transfer import carried_units
from .unrolled import unrolled

LICENCE = (
    "FLAME and what is derived from it stay under the licence under which you got them: this file "
    "is yours to use and not to pass on, unless that licence (FLAME 2023 Open: CC-BY-4.0) says so."
)
_EXPRESSION_REACH = 5.0  # standard deviations that a coefficient may reach
_STILL = 1e-3  # a jaw with smaller weights moves nothing
_TOLD_MM = 2.5  # a registration whose face lies farther off is told


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
    with saved(out) as temporary:
        save_arrays(temporary, arrays)
        names, mix = carried_units(load_head_file(temporary))
        arrays |= {"unit_names": np.array(names), "unit_mix": mix}
        save_arrays(temporary, arrays, compressed=True)
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


def _eyeballs(files: FlameFiles) -> tuple[np.ndarray, np.ndarray]:
    """The left and the right eyeball's vertices: FLAME's masks, or what its eye joints move."""
    model = files.model
    assert model is not None
    found = []
    for name, joint in (("left_eyeball", LEFT_EYE_JOINT), ("right_eyeball", RIGHT_EYE_JOINT)):
        mask = model.skin_weights[:, joint] > 0.5
        if name in files.masks:
            mask = np.zeros(len(model.template), bool)
            mask[files.masks[name]] = True
        found.append(mask)
    return found[0], found[1]


def _guides(lender: HeadFile, files: FlameFiles) -> Guides:
    """Every landmark that both heads have, without the jaw line: it is a silhouette's."""
    model = files.model
    assert model is not None
    faces, weights, target = [], [], []

    def add(own: np.ndarray, here: Embedding, there: Embedding) -> None:
        faces.append(here[0][own])
        weights.append(here[1][own])
        target.append(embed(model.template, model.faces, there))

    points = own_68(files)
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
    for name, (face, weights) in embeddings(files, lender, mesh, laid).items():
        arrays[f"{name}_faces"] = face.astype(np.int32)
        arrays[f"{name}_bary"] = weights.astype(np.float32)
    arrays |= {f"mask_{n}": m for n, m in masks(files, lender, mesh, laid).items()}
    if files.texture is not None and files.uv is not None:
        arrays["texture"] = files.texture
    return arrays


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
    if own_68(files) is None:
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
    if model.skin_weights[:, JAW_JOINT].max() < _STILL:
        notes.append("This FLAME's jaw does not turn: its expression columns open the mouth.")
    if laid.error_mm > _TOLD_MM:
        notes.append(
            f"The default head could be laid on this one to {laid.error_mm:.1f} mm only: points "
            "laid over may be off."
        )
    return notes
