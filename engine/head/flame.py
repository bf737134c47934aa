"""FLAME's files (Li et al. 2017; 2016 to 2023 and Open), recognised by what is in them.

The model: a pickle or an archive with FLAME's keys. Beside it, each optional: landmark embeddings
(68 points, with a jaw line that slides with the yaw, and 105 of MediaPipe's), vertex masks, the
template with texture coordinates, a texture. Nothing that is read can run code.
"""

import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..exchange.protocol import AVFaceError
from .unpickle import read_npy, read_pickle

JOINTS = 5
SHAPE_COLUMNS = 300  # of `shapedirs`: the expression starts after them
_MOST_BYTES = 4 << 30
_PARENTS = [-1, 0, 1, 1, 1]
Embedding = tuple[np.ndarray, np.ndarray]  # faces (...,), barycentric (..., 3)


@dataclass(frozen=True)
class FlameModel:
    """The model alone. V vertices, F triangles."""

    name: str  # of its file
    template: np.ndarray  # (V, 3) m
    faces: np.ndarray  # (F, 3)
    shape_basis: np.ndarray  # (V, 3, S)
    expression_basis: np.ndarray  # (V, 3, E)
    pose_basis: np.ndarray  # (V, 3, 36)
    joint_regressor: np.ndarray  # (5, V)
    skin_weights: np.ndarray  # (V, 5)


@dataclass(frozen=True)
class FlameFiles:
    """Everything that was given; None for what was not."""

    model: FlameModel | None = None
    static: Embedding | None = None  # 51 points, 17 to 67 of the 68
    full: Embedding | None = None  # 68 points
    dynamic: Embedding | None = None  # (79, 17), FLAME's own order of rows
    mediapipe: tuple[np.ndarray, Embedding] | None = None  # landmark numbers (M,), points
    masks: dict[str, np.ndarray] = field(default_factory=dict)  # name -> vertex numbers
    uv: tuple[np.ndarray, np.ndarray] | None = None  # (U, 2), (F, 3)
    texture: np.ndarray | None = None  # (H, W, 3) uint8 sRGB: the mean


def read_flame_files(paths: list[Path], shapes: int | None = None) -> FlameFiles:
    """Read each file and put what it holds in its place. Raises AVFaceError.

    `shapes`: how many columns of `shapedirs` are identity, where it isn't 300.
    """
    files = FlameFiles()
    for path in paths:
        files = _with(files, path, shapes)
    return files


def _with(files: FlameFiles, path: Path, shapes: int | None) -> FlameFiles:
    if path.suffix.lower() == ".obj":
        return replace(files, uv=_read_obj(path))
    content = open_arrays(path)
    if not isinstance(content, dict):
        raise _unknown(path)
    keys = set(content)
    if {"v_template", "shapedirs"} <= keys:
        return replace(files, model=_model(content, path, shapes))
    if "landmark_indices" in keys:
        numbers = _integers(content, "landmark_indices", path).ravel()
        return replace(files, mediapipe=(numbers, _embedding(content, "lmk_face_idx",
                                                             "lmk_b_coords", path)))  # fmt: skip
    if "lmk_face_idx" in keys and len(np.shape(content["lmk_face_idx"])) == 1:
        return replace(files, static=_embedding(content, "lmk_face_idx", "lmk_b_coords", path))
    if "lmk_face_idx" in keys:
        return replace(files, dynamic=_embedding(content, "lmk_face_idx", "lmk_b_coords", path))
    if "static_lmk_faces_idx" in keys or "full_lmk_faces_idx" in keys:
        return _landmarks(files, content, path)
    if "scalp" in keys or "left_eyeball" in keys:
        return replace(files, masks={k: _indices(v, path) for k, v in content.items()})
    if "mean" in keys or "MU" in keys:
        return replace(files, texture=_texture(content, path))
    raise _unknown(path)


