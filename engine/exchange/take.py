"""The take: what a capture gives back, one `.npz` that holds no code.

Conventions (the one place that states them for both sides):

* Camera: the clip's full picture, pinhole, one focal length, principal point in the middle.
  Camera axes as in OpenGL and Blender: x right, y up, the camera looks along -z. A head point v
  (metres, head axes: +x the subject's left, +y up, +z out of the face) is seen at
  ``c = R(head_pose) v + head_translation``, ``u = W/2 + focal * c.x / -c.z``,
  ``v = H/2 - focal * c.y / -c.z``; pixel (0, 0) is the upper left corner of the upper left pixel.
* Rotations are axis-angle, radians. `jaw` turns about the jaw joint; `eyes` holds the left
  (subject's) and the right eye's rotation. `head_pose` turns about the head's origin.
* Frames are counted from 0; `times` are seconds on the clip's own clock, 0 at its first picture.
"""

import json
import math
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from .protocol import AVFaceError, faces_from_one
from .reading import load_arrays
from .saving import save_arrays

SCHEMA = 2
_ANOTHER = "Choose a .take.npz that a capture made."
REGIONS = ("face", "mouth", "left_eye", "right_eye", "brows")

_PER_FRAME = (
    "times", "expression", "head_pose", "head_translation", "jaw", "eyes", "landmarks_px", "found",
    "confidence", "trust_sound",
)  # fmt: skip
_ARRAYS = ("shape", "albedo", "light", *_PER_FRAME)
_OPTIONAL = ("lip_vertices", "lip_shapes", "lip_weights", "detail_times", "hair", "hair_falls")


