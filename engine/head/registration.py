"""One head laid on another: which point of the one is which point of the other.

The default head takes the other's shape: first as a person (similarity and identity), then freely
with a stiffness that falls (Amberg et al. 2007, with closest points and a uniform Laplacian).
Landmarks that both heads have, and the eyes' joints, lead; without landmarks the surfaces alone do.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from ..exchange.head_file import LEFT_EYE_JOINT, NECK_JOINT, RIGHT_EYE_JOINT, HeadFile
from ..geometry import Similarity, align_points, rotation_matrix, vertex_normals
from .surface import nearest_on_surface

_PERSON_ROUNDS, _FREE_ROUNDS = 12, 10
_JOINTS = [NECK_JOINT, LEFT_EYE_JOINT, RIGHT_EYE_JOINT]
_JOINT_SD = np.array([0.1, 2e-3 / 3, 2e-3 / 3])  # m: the eyes are sure, the neck is not
_SHAPE_SD = 1 / 3  # of a component, beside thousands of points whose errors go together
_FIT_SD = 1.5e-3  # m, of a closest point, along the normal
_PERSON_KNEE, _FREE_KNEE = 4e-3, 3e-3  # m: closest points beyond count less the farther they are
_GUIDE_SD = 5e-3  # m, of a landmark while a person is sought
_LEAST_GUIDES = 6  # that place a head without its joints
_MOST_TURN, _MOST_GROWTH = 0.3, 0.1  # rad, log: of a step
_STIFF = (30.0, 0.3)  # of the Laplacian, from the first free round to the last
_GUIDE_WEIGHT = 8.0  # of a landmark against a closest point, in the free rounds
_FAR = 15e-3  # m: closest points beyond have no meaning
_LEAST_FACING = 0.4


@dataclass(frozen=True)
class Mesh:
    """A head's surface at rest: what registration needs of the target."""

    vertices: np.ndarray  # (V, 3) m
    faces: np.ndarray  # (F, 3)
    joints: np.ndarray  # (5, 3)
    eyes: tuple[np.ndarray, np.ndarray]  # (V,) bool: the left and the right eyeball


@dataclass(frozen=True)
class Guides:
    """Points that are the same on both heads."""

    source: tuple[np.ndarray, np.ndarray]  # faces (G,), barycentric (G, 3) on the default head
    target: np.ndarray  # (G, 3) on the target, m


@dataclass(frozen=True)
class Registration:
    """The default head in the target's shape."""

    vertices: np.ndarray  # (V, 3) of the default head, laid on the target
    error_mm: float  # median distance of the face's vertices to the target


def register(head: HeadFile, target: Mesh, guides: Guides) -> Registration:
    """Lay the default head on `target`."""
    skin_faces = target.faces[~(target.eyes[0] | target.eyes[1])[target.faces].any(1)]
    surface = Mesh(target.vertices, skin_faces, target.joints, target.eyes)
    outside = head.masks["skin"] & ~head.masks["mouth_inside"]
    person = _as_person(head, surface, guides, outside)
    laid = _freely(head, surface, guides, outside, person)
    laid = _with_eyes(head, target, laid)
    face = head.masks["face_tex"] & outside
    _, _, distance = nearest_on_surface(laid[face], surface.vertices, surface.faces)
    return Registration(laid, float(1e3 * np.median(distance)))


def _guide_matrix(head: HeadFile, guides: Guides) -> Any:
    face, weights = guides.source
    rows = np.repeat(np.arange(len(face)), 3)
    shape = (len(face), len(head.template))
    return sp.csr_matrix((weights.ravel(), (rows, head.faces[face].ravel())), shape)


