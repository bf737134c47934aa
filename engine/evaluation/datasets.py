"""Data sets of others, by the layout in which their owners give them out. None comes with AVFace.

* Multiface (Wuu et al. 2022) and MultiREX, which was made from it;
* NoW (Sanyal et al. 2019);
* LRS3 (Afouras et al. 2018).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..exchange.protocol import AVFaceError


@dataclass(frozen=True)
class MultifaceFrame:
    """One moment of one expression, seen by one camera, with its tracked mesh."""

    expression: str
    picture: Path
    mesh: Path  # OBJ, mm
    head_pose: np.ndarray  # (3, 4) of the mesh in the studio's axes
    intrinsics: np.ndarray  # (3, 3)
    extrinsics: np.ndarray  # (3, 4) studio to camera


@dataclass(frozen=True)
class NowScan:
    """One person's scan and the pictures that should give it."""

    person: str
    scan: Path
    landmarks: np.ndarray  # (7, 3) on the scan, its unit
    pictures: tuple[Path, ...]
    kinds: tuple[str, ...]  # of each picture: multiview_neutral, selfie ...


def read_multiface(folder: Path, camera: str) -> Iterator[MultifaceFrame]:
    """Frames of an entity (`m--...--GHS`): images/EXPRESSION/CAMERA/FRAME.png and tracked meshes.

    MultiREX keeps this layout. Raises AVFaceError.
    """
    cameras = read_krt(folder / "KRT")
    if camera not in cameras:
        raise AVFaceError(
            f"{folder} has no camera {camera}.", f"Known: {', '.join(sorted(cameras)[:8])} ..."
        )
    intrinsics, extrinsics = cameras[camera]
    for picture in sorted(folder.glob(f"images/*/{camera}/*.png")):
        expression = picture.parent.parent.name
        mesh = folder / "tracked_mesh" / expression / f"{picture.stem}.obj"
        pose = mesh.with_name(f"{picture.stem}_transform.txt")
        if mesh.is_file() and pose.is_file():
            yield MultifaceFrame(
                expression, picture, mesh,
                np.loadtxt(pose).reshape(-1, 4)[:3], intrinsics, extrinsics,
            )  # fmt: skip


def read_krt(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Multiface's cameras: name -> intrinsics (3, 3), extrinsics (3, 4).

    Blocks of: the name, three rows of intrinsics, one of distortion, three of extrinsics.
    """
    cameras = {}
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        lines = [line for line in lines if line]
        for k in range(0, len(lines) - 7, 8):
            block = lines[k : k + 8]
            turn, place = np.array(block[1:4], float), np.array(block[5:8], float)
            cameras[block[0][0]] = turn.reshape(3, 3), place.reshape(3, 4)
    except (OSError, ValueError) as error:
        raise AVFaceError(f"{path} holds no cameras.", "Give an entity's folder.") from error
    return cameras


def read_now(folder: Path) -> Iterator[NowScan]:
    """People of NoW: scans/PERSON/*.obj, scans_lmks_onlypp/PERSON/*_picked_points.pp, pictures.

    Raises AVFaceError.
    """
    scans = sorted(folder.glob("scans/*/*.obj"))
    if not scans:
        raise AVFaceError(f"{folder} holds no scan of NoW.", "Give the folder with scans/.")
    pictures = folder / "final_release_version" / "iphone_pictures"
    for scan in scans:
        person = scan.parent.name
        marks = sorted((folder / "scans_lmks_onlypp" / person).glob("*.pp"))
        found = sorted((pictures / person).glob("*/*.jpg"))
        if marks:
            yield NowScan(
                person, scan, read_picked_points(marks[0]), tuple(found),
                tuple(path.parent.name for path in found),
            )  # fmt: skip


def read_picked_points(path: Path) -> np.ndarray:
    """MeshLab's picked points: (N, 3) in the file's order."""
    import xml.etree.ElementTree as ElementTree

    try:
        points = ElementTree.parse(path).getroot().iter("point")
        found = [[float(p.attrib[axis]) for axis in "xyz"] for p in points]
    except (OSError, ElementTree.ParseError, KeyError, ValueError) as error:
        raise AVFaceError(
            f"{path} holds no picked points ({error}).", "Give a .pp file."
        ) from error
    return np.array(found)


def lrs3_clips(folder: Path) -> list[Path]:
    """Films of LRS3 that have their words, SPEAKER/NUMBER.mp4 and .txt. Raises AVFaceError."""
    films = [path for path in sorted(folder.glob("*/*.mp4")) if path.with_suffix(".txt").is_file()]
    if not films:
        raise AVFaceError(f"{folder} holds no clip of LRS3.", "Give its test/ or trainval/.")
    return films


def spoken_text(label: str) -> str:
    """What is said by a text beside a clip: of LRS3's labels their line `Text:`, else all of it."""
    first, _, _ = label.partition("\n")
    return first.removeprefix("Text:").strip() if first.startswith("Text:") else label