def open_arrays(path: Path) -> Any:
    """A pickle, an `.npy` or an `.npz` as plain values and arrays. Raises AVFaceError."""
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise AVFaceError(f"{path.name} is too large for a head.", "Choose another file.")
        with open(path, "rb") as file:
            start = file.read(6)
        if start.startswith(b"PK"):
            return _Archive(path)
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise AVFaceError(f"There is no file at {path}.", "Check the path.") from error
    except OSError as error:
        raise AVFaceError(f"{path} can't be read ({error.strerror}).", "Check it.") from error
    if start == b"\x93NUMPY":
        return read_npy(content, path.name)
    return read_pickle(content, path.name)


class _Archive(dict):
    """The arrays of an `.npz`, each read when it is asked for: textures are large."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except (OSError, zipfile.BadZipFile) as error:
            raise AVFaceError(f"{path.name} is damaged ({error}).", "Get it anew.") from error
        if sum(m.file_size for m in members) > _MOST_BYTES:
            raise AVFaceError(f"{path.name} is too large for a head.", "Choose another file.")
        super().__init__({m.filename.removesuffix(".npy"): m.filename for m in members})

    def __getitem__(self, key: str) -> Any:
        try:
            with zipfile.ZipFile(self._path) as archive:
                content = archive.read(super().__getitem__(key))
        except Exception as error:  # zlib, zipfile and the file system each have their own
            raise AVFaceError(
                f"{self._path.name} is damaged ({type(error).__name__}).", "Get it anew."
            ) from error
        return read_npy(content, f"{key} in {self._path.name}")

    def items(self) -> Any:
        """Names and arrays."""
        return [(key, self[key]) for key in self]


def _unknown(path: Path) -> AVFaceError:
    return AVFaceError(
        f"{path.name} is none of FLAME's files.",
        "Give the model (generic_model.pkl, flame2023.pkl), and what you have of "
        "landmark_embedding.npy, mediapipe_landmark_embedding.npz, FLAME_masks.pkl, "
        "head_template.obj, FLAME_texture.npz.",
    )


def _model(content: Any, path: Path, shapes: int | None) -> FlameModel:
    template = _reals(content, "v_template", path, (None, 3))
    count = len(template)
    faces = _integers(content, "f", path)
    if (
        faces.ndim != 2
        or faces.shape[1] != 3
        or not len(faces)
        or not (faces.min() >= 0 and faces.max() < count)
    ):
        raise _wrong(path, "f", "triangles of its vertices")
    directions = _reals(content, "shapedirs", path, (count, 3, None))
    split = SHAPE_COLUMNS if shapes is None else shapes
    if not 0 < split < directions.shape[2]:
        raise AVFaceError(
            f"{path.name} has {directions.shape[2]} columns of shape and expression together, "
            f"so the expression can't start after {split}.",
            "Say how many are identity with --shapes N.",
        )
    weights = _reals(content, "weights", path, (count, JOINTS))
    if np.abs(weights.sum(1) - 1).max() > 0.01:
        raise _wrong(path, "weights", "shares that sum to 1")
    _check_joints(content, path)
    return FlameModel(
        name=path.stem,
        template=template,
        faces=faces.astype(np.int32),
        shape_basis=directions[:, :, :split],
        expression_basis=directions[:, :, split:],
        pose_basis=_reals(content, "posedirs", path, (count, 3, 36)),
        joint_regressor=_reals(content, "J_regressor", path, (JOINTS, count)),
        skin_weights=weights,
    )


def _check_joints(content: Any, path: Path) -> None:
    """The kinematic tree is FLAME's: root, neck, and jaw and eyes on the neck."""
    if "kintree_table" not in content:
        return
    table = _integers(content, "kintree_table", path)
    if table.shape != (2, JOINTS) or table[0, 1:].tolist() != _PARENTS[1:]:
        raise _wrong(path, "kintree_table", "FLAME's five joints")


def _landmarks(files: FlameFiles, content: Any, path: Path) -> FlameFiles:
    for kind in ("static", "full", "dynamic"):
        if f"{kind}_lmk_faces_idx" in content:
            one = _embedding(content, f"{kind}_lmk_faces_idx", f"{kind}_lmk_bary_coords", path)
            if kind == "full":
                one = one[0].reshape(-1), one[1].reshape(-1, 3)
            files = replace(files, **{kind: one})
    return files


