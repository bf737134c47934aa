"""Picture sequences: which files belong together, in which order; one picture as an array."""

import re
from pathlib import Path

import cv2
import numpy as np

from ..exchange.protocol import AVFaceError
from ..exchange.saving import save

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".exr")
FILM_SUFFIXES = {
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
    ".mxf", ".ogv", ".ts", ".webm", ".wmv",
}  # fmt: skip
_JPEG_QUALITY = 88
_PNG = b"\x89PNG\r\n\x1a\n"
_WEBP_MOVES = 0x02  # flag of a VP8X header (WebP Container Specification)
_NUMBERED = re.compile(r"^(?P<stem>.*?)(?P<number>\d+)(?P<suffix>\.[^.]+)$")


def find_pictures(path: Path) -> tuple[tuple[Path, ...], np.ndarray]:
    """The files of a sequence in order, and their numbers (T,) int64.

    Args:
        path: A folder of pictures, a pattern with # for the digits, or one of the pictures.

    Raises:
        AVFaceError: There is no picture.
    """
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise AVFaceError(f"There is no folder {folder}.", "Check the path.")
    files = [f for f in folder.iterdir() if f.suffix.lower() in PICTURE_SUFFIXES]
    sequences: dict[tuple[str, str], dict[int, Path]] = {}
    for file in sorted(files):
        match = _NUMBERED.match(file.name)
        if match:
            name = (match["stem"], match["suffix"])
            sequences.setdefault(name, {})[int(match["number"])] = file
    chosen = _choose(path, sequences)
    if not chosen and path.is_file():
        _refuse_animation(path)
        chosen = {0: path}  # one still picture
    if not chosen:
        films = sorted(f.name for f in folder.iterdir() if f.suffix.lower() in FILM_SUFFIXES)
        raise AVFaceError(
            f"There are no numbered pictures at {path}.",
            f"It holds {films[0]}: name the film itself, or give the folder to `batch`."
            if path.is_dir() and films
            else "Name a folder of pictures, one of them, or a pattern such as shot.####.png.",
        )
    numbers = np.array(sorted(chosen), np.int64)
    return tuple(chosen[int(n)] for n in numbers), numbers


def _choose(path: Path, sequences: dict[tuple[str, str], dict[int, Path]]) -> dict[int, Path]:
    """The sequence that `path` means; of a folder, the longest."""
    if path.is_dir():
        return max(sequences.values(), key=len, default={})
    if "#" in path.name and not path.is_file():
        stem, _, rest = path.name.partition("#")
        return sequences.get((stem, rest.lstrip("#")), {})
    match = _NUMBERED.match(path.name)
    if match and path.is_file():
        return sequences.get((match["stem"], match["suffix"]), {})
    return {}


def _refuse_animation(path: Path) -> None:
    """Raises AVFaceError for a moving WebP or PNG: only its first picture would be read."""
    with path.open("rb") as file:
        head = file.read(4096)
    moves = head[12:16] == b"VP8X" and bool(head[20] & _WEBP_MOVES)
    moves |= head.startswith(_PNG) and b"acTL" in head.partition(b"IDAT")[0]
    if moves:
        raise AVFaceError(
            f"{path.name} is an animation, of which only the first picture could be read.",
            "Export it as a film (MP4) or as numbered pictures.",
        )


def read_picture(
    path: Path, size: tuple[int, int] | None = None, alpha: bool = False
) -> np.ndarray:
    """(H, W, 3) uint8 RGB, upright. Raises AVFaceError if it isn't a picture of `size` (W, H).

    With `alpha` (H, W, 4): 255 where the file has none.
    """
    try:
        data = np.fromfile(path, np.uint8)  # not cv2.imread: it fails on some names on Windows
    except OSError as error:
        raise AVFaceError(f"There is no picture at {path}.", "Check the path.") from error
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    if picture is None:
        raise AVFaceError(f"{path.name} can't be read as a picture.", "Export it anew.")
    height, width, _ = picture.shape
    if alpha:
        whole = np.atleast_3d(np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED)))
        none = np.full((height, width), 255, np.uint8)
        picture = np.dstack([picture, whole[..., 3] if whole.shape[2] == 4 else none])
    if size and (width, height) != size:
        raise AVFaceError(
            f"{path.name} is {width} x {height}, the sequence began as {size[0]} x {size[1]}.",
            "Give all pictures of a sequence the same size.",
        )
    return picture


def grid(cells: list[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one size (H, W, 3) row by row in one; black where the last row lacks some."""
    cells = [*cells, *[np.zeros_like(cells[0])] * (-len(cells) % columns)]
    return np.vstack([np.hstack(cells[k : k + columns]) for k in range(0, len(cells), columns)])


def write_picture(picture: np.ndarray, path: Path, compression: int | None = None) -> None:
    """Write (H, W, 3) uint8 RGB, or (H, W, 4) with alpha, as PNG; RGB at NAME.jpg as JPEG.

    A `compression` of 1..9 searches each row's best filter: for drawings. Relief and skin become
    as small without it, in a third of the time. Raises AVFaceError.
    """
    order = [2, 1, 0, 3][: picture.shape[2]]
    kind, how = ".png", () if compression is None else (cv2.IMWRITE_PNG_COMPRESSION, compression)
    if path.suffix.lower() in (".jpg", ".jpeg"):
        kind, how = ".jpg", (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)
    done, data = cv2.imencode(kind, picture[..., order], how)
    assert done, picture.shape
    save(path, data.tobytes())
