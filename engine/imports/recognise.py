"""Which tool wrote a file or folder, by what is in it, and the take that it holds."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..exchange.take import Take
from ..head.flame import open_arrays
from .codes import is_codes, read_codes
from .sequence import FlameSequence, take_of
from .tables import read_table, take_of_curves
from .trackers import is_head_tracker, is_vhap, read_head_tracker, read_metrical, read_vhap

_KNOWN = (
    "Known are codes of DECA, EMOCA, SPECTRE and SMIRK (.npy, .npz, .pkl, .mat), folders of "
    "metrical-tracker, VHAP and flame-head-tracker, and CSV of Live Link Face, MediaPipe and "
    "OpenSeeFace."
)
_READ = {".npz", ".npy", ".pkl", ".pickle", ".p", ".mat", ".pt", ".pth", ".ckpt", ".tar"}
_CODE_FILES = ("exp.npy", "pose.npy")


def import_parameters(path: Path, head: HeadFile, fps: float = 25.0) -> Take:
    """A take from another tool's parameters. Raises AVFaceError.

    `fps` counts where the file doesn't hold times: most of them don't.
    """
    if not path.exists():
        raise AVFaceError(f"There is no file or folder at {path}.", "Check the path.")
    if not 1 <= fps <= 1000:
        raise AVFaceError("A rate lies between 1 and 1000 a second.", "Choose another --fps.")
    if path.suffix.lower() in (".csv", ".txt", ".tsv"):
        curves, tool = read_table(path, fps)
        return take_of_curves(curves, head, str(path), tool)
    sequence = _folder(path) if path.is_dir() else _file(path)
    return take_of(sequence, head, str(path), fps)


def _file(path: Path) -> FlameSequence:
    if path.suffix == ".frame":
        return read_metrical([path], path.name)
    if path.suffix.lower() not in _READ:
        raise _unknown(path)
    content = _content(path)
    if isinstance(content, list) and content and all(is_codes(item) for item in content):
        return read_codes(content, path.name)
    if not isinstance(content, dict):
        raise _unknown(path)
    if is_vhap(content):
        return read_vhap(content, path.name)
    if is_head_tracker(content):
        return read_head_tracker([content], path.name)
    if is_codes(content):
        return read_codes([content], path.name)
    nested = [content[key] for key in sorted(content, key=_number) if is_codes(content[key])]
    if nested:
        return read_codes(nested, path.name)
    raise _unknown(path)


def _folder(path: Path) -> FlameSequence:
    """A folder of one tool's files, in the order of the numbers in their names."""
    checkpoints = _sorted(path.glob("*.frame")) or _sorted(path.glob("checkpoint/*.frame"))
    if checkpoints:
        return read_metrical(checkpoints, path.name)
    tracked = _sorted(path.glob("tracked_flame_params*.npz"))
    if tracked:
        return _file(tracked[-1])
    parts = _sorted(p for p in path.iterdir() if p.is_dir() and (p / _CODE_FILES[0]).is_file())
    if parts:
        return read_codes([_code_folder(part) for part in parts], path.name)
    if (path / _CODE_FILES[0]).is_file():
        return read_codes([_code_folder(path)], path.name)
    inner = path / "flame_param" if (path / "flame_param").is_dir() else path
    files = _sorted(p for p in inner.iterdir() if p.suffix in (".npz", ".npy", ".pkl", ".mat"))
    contents = [_content(file) for file in files]
    for known, read in ((is_head_tracker, read_head_tracker), (is_codes, read_codes)):
        chosen = [c for c in contents if isinstance(c, dict) and known(c)]
        if chosen:
            return read(chosen, path.name)
    chosen = [c for c in contents if isinstance(c, dict) and is_vhap(c)]
    if chosen:
        return read_vhap(_joined(chosen), path.name)
    raise _unknown(path)


def _content(path: Path) -> Any:
    """A file's values: pickles by the restricted reader, `.mat` by SciPy's, which runs nothing."""
    if path.suffix.lower() != ".mat":
        content = open_arrays(path)
        return {key: content[key] for key in content} if isinstance(content, dict) else content
    from scipy.io import loadmat

    try:
        return {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    except Exception as error:  # SciPy's readers each have their own
        raise AVFaceError(
            f"{path.name} can't be read ({type(error).__name__}).", "Save it once more, as .npz."
        ) from error


def _code_folder(path: Path) -> dict:
    return {file.stem: _content(file) for file in path.glob("*.npy")}


def _joined(frames: list[dict]) -> dict:
    """VHAP's export of a file for each frame, as its one file with all."""
    joined = dict(frames[0])
    for key in ("expr", "rotation", "translation", "neck_pose", "jaw_pose", "eyes_pose"):
        if key in joined:
            parts = [np.asarray(frame.get(key, joined[key])) for frame in frames]
            joined[key] = np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts])
    return joined


def _sorted(paths: Any) -> list[Path]:
    return sorted(paths, key=lambda path: (_number(path.stem), path.name))


def _number(name: Any) -> int:
    digits = re.findall(r"\d+", str(name))
    return int(digits[-1][-18:]) if digits else -1


def _unknown(path: Path) -> AVFaceError:
    kind = "folder" if path.is_dir() else "file"
    if not path.is_dir() and zipfile.is_zipfile(path) and path.suffix in (".pt", ".pth", ".ckpt"):
        return AVFaceError(
            f"{path.name} is a torch file of a kind that is not known.", "Save its codes as .npz."
        )
    return AVFaceError(f"{path.name} is a {kind} of no tool that is known.", _KNOWN)