def _as_person(head: HeadFile, target: Mesh, guides: Guides, outside: np.ndarray) -> np.ndarray:
    """Similarity and identity by closest points (Gauss-Newton): the default head's vertices."""
    template, basis = head.template.astype(float), head.shape_basis.astype(float)
    joints, guide = head.joint_regressor[_JOINTS].astype(float), _guide_matrix(head, guides)
    known = [(joints, target.joints[_JOINTS], 1 / _JOINT_SD)]
    placing = align_points(joints @ template, target.joints[_JOINTS])
    if count := guide.shape[0]:
        known.append((guide, guides.target, np.full(count, 1 / _GUIDE_SD)))
    if count >= _LEAST_GUIDES:
        placing = align_points(guide @ template, guides.target)
    used = np.flatnonzero(outside & ~head.masks["sockets"])[::3]
    columns = basis.shape[2]
    shape, prior = np.zeros(columns), np.eye(columns, columns + 7) / _SHAPE_SD
    for round_ in range(_PERSON_ROUNDS):
        rest = template + basis @ shape
        far = _FAR * max(1.0, 3 - round_)
        parts = [_surface_pull(head, target, used, basis, rest, placing, far)]
        parts += [_point_pull(*points, basis, rest, placing) for points in known]
        parts.append((prior, -shape / _SHAPE_SD))
        A, b = (np.concatenate(side) for side in zip(*parts, strict=True))
        step = np.linalg.solve(A.T @ A + 1e-9 * np.eye(columns + 7), A.T @ b)
        shape, placing = shape + step[:columns], _moved(placing, step[columns:])
    return placing(template + basis @ shape)


