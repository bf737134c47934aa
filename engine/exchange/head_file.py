"""A head in FLAME's parametrisation, as arrays in one `.npz` (docs/fileformats.md).

vertices = skin(template + shape_basis b + expression_basis e + pose_basis vec(R - I)), with the
joints at joint_regressor (template + shape_basis b) (FLAME, Li et al. 2017, eq. 1-5).
Metres; +x the subject's left, +y up, +z out of the face.
"""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .protocol import AVFaceError
from .reading import load_arrays

SCHEMA = 1
JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
NECK_JOINT, JAW_JOINT, LEFT_EYE_JOINT, RIGHT_EYE_JOINT = range(1, 5)
# The last identity column of a head with these parts: how high they stand, all together, so that
# the bite stays. No file holds it; it is made as it is read.
_TEETH = ("upper_teeth", "lower_teeth", "tongue")
TEETH_LIFT = 1.5e-3  # m that 1 of it lifts them


@dataclass(frozen=True, eq=False)  # one is itself alone, so that what is made of it can be kept
class HeadFile:
    """Shapes: V vertices, F triangles, S identity and E expression columns, J = 5 joints.

    The first 2 * quad_count triangles are pairs (a, b, c), (a, c, d) of quads (a, b, c, d).
    Expression coefficients live between `expression_low` and `expression_high`; 0 is neutral.
    """

    name: str
    sha256: str  # see `head_sha256`
    template: np.ndarray  # (V, 3) m
    faces: np.ndarray  # (F, 3)
    quad_count: int
    shape_basis: np.ndarray  # (V, 3, S) m per standard deviation
    expression_basis: np.ndarray  # (V, 3, E)
    expression_names: tuple[str, ...]
    expression_low: np.ndarray  # (E,)
    expression_high: np.ndarray  # (E,)
    pose_basis: np.ndarray  # (V, 3, 36): neck, jaw, left eye, right eye; each R - I row by row
    joint_regressor: np.ndarray  # (J, V)
    skin_weights: np.ndarray  # (V, J)
    parents: np.ndarray  # (J,), -1 for the root
    uv: np.ndarray  # (U, 2) in [0, 1], v up
    uv_faces: np.ndarray  # (F, 3)
    landmarks_68: tuple[np.ndarray, np.ndarray]  # faces (68,), barycentric (68, 3)
    landmarks_468: tuple[np.ndarray, np.ndarray]  # MediaPipe's mesh order
    iris: tuple[np.ndarray, np.ndarray]  # (10,): MediaPipe's 468-477, subject's right eye first
    contour: tuple[np.ndarray, np.ndarray]  # (79, 17): jaw line by yaw, -39 to 39 degrees
    masks: dict[str, np.ndarray]  # name -> (V,) bool
    albedo_file: str  # beside the head file; empty when the head has no albedo model
    shape_names: tuple[str, ...] = ()  # (S,) as shape keys are called
    pose_names: tuple[str, ...] = ()  # (36,)
    texture: np.ndarray | None = None  # (H, W, 3) uint8 sRGB: a mean skin, row 0 at the top
    licence: str = ""  # of a head that isn't ours
    unit_names: tuple[str, ...] = ()  # (U,) the default head's units, where columns have no names
    unit_mix: np.ndarray | None = None  # (U, E) expression that looks as each of them does
    laid: np.ndarray | None = None  # the default head's vertices, laid on this template, m
    laid_from: str = ""  # sha256 of that default head
    lifts_teeth: bool = False  # the last identity column is the height of teeth and tongue

    def __post_init__(self) -> None:
        count = len(self.template)
        assert self.shape_basis.shape[:2] == (count, 3), self.shape_basis.shape
        assert self.expression_basis.shape == (count, 3, len(self.expression_names))
        assert self.pose_basis.shape == (count, 3, 36), self.pose_basis.shape
        assert self.joint_regressor.shape == (len(JOINTS), count), self.joint_regressor.shape
        assert self.skin_weights.shape == (count, len(JOINTS)), self.skin_weights.shape
        assert self.uv_faces.shape == self.faces.shape, self.uv_faces.shape

    @property
    def face_columns(self) -> int:
        """How many identity columns a face shows from outside: all but the height of its teeth."""
        return self.shape_basis.shape[2] - self.lifts_teeth

    @property
    def vertex_uv(self) -> np.ndarray:
        """Where each vertex lies on the sheet, (V, 2): of several places one."""
        uv = np.zeros((len(self.template), 2))
        uv[self.faces.ravel()] = self.uv[self.uv_faces.ravel()]
        return uv

    def marked(self, *names: str) -> np.ndarray:
        """The vertices of any of these masks, (V,) bool; none of those that the head lacks."""
        nobody = np.zeros(len(self.template), bool)
        return np.any([self.masks.get(name, nobody) for name in names], axis=0)

    def on_sheet(self, side: int) -> np.ndarray:
        """`uv` in texels of a sheet (side, side), as rasterisers take points: (U, 3), depth 1."""
        x, y = self.uv[:, 0] * side, (1 - self.uv[:, 1]) * side
        return np.column_stack([x, y, np.ones(len(self.uv))])


