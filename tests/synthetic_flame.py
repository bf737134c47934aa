"""A head in FLAME's files that holds nothing of FLAME: our own, in FLAME's keys, sizes and names.

The skin of another person of ours, with other vertices; eyes as spheres; identity columns of ours
mixed anew; expression columns without meaning of their own, from a PCA of random faces of ours.
"""

import pickle
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse

from engine.exchange.head_file import HeadFile
from engine.geometry import embed
from engine.head.model import Head
from engine.head.registration import Mesh
from engine.head.surface import nearest_on_surface
from engine.head.unrolled import unrolled
from engine.weights import load_head

VERTICES, FACES, SKIN, EYE = 5023, 9976, 3931, 546
SHAPES, EXPRESSIONS = 300, 100
SHIFT = np.array([0.002, -0.021, 0.034])  # FLAME's origin is not ours
# fmt: off
MEDIAPIPE_105 = [276, 282, 283, 285, 293, 295, 296, 300, 334, 336, 46, 52, 53, 55, 63, 65, 66, 70,
                 105, 107, 249, 263, 362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390,
                 398, 466, 7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173,
                 246, 168, 6, 197, 195, 5, 4, 129, 98, 97, 2, 326, 327, 358, 0, 13, 14, 17, 37, 39,
                 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191, 267, 269,
                 270, 291, 308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415]
# fmt: on


@dataclass(frozen=True)
class SyntheticFlame:
    """Arrays under FLAME's names, and where its vertices lie on the default head."""

    model: dict
    person: np.ndarray  # (S,) identity of the default head that the template shows
    skin: np.ndarray  # (SKIN, V) sparse: mixes of the default head's vertices
    masks: dict[str, np.ndarray]
    embeddings: dict


def make_flame(seed: int = 0) -> SyntheticFlame:
    """The arrays; about two seconds."""
    generator, head = np.random.default_rng(seed), load_head()
    person = np.zeros(head.shape_basis.shape[2])
    person[:30] = generator.normal(0, 0.8, 30)
    mix, faces = _skin(head, generator)
    eyes, eye_faces = _eyes(head, person)
    template = head.template + head.shape_basis @ person
    joints = head.joint_regressor @ template

    def carried(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(len(values), -1).astype(float)
        parts = [mix @ flat]
        for joint in (3, 4):  # an eye moves as its joint does
            move = np.tensordot(head.joint_regressor[joint].astype(float), flat, 1)
            parts.append(np.tile(move, (EYE, 1)))
        return np.concatenate(parts).reshape(VERTICES, *values.shape[1:])

    shapes = carried(head.shape_basis[..., : head.face_columns])
    turn = np.linalg.qr(generator.normal(size=(100, 100)))[0]
    small = shapes @ generator.normal(0, 0.01, (100, SHAPES - 100))
    shapes = np.concatenate([shapes @ turn, small], axis=2)
    moves = carried(head.expression_basis)
    moves[SKIN:] = 0
    pose = carried(head.pose_basis)
    pose[SKIN:] = 0
    rest = np.concatenate([mix @ template, eyes])
    weights = carried(head.skin_weights)
    weights[SKIN:] = 0
    weights[SKIN : SKIN + EYE, 3] = weights[SKIN + EYE :, 4] = 1
    expressions = _principal(moves, generator)
    regressor = _regressor(rest, joints, shapes, _joint_moves(head) @ turn)
    model = {
        "v_template": rest + SHIFT,
        "f": np.concatenate([faces, *eye_faces]).astype(np.uint32),
        "shapedirs": np.concatenate([shapes, expressions], axis=2),
        "posedirs": pose,
        "J_regressor": scipy.sparse.csc_matrix(regressor),
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.int64),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }
    masks = {n: np.flatnonzero(carried(m[:, None].astype(float))[:, 0] > 0.5)
             for n, m in head.masks.items() if n in ("lips", "nose", "forehead", "scalp", "neck",
             "boundary", "face", "left_eye_region", "right_eye_region")}  # fmt: skip
    masks["left_eyeball"] = np.arange(SKIN, SKIN + EYE)
    masks["right_eyeball"] = np.arange(SKIN + EYE, VERTICES)
    return SyntheticFlame(model, person, mix, masks, _embeddings(head, template, mix, faces))


