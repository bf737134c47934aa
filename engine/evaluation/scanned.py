"""How near captures come to people who were scanned, by NoW's protocol (`scans`).

Of NoW (Sanyal et al. 2019) each picture alone gives its person's head at rest. Of an entity of
Multiface (Wuu et al. 2022), or of MultiREX, what one camera saw of an expression gives the head of
each moment; its landmarks on the tracked mesh are where our tracker sees them in the picture.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError
from ..geometry import embed
from ..head.landmarks import mesh_to_68
from ..head.model import Head
from ..media import open_clip
from ..options import CaptureOptions
from ..pipeline import Performance, perform
from ..progress import Report
from ..render import rasterize
from ..weights import load_head
from .datasets import MultifaceFrame, NowScan, read_krt, read_multiface, read_now
from .scans import (
    SEVEN,
    ScanErrors,
    crop_by_seven,
    load_mesh,
    pool_errors,
    scan_to_mesh,
)

_FPS = 30.0  # Multiface's
_MESH_STEP = 10  # frames between those whose surface is measured
_NAME = 34  # letters of a row's name

Measured = Iterator[tuple[str, ScanErrors | None]]  # a row's name; None: no face was found


def evaluate_scans(
    folder: Path, report: Report, options: CaptureOptions, camera: str = ""
) -> tuple[str, dict[str, dict[str, float]]]:
    """The table of a data set, and its figures.

    Args:
        folder: NoW's, which holds scans/, or one entity of Multiface, which holds KRT.
        report: Progress.
        options: How to capture.
        camera: Multiface's; default the first that took pictures.

    Raises:
        AVFaceError: The folder holds neither data set.
    """
    head = Head(load_head())
    if (folder / "KRT").is_file():
        measured = _multiface(folder, camera, head, options, report)
    else:
        measured = _now(list(read_now(folder)), head, options, report)
    rows: dict[str, list[ScanErrors]] = {}
    missed: dict[str, int] = {}
    for name, errors in measured:
        found = rows.setdefault(name, [])
        missed[name] = missed.get(name, 0) + (errors is None)
        found += [errors] if errors else []
    figures = {name: _figures(found, missed[name]) for name, found in rows.items() if found}
    if not figures:
        raise AVFaceError(f"No face was found in the pictures of {folder}.", "Check the folder.")
    everything = [errors for found in rows.values() for errors in found]
    figures["all"] = _figures(everything, sum(missed.values()))
    return _table(figures), figures


def _now(scans: list[NowScan], head: Head, options: CaptureOptions, report: Report) -> Measured:
    """Each picture's head at rest against its person's scan; rows by kind of picture."""
    for k, scan in enumerate(scans):
        points, _ = load_mesh(scan.scan)
        points = crop_by_seven(points, scan.landmarks)
        for picture, kind in zip(scan.pictures, scan.kinds, strict=True):
            done = _look_at_one(picture, head, options)
            if done is None:
                yield kind, None
                continue
            vertices, _ = head.rest(done.fit.params.shape)
            yield kind, _measure(points, scan.landmarks, vertices, head)
        report((k + 1) / len(scans))


def _look_at_one(picture: Path, head: Head, options: CaptureOptions) -> Performance | None:
    """A capture of one picture, without its neighbours; None where it shows no face."""
    with tempfile.TemporaryDirectory(prefix="avface-scans-") as folder:
        alone = shutil.copy(picture, folder)
        try:
            return perform(open_clip(Path(alone)), head, options, Report())
        except AVFaceError:
            return None


def _multiface(
    folder: Path, camera: str, head: Head, options: CaptureOptions, report: Report
) -> Measured:
    """Moments of each expression, as one camera saw it, against the tracked meshes."""
    camera = camera or _first_camera(folder)
    expressions: dict[str, list[MultifaceFrame]] = {}
    for frame in read_multiface(folder, camera):
        expressions.setdefault(frame.expression, []).append(frame)
    for k, (expression, frames) in enumerate(expressions.items()):
        pictures = sorted(frames[0].picture.parent.glob("*.png"))
        try:
            done = perform(open_clip(pictures[0].parent, fps=_FPS), head, options, Report())
        except AVFaceError:
            yield expression, None
            continue
        rest = head.rest(done.fit.params.shape)
        for frame in frames[::_MESH_STEP]:
            t = pictures.index(frame.picture)
            pixels = mesh_to_68(done.track.landmarks[t, :, :2])[list(SEVEN)]
            seen, seven = _seen_points(frame, pixels, done.track.size)
            if seven is None:
                yield expression, None
                continue
            vertices = head.frame(done.fit.params, t, rest)
            yield expression, _measure(crop_by_seven(seen, seven), seven, vertices, head)
        report((k + 1) / len(expressions))


def _first_camera(folder: Path) -> str:
    """The first camera of an entity that took pictures. Raises AVFaceError."""
    for name in sorted(read_krt(folder / "KRT")):
        if any(folder.glob(f"images/*/{name}/*.png")):
            return name
    raise AVFaceError(f"{folder} holds no pictures.", "Unpack images/ of one camera there.")


def _seen_points(
    frame: MultifaceFrame, pixels: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """What a picture shows of the tracked mesh: its vertices (N, 3), no mouth's inside among them.

    And the mesh's points at pixels (M, 2): (M, 3), None where they miss it.
    """
    points, faces = load_mesh(frame.mesh)
    turn, shift = frame.head_pose[:, :3], frame.head_pose[:, 3]
    world = points @ turn.T + shift
    seen = world @ frame.extrinsics[:, :3].T + frame.extrinsics[:, 3]
    drawn = seen @ frame.intrinsics.T
    on_screen = np.column_stack([drawn[:, :2] / drawn[:, 2:], seen[:, 2] / 1e3])
    face_id, weights = rasterize(on_screen, faces, size)
    seen = points[np.unique(faces[face_id[face_id >= 0]])]
    column, row = np.clip(np.nan_to_num(pixels).astype(int), 0, np.array(size) - 1).T
    hit = face_id[row, column]
    if (hit < 0).any() or np.isnan(pixels).any():
        return seen, None
    return seen, (points[faces[hit]] * weights[row, column][..., None]).sum(1)


def _measure(points: np.ndarray, seven: np.ndarray, vertices: np.ndarray, head: Head) -> ScanErrors:
    """A head (V, 3), in metres, against a scan's points and landmarks, in millimetres."""
    file = head.file
    marks = embed(vertices, file.faces, file.landmarks_68)[list(SEVEN)]
    eyes = file.masks["left_eye"] | file.masks["right_eye"]
    outside = eyes | (file.masks["skin"] & ~file.masks["mouth_inside"])  # as a scanner sees it
    faces = file.faces[outside[file.faces].all(1)]
    return scan_to_mesh(points, seven, vertices * 1e3, faces, marks * 1e3)


def _figures(found: list[ScanErrors], missed: int) -> dict[str, float]:
    median, mean, deviation = pool_errors(found).row
    return {
        "heads": len(found), "median_mm": median, "mean_mm": mean, "std_mm": deviation,
        "missed": missed,
    }  # fmt: skip


def _table(figures: dict[str, dict[str, float]]) -> str:
    lines = [
        "Scan to mesh by NoW's protocol, size free, mm; missed: pictures without a face.",
        "",
        f"{'':{_NAME}}{'heads':>7}{'median':>8}{'mean':>7}{'std':>7}{'missed':>8}",
    ]
    for name, row in figures.items():
        lines.append(
            f"{name[: _NAME - 1]:{_NAME}}{row['heads']:7.0f}{row['median_mm']:8.2f}"
            f"{row['mean_mm']:7.2f}{row['std_mm']:7.2f}{row['missed']:8.0f}"
        )
    return "\n".join(lines)
