"""FLAME parameters of a sequence, in the tools' shared convention, and the take that they are.

FLAME poses a person by axis-angle turns of root, neck, jaw and eyes (each about its joint) and
moves the whole by a translation; a camera sees c = A (posed) + b, axes as in `exchange.take`. A
take's head turns about its origin instead and has no neck: the neck's turn is put into the head's.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import REGIONS, Take
from ..geometry import rotation_matrix
from ..head.model import FaceParams, Head
from ..head.transfer import carried_units

MOST_FRAMES = 1_000_000
SIZE = (512, 512)  # px of a picture that nobody has


@dataclass(frozen=True)
class FlameSequence:
    """T frames of one person. None is zero."""

    shape: np.ndarray  # (T, S) or (1, S)
    expression: np.ndarray  # (T, E)
    root: np.ndarray  # (T, 3) rad
    jaw: np.ndarray  # (T, 3) rad
    neck: np.ndarray | None = None  # (T, 3)
    eyes: np.ndarray | None = None  # (T, 6) left, right
    eyelids: np.ndarray | None = None  # (T, 2) left, right, 1 shut
    moved: np.ndarray | None = None  # (T, 3) m, FLAME's translation
    camera: np.ndarray | None = None  # (T, 3, 3) A
    camera_shift: np.ndarray | None = None  # (T, 3) b
    focal: float = 0.0  # px
    size: tuple[int, int] = SIZE
    tool: str = ""


def take_of(sequence: FlameSequence, file: HeadFile, source: str, fps: float) -> Take:
    """The take of a sequence on the user's FLAME. Raises AVFaceError when sizes don't fit."""
    if not file.expression_names or file.expression_names[0] != "Exp1":
        raise AVFaceError(
            f"{source} holds FLAME parameters, and {file.name} is no FLAME.",
            "Bring FLAME with `head import` and name it with --head; then `transfer`, if you like.",
        )
    frames = len(sequence.expression)
    shape = _columns(sequence.shape.mean(0), file.shape_basis.shape[2], "shape", source)
    expression = _columns(sequence.expression, file.expression_basis.shape[2], "expression", source)
    head = Head(file)
    rest = head.rest(shape)
    pose, translation = _placed(sequence, rest[1], frames)
    eyes = _or_zero(sequence.eyes, frames, 6)
    if sequence.eyelids is not None:
        expression = expression + _lids(sequence.eyelids, file, shape)
    params = FaceParams(
        shape, np.zeros(0), expression, pose, translation, sequence.jaw, eyes, sequence.focal,
        np.zeros((9, 3)),
    )  # fmt: skip
    marks = [head.landmarks_px(params, t, sequence.size, rest) for t in range(frames)]
    take = plain_take(params, np.asarray(marks), file, source, fps, sequence.tool)
    return replace(take, size=sequence.size)


def plain_take(
    params: FaceParams,
    marks: np.ndarray,
    file: HeadFile,
    source: str,
    fps: float,
    tool: str,
) -> Take:
    """A take of parameters that no clip of ours stands behind: all frames found and believed."""
    frames = len(params)
    return Take(
        times=np.arange(frames) / fps,
        shape=params.shape, albedo=np.zeros(50), expression=params.expression,
        head_pose=params.head_pose, head_translation=params.head_translation, jaw=params.jaw,
        eyes=params.eyes, light=np.zeros((9, 3)), landmarks_px=marks.astype(np.float32),
        found=np.ones(frames, bool), confidence=np.ones((frames, len(REGIONS)), np.float32),
        trust_sound=np.zeros(frames, np.float32), focal=float(params.focal), size=SIZE, fps=fps,
        expression_names=file.expression_names,
        head={"name": file.name, "sha256": file.sha256}, source={"path": source, "sha256": ""},
        made_by={"version": "import", "options": {"tool": tool}},
    )  # fmt: skip


def _placed(
    sequence: FlameSequence, joints: np.ndarray, frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """Head pose and translation (T, 3): c = A R_root (R_neck (v - n) + n - r) + A (r + m) + b."""
    root, neck = joints[0], joints[1]
    A = np.eye(3)[None] if sequence.camera is None else sequence.camera
    turn = rotation_matrix(sequence.root)
    bend = rotation_matrix(_or_zero(sequence.neck, frames, 3))
    moved = _or_zero(sequence.moved, frames, 3)
    shift = _or_zero(sequence.camera_shift, frames, 3)
    inner = neck - root - bend @ neck  # (T, 3)
    place = np.einsum("tab,tb->ta", turn, inner) + root + moved
    translation = np.einsum("tab,tb->ta", np.broadcast_to(A, (frames, 3, 3)), place) + shift
    return Rotation.from_matrix(A @ turn @ bend).as_rotvec(), translation


def _lids(eyelids: np.ndarray, file: HeadFile, shape: np.ndarray) -> np.ndarray:
    """Expression (T, E) that shuts the lids as far: FLAME has no lid columns of its own.

    The default head's blink of each eye, carried over to this person.
    """
    names, mix = carried_units(file, shape)
    blinks = np.stack([mix[names.index(f"eyeBlink{side}")] for side in ("Left", "Right")])
    return np.clip(eyelids, 0, 1) @ blinks


def _columns(values: np.ndarray, count: int, what: str, source: str) -> np.ndarray:
    """Coefficients for all of a head's columns; those that aren't given are 0."""
    given = values.shape[-1]
    if given > count and np.any(values[..., count:]):
        raise AVFaceError(
            f"{source} has {given} {what} coefficients, the head {count} columns.",
            "Import the FLAME that the tool used, with all its columns.",
        )
    out = np.zeros((*values.shape[:-1], count))
    out[..., : min(given, count)] = values[..., :count]
    return out


def _or_zero(values: np.ndarray | None, frames: int, columns: int) -> np.ndarray:
    return np.zeros((frames, columns)) if values is None else values


def rows(values: object, columns: int | None, key: str, source: str) -> np.ndarray:
    """A tool's array as (T, C). Raises AVFaceError when it isn't one."""
    try:
        array = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise AVFaceError(f"{key} in {source} is not numbers.", "Check the file.") from error
    width = array.shape[-1] if array.ndim else 0
    if array.ndim == 1 and columns in (None, width):
        array = array[None]
    if columns is not None and array.size and array.size % columns == 0 and width != columns:
        array = array.reshape(-1, columns)
    array = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array
    fits = array.ndim == 2 and array.size and (columns is None or array.shape[1] == columns)
    if not fits or not np.isfinite(array).all() or len(array) > MOST_FRAMES:
        raise AVFaceError(
            f"{key} in {source} has shape {array.shape}, not (frames, {columns or 'any'}).",
            "Check that the file was written by the tool that it looks like.",
        )
    return array