def _embedding(content: Any, faces: str, weights: str, path: Path) -> Embedding:
    face = _integers(content, faces, path)
    share = _reals(content, weights, path, (*face.shape, 3))
    if not face.size or face.min() < 0 or np.abs(share.sum(-1) - 1).max() > 0.02:
        raise _wrong(path, weights, "points on triangles")
    return face.astype(np.int32), share


def _reals(content: Any, key: str, path: Path, shape: tuple) -> np.ndarray:
    """An array of finite numbers of a shape (None: any length)."""
    if key not in content:
        raise AVFaceError(f"{path.name} lacks {key}.", "Get it anew from FLAME's page.")
    try:
        array = np.asarray(content[key], float)
    except (TypeError, ValueError) as error:
        raise _wrong(path, key, "numbers") from error
    fits = array.ndim == len(shape) and all(
        n == m or (m is None and n > 0) for n, m in zip(array.shape, shape, strict=True)
    )
    if not fits or not np.isfinite(array).all():
        raise _wrong(path, key, f"finite numbers of shape {shape}, not {array.shape},")
    return array


def _integers(content: Any, key: str, path: Path) -> np.ndarray:
    if key not in content:
        raise AVFaceError(f"{path.name} lacks {key}.", "Get it anew from FLAME's page.")
    return _indices(content[key], path, key)


def _indices(item: Any, path: Path, key: str = "a mask") -> np.ndarray:
    array = np.asarray(item) if isinstance(item, np.ndarray | list | tuple) else np.zeros(0)
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise _wrong(path, key, "whole numbers")
    if array.dtype.kind == "f" and np.any(array != np.round(array)):
        raise _wrong(path, key, "whole numbers")
    if array.dtype == np.uint32 or array.dtype == np.uint64:  # the root's parent is 2^32 - 1
        array = np.where(array >= 2**31, 0, array)
    whole = array.astype(np.int64)
    if whole.size and np.abs(whole).max() >= 2**33:
        raise _wrong(path, key, "indices")
    return whole


def _wrong(path: Path, key: str, wanted: str) -> AVFaceError:
    return AVFaceError(
        f"{key} in {path.name} is not {wanted} as FLAME has.", "Get it anew from FLAME's page."
    )


def _read_obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Texture coordinates and their triangles of an `.obj`."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        coordinates = [line.split()[1:3] for line in lines if line.startswith("vt ")]
        uv = np.array(coordinates, float)
        corners = [
            [int(c.split("/")[1]) - 1 for c in line.split()[1:4]]
            for line in lines
            if line.startswith("f ")
        ]
        faces = np.array(corners, np.int32)
    except FileNotFoundError as error:
        raise AVFaceError(f"There is no file at {path}.", "Check the path.") from error
    except (OSError, ValueError, IndexError, OverflowError) as error:
        raise AVFaceError(
            f"{path.name} has no texture coordinates that can be read.", "Give head_template.obj."
        ) from error
    whole = uv.ndim == 2 and faces.ndim == 2 and len(uv) and len(faces)
    if not whole or not np.isfinite(uv).all() or faces.min() < 0 or faces.max() >= len(uv):
        raise AVFaceError(
            f"{path.name} has no texture coordinates that can be read.", "Give head_template.obj."
        )
    return uv, faces


def _texture(content: Any, path: Path) -> np.ndarray:
    """The mean of a texture model as a picture: FLAME's 0-255 BGR, BFM's `MU`."""
    mean = np.asarray(content["mean" if "mean" in content else "MU"])
    side = round((mean.size / 3) ** 0.5)
    if mean.dtype.kind not in "fiu" or side < 16 or side * side * 3 != mean.size:
        raise _wrong(path, "mean", "a square colour picture")
    picture = mean.reshape(side, side, 3).astype(float)
    if not np.isfinite(picture).all():
        raise _wrong(path, "mean", "a square colour picture")
    picture = picture * (255 if picture.max() <= 1.5 else 1)
    if "mean" in content:  # FLAME's is stored as OpenCV does, blue first
        picture = picture[..., ::-1]
    return np.clip(picture, 0, 255).astype(np.uint8)