def write_flame(flame: SyntheticFlame, folder: Path, protocol: int = 2) -> list[Path]:
    """All the files that come with FLAME, under their names."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    with _chumpy() as box:
        wrapped = {k: box(v) if k in ("v_template", "shapedirs", "posedirs", "weights") else v
                   for k, v in flame.model.items()}  # fmt: skip
        (folder / "generic_model.pkl").write_bytes(pickle.dumps(wrapped, protocol))
    (folder / "FLAME_masks.pkl").write_bytes(pickle.dumps(flame.masks, protocol))
    e = flame.embeddings
    landmarks = {
        "static_lmk_faces_idx": e["full"][0][17:], "static_lmk_bary_coords": e["full"][1][17:],
        "dynamic_lmk_faces_idx": torch.from_numpy(e["dynamic"][0]),
        "dynamic_lmk_bary_coords": torch.from_numpy(e["dynamic"][1]),
        "full_lmk_faces_idx": e["full"][0][None], "full_lmk_bary_coords": e["full"][1][None],
    }  # fmt: skip
    np.save(folder / "landmark_embedding.npy", np.array(landmarks), allow_pickle=True)
    np.savez(
        folder / "mediapipe_landmark_embedding.npz",
        lmk_face_idx=e["mediapipe"][0], lmk_b_coords=e["mediapipe"][1],
        landmark_indices=np.array(MEDIAPIPE_105),
    )  # fmt: skip
    _write_obj(flame, folder / "head_template.obj")
    return sorted(folder.iterdir())


class _chumpy:  # noqa: N801
    """Stands in for the package whose objects FLAME's pickles hold, while one is written."""

    def __enter__(self) -> type:
        def reads(box, array):
            box.x = np.array(array)

        module = types.ModuleType("chumpy.ch")
        module.Ch = type("Ch", (), {"__init__": reads, "__module__": "chumpy.ch"})  # type: ignore
        sys.modules |= {"chumpy": types.ModuleType("chumpy"), "chumpy.ch": module}
        return module.Ch  # type: ignore

    def __exit__(self, *_: object) -> None:
        del sys.modules["chumpy.ch"], sys.modules["chumpy"]