def _surface_pull(
    head: HeadFile,
    target: Mesh,
    used: np.ndarray,
    basis: np.ndarray,
    rest: np.ndarray,
    placing: Similarity,
    far: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Equations (N, S + 7) and right sides (N,): vertices `used` onto the surface, along normals.

    Closest points beyond `far` (m) don't count.
    """
    placed = placing(rest)
    face, weights, distance, facing = _closest(placed, head, used, target)
    trust = (distance < far) & (facing > _LEAST_FACING)
    foot = np.einsum("nk,nkc->nc", weights, target.vertices[target.faces[face]])
    normal = _normal_at(target, face, weights)
    w = trust / np.maximum(1, distance / _PERSON_KNEE) / _FIT_SD
    design = _design(basis[used], rest[used], placing)
    rows = np.einsum("n,nc,nck->nk", w, normal, design)
    return rows, w * np.einsum("nc,nc->n", normal, foot - placed[used])


def _point_pull(
    matrix: Any,
    wanted: np.ndarray,
    weight: np.ndarray,
    basis: np.ndarray,
    rest: np.ndarray,
    placing: Similarity,
) -> tuple[np.ndarray, np.ndarray]:
    """The same for points that `matrix` (N, V) makes of vertices: onto `wanted` (N, 3) m."""
    moves, here = np.stack([matrix @ basis[:, c] for c in range(3)], 1), matrix @ rest
    rows = _design(moves, here, placing) * weight[:, None, None]
    apart = (wanted - placing(here)) * weight[:, None]
    return rows.reshape(-1, rows.shape[2]), apart.ravel()


def _moved(placing: Similarity, step: np.ndarray) -> Similarity:
    """After a step of turn (rad), shift (m) and log scale, (7,)."""
    turn = rotation_matrix(np.clip(step[:3], -_MOST_TURN, _MOST_TURN))
    grown = float(np.exp(np.clip(step[6], -_MOST_GROWTH, _MOST_GROWTH)))
    return Similarity(placing.turn @ turn, placing.shift + step[3:6], placing.scale * grown)


def _design(basis: np.ndarray, rest: np.ndarray, placing: Similarity) -> np.ndarray:
    """Derivative of placed points by shape, turn, shift and log scale: (N, 3, S + 7)."""
    scale, rotation = placing.scale, placing.turn
    shape = scale * np.einsum("ab,nbk->nak", rotation, basis)
    x, y, z = rest.T
    zero = np.zeros_like(x)
    turned = np.stack([
        np.stack([zero, z, -y], 1), np.stack([-z, zero, x], 1), np.stack([y, -x, zero], 1)
    ], 1)  # fmt: skip  # d(turn r)/d(turn), rows the coordinates
    turn = scale * np.einsum("ab,nbk->nak", rotation, turned)
    shift = np.tile(np.eye(3), (len(rest), 1, 1))
    grow = (scale * rest @ rotation.T)[:, :, None]
    return np.concatenate([shape, turn, shift, grow], axis=2)


def _freely(
    head: HeadFile, target: Mesh, guides: Guides, outside: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """The skin drawn onto the target, neighbours together; inner parts are carried along."""
    skin = head.masks["skin"]
    place = np.cumsum(skin) - 1
    faces = place[head.faces[skin[head.faces].all(1)]]
    laplacian = _laplacian(faces, int(skin.sum()))
    guide = _guide_matrix(head, guides)[:, skin]
    used = np.flatnonzero(outside & ~head.masks["sockets"])
    x = start.copy()
    for stiff in np.geomspace(*_STIFF, _FREE_ROUNDS):
        face, weights, distance, facing = _closest(x, head, used, target)
        trust = (distance < _FAR) & (facing > _LEAST_FACING) & ~_on_rim(target, face)
        foot = np.einsum("nk,nkc->nc", weights, target.vertices[target.faces[face]])
        w = np.zeros(int(skin.sum()))
        w[place[used]] = trust / np.maximum(1, distance / _FREE_KNEE)
        wanted = np.zeros((len(w), 3))
        wanted[place[used]] = foot
        system = stiff * (laplacian.T @ laplacian) + sp.diags(w + 1e-6)
        right = stiff * (laplacian.T @ (laplacian @ start[skin])) + w[:, None] * wanted
        right = right + 1e-6 * x[skin]
        if guide.shape[0]:
            system = system + _GUIDE_WEIGHT * (guide.T @ guide)
            right = right + _GUIDE_WEIGHT * (guide.T @ guides.target)
        x[skin] = splu(sp.csc_matrix(system)).solve(np.ascontiguousarray(right))
    return x


def _with_eyes(head: HeadFile, target: Mesh, laid: np.ndarray) -> np.ndarray:
    """Eyeballs moved and scaled onto the target's."""
    joints = head.joint_regressor @ head.template
    out = laid.copy()
    for joint, mask, ball in zip(_JOINTS[1:], ("left_eye", "right_eye"), target.eyes, strict=True):
        chosen = head.masks[mask]
        around = head.template[chosen] - joints[joint]
        if ball.any():
            reach = np.linalg.norm(target.vertices[ball] - target.joints[joint], axis=1)
            around = around * np.median(reach) / np.median(np.linalg.norm(around, axis=1))
        out[chosen] = target.joints[joint] + around
    return out


def _closest(
    points: np.ndarray, head: HeadFile, used: np.ndarray, target: Mesh
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Face, barycentric, distance and agreement of normals of the closest points, (N,) each."""
    normals = vertex_normals(points, head.faces)[used]
    face, weights, distance = nearest_on_surface(
        points[used], target.vertices, target.faces, normals
    )
    return face, weights, distance, np.sum(_normal_at(target, face, weights) * normals, axis=1)


def _normal_at(target: Mesh, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
    field = vertex_normals(target.vertices, target.faces)[target.faces[face]]
    normal = np.einsum("nk,nkc->nc", weights, field)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)


def _on_rim(target: Mesh, face: np.ndarray) -> np.ndarray:
    """Whether a face lies at the surface's edge, where closest points pile up."""
    edges = np.sort(np.concatenate([target.faces[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
    _, place, count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    single = (count[place.ravel()] == 1).reshape(3, -1).any(0)
    return single[face]


def _laplacian(faces: np.ndarray, count: int) -> sp.csr_matrix:
    edges = np.concatenate([faces[:, [k, (k + 1) % 3]] for k in range(3)])
    both = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    graph = sp.csr_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), (count, count))
    degree = np.maximum(np.asarray(graph.sum(1)).ravel(), 1)
    return sp.identity(count, format="csr") - sp.diags(1 / degree) @ graph