@dataclass(frozen=True)
class Take:
    """One performance of one person, in numbers that fit one head.

    Shapes: T frames, S shape and E expression coefficients, R = len(REGIONS), K detail key frames.
    """

    times: np.ndarray  # (T,) seconds
    shape: np.ndarray  # (S,)
    albedo: np.ndarray  # (A,)
    expression: np.ndarray  # (T, E)
    head_pose: np.ndarray  # (T, 3) rad
    head_translation: np.ndarray  # (T, 3) m
    jaw: np.ndarray  # (T, 3) rad
    eyes: np.ndarray  # (T, 6) rad: left, right
    light: np.ndarray  # (9, 3) spherical harmonics, RGB
    landmarks_px: np.ndarray  # (T, 68, 2) of the fitted head, pixels of the clip
    found: np.ndarray  # (T,) bool
    confidence: np.ndarray  # (T, R) in [0, 1]
    trust_sound: np.ndarray  # (T,) in [0, 1]
    focal: float  # px
    size: tuple[int, int]  # width, height of the clip's picture, px
    fps: float  # nominal rate
    expression_names: tuple[str, ...]
    head: dict[str, str]  # name, sha256
    source: dict[str, str]  # path, sha256
    made_by: dict[str, Any]  # version, options
    actor: str = "actor"
    sound_offset: float = 0.0  # s, when the clip's sound starts on its pictures' clock
    # Lips as sound refines them: at frame t, lip_weights[t] @ lip_shapes is added to the head's
    # lip_vertices before the jaw turns them, like a unit's displacement. All three or none.
    lip_vertices: np.ndarray | None = None  # (Lv,) numbers of vertices
    lip_shapes: np.ndarray | None = None  # (K, Lv, 3) m
    lip_weights: np.ndarray | None = None  # (T, K)
    sync_offset: float = 0.0  # s by which the sound in the clip comes after the lips, as measured
    sync_confidence: float = 0.0  # 0..1, of that
    # (V,) mm that hair stands off the skin; where none grows 0, or how far it is to the hairline,
    # mm, below 0. None where nobody looked.
    hair: np.ndarray | None = None
    hair_hangs: float = 0.0  # mm below the ears that hair hangs down to beside the neck; 0: none
    # Degrees from the top of the head down to which hair falls over the forehead, at the degrees
    # round it of `fringe.FRINGE_AT`; 0 where none does, None where it nowhere does.
    hair_falls: np.ndarray | None = None
    hair_parting: float | None = None  # degrees round the head, 0 in the middle; None: not parted
    albedo_image: str = ""  # skin colour in UV beside the take, relative path
    static_normals: str = ""  # normal map of the face at rest, relative path
    dynamic_normals: tuple[str, ...] = ()  # K pictures, relative paths
    detail_times: np.ndarray | None = None  # (K,) seconds
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        frames = len(self.times)
        for name in _PER_FRAME:
            assert len(getattr(self, name)) == frames, (name, getattr(self, name).shape, frames)
        assert self.expression.shape[1] == len(self.expression_names)
        assert self.confidence.shape[1] == len(REGIONS), self.confidence.shape
        lips = (self.lip_vertices, self.lip_shapes, self.lip_weights)
        vertices, shapes, weights = lips
        if vertices is not None and shapes is not None and weights is not None:
            assert shapes.shape[1:] == (len(vertices), 3), shapes.shape
            assert weights.shape == (frames, len(shapes)), weights.shape
        else:
            assert all(part is None for part in lips), "lips: all three or none"

    @property
    def frame_count(self) -> int:
        """T."""
        return len(self.times)

    def __getitem__(self, frames: slice) -> "Take":
        """The same take with some of its frames."""
        cut = {name: getattr(self, name)[frames] for name in _PER_FRAME}
        if self.lip_weights is not None:
            cut["lip_weights"] = self.lip_weights[frames]
        return replace(self, **cut)

    def save(self, path: Path) -> None:
        """Write it so that no half-written take is ever seen. Raises AVFaceError."""
        meta = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name not in _ARRAYS + _OPTIONAL
        }
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {n: getattr(self, n) for n in _OPTIONAL if getattr(self, n) is not None}
        arrays |= {"schema": np.array(SCHEMA), "meta": np.array(json.dumps(meta))}
        save_arrays(path, arrays, compressed=True)

    @classmethod
    def load(cls, path: Path) -> "Take":
        """Read a take. Raises AVFaceError when the file isn't one."""
        file = load_arrays(path, "a take", _ANOTHER)
        try:
            schema, meta = int(file["schema"]), json.loads(str(file["meta"]))
            arrays = {name: file[name] for name in _ARRAYS}
        except (KeyError, TypeError, ValueError) as error:
            raise AVFaceError(f"{path} is not a take.", _ANOTHER) from error
        arrays |= {name: file[name] for name in _OPTIONAL if name in file}
        if schema not in (1, SCHEMA):
            raise AVFaceError(
                f"{path} has schema {schema}, this version reads {SCHEMA}.",
                "Update AVFace, or capture the clip again.",
            )
        later = set(meta) - {item.name for item in fields(cls)} if isinstance(meta, dict) else ()
        if later:
            raise AVFaceError(
                f"{path} was made by a later version of AVFace ({', '.join(sorted(later))}).",
                "Update AVFace, or capture the clip again.",
            )
        try:
            if schema == 1 and "options" in meta["made_by"]:
                meta["made_by"]["options"] = faces_from_one(meta["made_by"]["options"])
            for name in ("size", "expression_names", "dynamic_normals", "warnings"):
                meta[name] = tuple(meta[name])
            take = cls(**arrays, **meta)
            _check_whole(take)
        except (AssertionError, AttributeError, IndexError, KeyError, TypeError) as error:
            raise AVFaceError(f"{path} is damaged.", "Capture the clip again.") from error
        return take


def find_clip(take: Take, folder: Path, moved_to: Path | None = None) -> Path | None:
    """The clip that a take was made from: where it was, or beside the take in `folder`."""
    recorded = Path(take.source.get("path", ""))
    for place in (moved_to, recorded, folder / recorded, folder / recorded.name):
        if place is not None and place.name and place.exists():
            return place.resolve()
    return None


def frame_seconds(times: np.ndarray, alone: float = 1 / 25) -> float:
    """Seconds from one frame to the next, the median of (T,); `alone` where there is but one."""
    return float(np.median(np.diff(times))) if len(times) > 1 else alone


def _check_whole(take: Take) -> None:
    """What a file may lack though its arrays fit together. Raises AssertionError, TypeError."""
    assert take.frame_count and (np.diff(take.times) > 0).all(), "times"
    assert 0 < take.fps < math.inf and 0 < take.focal < math.inf, "fps, focal"
    assert len(take.size) == 2 and min(take.size) > 0, "size"
    assert {"name", "sha256"} <= take.head.keys() and "path" in take.source, "head, source"
    for name in ("times", "shape", "albedo", "expression", "head_pose", "head_translation", "jaw",
                 "eyes"):  # fmt: skip
        assert np.isfinite(getattr(take, name)).all(), name
