"""Relief as tangent-space normal maps: one picture a key frame, one of the static relief alone."""

from pathlib import Path
from typing import Any

import numpy as np

from ..exchange.files import folder_written_whole
from ..exchange.protocol import AVFaceError
from ..head.model import FaceParams, Head
from ..media.pictures import write_picture
from ..progress import Report
from .face_sheet import lay_window, map_surface
from .recover import Detail
from .tangent import relief_normals, tangent_frames


def bake_normals(
    detail: Detail | None, head: Head, params: FaceParams, folder: Path, name: str,
    report: Report | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write `NAME.normals/static.png` and `frame_000123.png`, and say so in `Take`'s fields.

    Each frame's picture holds the whole relief of that moment, the static part included: show one
    of them, or a blend of two neighbours, never static and dynamic together. 8-bit RGB, Non-Color,
    tangent space, OpenGL +Y; the whole sheet, flat (128, 128, 255) off the face. A frame's alpha is
    its cavities: what of the light is left there, to be multiplied with the skin's colour.
    """
    if detail is None:
        return {}
    pictures, names = folder / f"{name}.normals", []
    rest = head.rest(params.shape)
    try:
        with folder_written_whole(pictures) as work:
            still = _normal_map(detail, head, params, detail.rest_frame, rest, detail.static)
            write_picture(still, work / "static.png")
            for k, frame in enumerate(detail.frames):
                relief = detail.static + detail.dynamic[k]
                picture = _normal_map(detail, head, params, int(frame), rest, relief)
                picture = np.dstack([picture, _light_left(detail, detail.cavities[k])])
                names.append(f"frame_{frame:06d}.png")
                write_picture(picture, work / names[-1])
                if report:
                    report((k + 1) / len(detail.frames))
    except OSError as error:
        raise AVFaceError(
            f"The normal maps can't be written to {pictures} ({error.strerror}).",
            "Free some disk space or choose another folder.",
        ) from error
    return {
        "static_normals": f"{pictures.name}/static.png",
        "dynamic_normals": tuple(f"{pictures.name}/{names[k]}" for k in detail.shown),
        "detail_times": detail.times,
    }


def _normal_map(
    detail: Detail,
    head: Head,
    params: FaceParams,
    frame: int,
    rest: tuple[np.ndarray, np.ndarray],
    relief: np.ndarray,
) -> np.ndarray:
    """The whole sheet (size, size, 3) uint8 RGB."""
    vertices = head.frame(params, frame, rest)
    surface = map_surface(detail.sheet, vertices, head.file.faces)
    frames = tangent_frames(vertices, head.file)
    normals = relief_normals(relief, detail.sheet, surface, frames, head.file)
    normals[relief == 0] = (0, 0, 1)
    return encode(normals, detail.sheet.window, detail.size)


def _light_left(detail: Detail, cavity: np.ndarray) -> np.ndarray:
    """The whole sheet (size, size) uint8: the share of the light that cavities leave, 255 = all."""
    part, rows, columns = lay_window(cavity, detail.sheet.window, detail.size)
    sheet = np.full((detail.size, detail.size), 255, np.uint8)
    sheet[rows, columns] = np.round(255 * np.exp(np.minimum(part, 0)))
    return sheet


def encode(normals: np.ndarray, window: tuple[float, float, float], size: int) -> np.ndarray:
    """Window normals (R, R, 3) on the sheet, as colours (size, size, 3) uint8 RGB."""
    tilt = normals - np.array([0, 0, 1], np.float32)  # 0 is flat, as the border is
    part, rows, columns = lay_window(tilt, window, size)
    part[..., 2] += 1
    part /= np.sqrt(np.einsum("ijk,ijk->ij", part, part))[..., None]
    sheet = np.full((size, size, 3), (128, 128, 255), np.uint8)
    # 128 stands for 0: a flat texel is (128, 128, 255)
    sheet[rows, columns] = np.clip(part * 127 + 128.5, 0, 255)
    return sheet