def _skin(head: HeadFile, generator) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
    """Mixes (SKIN, V) of default vertices and faces: edges collapsed, vertices moved about."""
    skin = np.flatnonzero(head.masks["skin"])
    faces = head.faces[head.masks["skin"][head.faces].all(1)]
    face_part = np.any([head.masks[n] for n in ("face", "eyelids", "lips", "boundary")], axis=0)
    faces = _collapse(faces, skin, ~face_part, len(skin) - SKIN)
    inside = np.flatnonzero(head.masks["mouth_inside"][faces].all(1))
    surplus = len(faces) - (FACES - 2 * (2 * EYE - 4))
    faces = np.delete(faces, inside[:: max(1, len(inside) // surplus)][:surplus], axis=0)
    kept = np.unique(faces)
    place = np.full(len(head.template), -1)
    place[kept] = np.arange(len(kept))
    rims = head.masks["lips"] | head.masks["eyelids"] | head.masks["boundary"]
    rows, columns, values = [], [], []
    for vertex, neighbour in _one_neighbour(faces, generator).items():
        share = 0.0 if rims[vertex] else generator.uniform(0, 0.35)
        rows += [place[vertex]] * 2
        columns += [vertex, neighbour]
        values += [1 - share, share]
    shape = (len(kept), len(head.template))
    assert shape[0] == SKIN, shape
    return scipy.sparse.csr_matrix((values, (rows, columns)), shape), place[faces]


def _one_neighbour(faces: np.ndarray, generator) -> dict[int, int]:
    return {int(face[k]): int(face[(k + 1) % 3]) for face in generator.permutation(faces)
            for k in range(3)}  # fmt: skip


def _collapse(faces: np.ndarray, skin: np.ndarray, allowed: np.ndarray, count: int) -> np.ndarray:
    """`count` vertices fewer, each drawn into a neighbour; only where `allowed` (V,)."""
    while count:
        around: dict[int, set[int]] = {int(v): set() for v in skin}
        for a, b, c in faces.tolist():
            around[a] |= {b, c}
            around[b] |= {a, c}
            around[c] |= {a, b}
        touched: set[int] = set()
        into = np.arange(len(allowed))
        for vertex in np.unique(faces).tolist():
            ring = around[vertex]
            if not count or not allowed[vertex] or len(ring) < 5 or ring & touched:
                continue
            fits = [n for n in sorted(ring) if allowed[n] and len(ring & around[n]) == 2]
            if fits and vertex not in touched:
                into[vertex] = fits[0]
                touched |= {vertex, *ring}
                count -= 1
        assert touched, count
        faces = into[faces]
        faces = faces[np.all(faces != np.roll(faces, 1, axis=1), axis=1)]
    return faces


def _eyes(head: HeadFile, person: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Two spheres of 2 + 17 x 32 vertices about the eyes' joints, poles before and behind."""
    template = head.template + head.shape_basis @ person
    joints = head.joint_regressor @ template
    ring, along = np.arange(32) * 2 * np.pi / 32, np.arange(1, 18) * np.pi / 18
    direction = np.stack([
        np.sin(along)[:, None] * np.cos(ring), np.sin(along)[:, None] * np.sin(ring),
        np.repeat(np.cos(along)[:, None], 32, 1),
    ], -1).reshape(-1, 3)  # fmt: skip
    direction = np.concatenate([[[0, 0, 1]], direction, [[0, 0, -1]]])
    near, far = (np.arange(32), (np.arange(32) + 1) % 32)
    faces = [np.stack([np.zeros(32, int), 1 + near, 1 + far], 1)]
    for k in range(16):
        a, b = 1 + 32 * k, 33 + 32 * k
        faces += [
            np.stack([a + near, b + near, b + far], 1),
            np.stack([a + near, b + far, a + far], 1),
        ]
    faces.append(np.stack([545 + 0 * near, 513 + far, 513 + near], 1))
    balls = []
    for name, joint in (("left_eye", 3), ("right_eye", 4)):
        radius = np.median(np.linalg.norm(template[head.masks[name]] - joints[joint], axis=1))
        balls.append(joints[joint] + radius * direction)
    one = np.concatenate(faces)
    return np.concatenate(balls), [one + SKIN, one + SKIN + EYE]


def _joint_moves(head: HeadFile) -> np.ndarray:
    basis = head.shape_basis[..., : head.face_columns]
    return np.einsum("jv,vcs->jcs", head.joint_regressor.astype(float), basis)


def _regressor(rest, joints, shapes, moves) -> np.ndarray:
    """(5, V) whose rows give the joints of every person (least squares of least norm)."""
    chosen = np.arange(0, VERTICES, 12)
    known = np.concatenate([rest[chosen].T, shapes[chosen, :, :100].reshape(len(chosen), -1).T])
    wanted = np.concatenate([joints.T, moves.reshape(5, -1).T])
    scale = np.concatenate([np.full(3, 1.0), np.full(300, 1.0), [1.0]])[:, None]
    known = np.concatenate([known, np.ones((1, len(chosen)))]) * scale
    wanted = np.concatenate([wanted, np.ones((1, 5))]) * scale
    out = np.zeros((5, VERTICES))
    out[:, chosen] = np.linalg.lstsq(known, wanted, rcond=1e-9)[0].T
    out[3:] = 0
    out[3, SKIN : SKIN + EYE] = out[4, SKIN + EYE :] = 1 / EYE
    return out


def _principal(moves: np.ndarray, generator) -> np.ndarray:
    """Columns (V, 3, EXPRESSIONS) of unit variance over random faces of the units in `moves`."""
    units = moves.shape[2]
    faces = generator.uniform(0, 1, (600, units)) * (generator.uniform(0, 1, (600, units)) < 0.2)
    flat = moves.reshape(-1, units)
    u, s, _ = np.linalg.svd(np.linalg.cholesky(flat.T @ flat + 1e-12 * np.eye(units)).T @ faces.T)
    root = np.linalg.cholesky(flat.T @ flat + 1e-12 * np.eye(units)).T
    columns = flat @ np.linalg.solve(root, u) * s / np.sqrt(len(faces))
    rest = columns @ generator.normal(0, 0.002, (units, EXPRESSIONS - units))
    return np.concatenate([columns, rest], 1).reshape(*moves.shape[:2], EXPRESSIONS)


def _embeddings(head: HeadFile, template, mix, faces) -> dict:
    """FLAME's landmark embeddings: the default head's own points on the new mesh."""

    # lips touch at rest: their points are looked up with the jaw open
    open_jaw = np.array([0.15, 0, 0])
    ours = Head(head)
    zero = np.zeros(len(head.expression_names))
    posed = ours.pose((template, head.joint_regressor @ template), zero, open_jaw, np.zeros(6))
    opened = mix @ posed

    def on_mesh(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        face, weights, _ = nearest_on_surface(points.reshape(-1, 3), opened, faces)
        return face.reshape(points.shape[:-1]), weights.reshape(points.shape)

    mesh = embed(posed, head.faces, head.landmarks_468)
    contour = embed(posed, head.faces, head.contour)  # (79, 17, 3), row = yaw + 39
    order = [39 - k if k < 40 else k for k in range(79)]  # FLAME's rows: 0 to -39, then 1 to 39
    return {
        "full": on_mesh(embed(posed, head.faces, head.landmarks_68)),
        "dynamic": on_mesh(contour[order]),
        "mediapipe": on_mesh(mesh[MEDIAPIPE_105]),
    }


def _write_obj(flame: SyntheticFlame, path: Path) -> None:
    """A template with texture coordinates, placed elsewhere as FLAME's is."""
    vertices, faces = flame.model["v_template"], flame.model["f"].astype(int)
    number = np.arange(VERTICES)
    eyes = (number >= SKIN) & (number < SKIN + EYE), number >= SKIN + EYE
    uv, uv_faces = unrolled(Mesh(vertices, faces, flame.model["J_regressor"] @ vertices, eyes))
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices + np.array([0, 1.5, 0])]
    lines += [f"vt {u:.6f} {v:.6f}" for u, v in uv]
    for face, corners in zip(faces + 1, uv_faces + 1, strict=True):
        lines.append("f " + " ".join(f"{v}/{c}" for v, c in zip(face, corners, strict=True)))
    path.write_text("\n".join(lines) + "\n")