def file_sha256(path: Path) -> str:
    """The file's sha256 as hexadecimal digits, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def head_sha256(path: Path) -> str:
    """What takes and networks call a head by: its file's sha256.

    A file that kept the parameters of an earlier one, its skin, joints and units, and has only
    other teeth, tongue or eyeballs, goes on by that one's (`parameters_sha256`).
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if "parameters_sha256" in file:
                return str(file["parameters_sha256"])
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return ""  # no head file: `load_head_file` says so
    return file_sha256(path)


def load_head_file(path: Path) -> HeadFile:
    """Read a head file. Raises AVFaceError when the file isn't one."""
    arrays = load_arrays(path, "a head file", "Choose another.")
    if int(arrays.get("schema", -1)) != SCHEMA or "template" not in arrays:
        raise AVFaceError(
            f"{path} is not a head file of schema {SCHEMA}.",
            "Choose a head made for this version of AVFace.",
        )
    try:
        return _head_of(arrays, head_sha256(path))
    except (AssertionError, IndexError, KeyError, TypeError, ValueError) as error:
        raise AVFaceError(f"{path} is damaged.", "Choose another head file.") from error


def _head_of(arrays: dict[str, np.ndarray], sha256: str) -> HeadFile:
    """The head of a file's arrays, its teeth free to stand higher or lower."""

    def real(name: str) -> np.ndarray:
        return arrays[name].astype(np.float32)

    def embedding(name: str) -> tuple[np.ndarray, np.ndarray]:
        return arrays[f"{name}_faces"].astype(np.int32), real(f"{name}_bary")

    masks = {k.removeprefix("mask_"): v for k, v in arrays.items() if k.startswith("mask_")}
    basis = real("shape_basis")
    lifts_teeth = set(_TEETH) <= set(masks)
    if lifts_teeth:
        lift = np.zeros((len(basis), 3, 1), np.float32)
        lift[np.logical_or.reduce([masks[name] for name in _TEETH]), 1] = TEETH_LIFT
        arrays = arrays | {"shape_basis": np.concatenate([basis, lift], axis=2)}
    return HeadFile(
        name=str(arrays["name"]),
        sha256=sha256,
        template=real("template"),
        faces=arrays["faces"].astype(np.int32),
        quad_count=int(arrays["quad_count"]),
        shape_basis=real("shape_basis"),
        expression_basis=real("expression_basis"),
        expression_names=tuple(map(str, arrays["expression_names"])),
        expression_low=real("expression_low"),
        expression_high=real("expression_high"),
        pose_basis=real("pose_basis"),
        joint_regressor=real("joint_regressor"),
        skin_weights=real("skin_weights"),
        parents=arrays["parents"].astype(np.int32),
        uv=real("uv"),
        uv_faces=arrays["uv_faces"].astype(np.int32),
        landmarks_68=embedding("landmarks_68"),
        landmarks_468=embedding("landmarks_468"),
        iris=embedding("iris"),
        contour=embedding("contour"),
        masks=masks,
        albedo_file=str(arrays["albedo_file"]),
        shape_names=_names(arrays, "shape_names", _plain_shape_names(arrays)),
        pose_names=_names(arrays, "pose_names", _PLAIN_POSE_NAMES),
        texture=arrays.get("texture"),
        licence=str(arrays.get("licence", "")),
        unit_names=tuple(map(str, arrays.get("unit_names", ()))),
        unit_mix=arrays.get("unit_mix"),
        laid=arrays.get("laid"),
        laid_from=str(arrays.get("laid_from", "")),
        lifts_teeth=lifts_teeth,
    )


_PLAIN_POSE_NAMES = tuple(  # pose_jaw_12: row 1, column 2 of the jaw's R - I
    f"pose_{joint}_{element // 3}{element % 3}" for joint in JOINTS[1:] for element in range(9)
)


def _plain_shape_names(arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    return tuple(f"identity_{k:03d}" for k in range(arrays["shape_basis"].shape[2]))


def _names(arrays: dict[str, np.ndarray], key: str, plain: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(str, arrays[key])) if key in arrays else plain
