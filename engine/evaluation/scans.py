"""Scan-to-mesh distance by the protocol of NoW (Sanyal et al. 2019), as in AVFace's table 5.

The predicted mesh is laid onto the scan rigidly by seven landmarks, then by the points themselves;
what counts is how far each point of the scan's face is from the mesh's surface. `trimesh` reads and
measures the meshes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..exchange.head_file import HeadFile
from ..exchange.protocol import AVFaceError
from ..geometry import align_points

SEVEN = (36, 39, 42, 45, 33, 48, 54)  # of the 68: eye corners, below the nose, mouth corners
_NOSE_TIP, _NOSE_BRIDGE, _NOSE_BASE = 30, 27, 33
_OUTER_EYES = (36, 45)
_CROP = 0.7  # of the eyes' distance and the nose's length together: the face's radius
_CROP_RISE = 0.3  # of the way from below the nose to between the eyes
_REFINEMENTS = 12
_SAMPLES = 4000  # points of the scan that the refinement looks at


@dataclass(frozen=True)
class ScanErrors:
    """Distances of all scans' points, pooled as NoW pools them."""

    distances_mm: np.ndarray  # (N,)

    @property
    def row(self) -> tuple[float, float, float]:
        """Median, mean and standard deviation, mm."""
        d = self.distances_mm
        return float(np.median(d)), float(d.mean()), float(d.std())


def pool_errors(scans: list[ScanErrors]) -> ScanErrors:
    """Many scans as one."""
    return ScanErrors(np.concatenate([scan.distances_mm for scan in scans]))


def scan_to_mesh(
    scan: np.ndarray,
    scan_landmarks: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    landmarks: np.ndarray,
) -> ScanErrors:
    """One prediction against one scan, its size free as in NoW's non-metrical table.

    Args:
        scan: (N, 3) points, mm.
        scan_landmarks: (68, 3), or the seven of `SEVEN` (7, 3) when the points need no cropping.
        vertices: (V, 3) predicted, any unit.
        faces: (F, 3).
        landmarks: (68, 3) on the prediction, or its seven.
    """
    chosen = list(SEVEN)
    scan_seven = scan_landmarks[chosen] if len(scan_landmarks) == 68 else scan_landmarks
    own_seven = landmarks[chosen] if len(landmarks) == 68 else landmarks
    points = crop_face(scan, scan_landmarks) if len(scan_landmarks) == 68 else scan
    laid = align_points(own_seven, scan_seven)(vertices)
    step = max(1, len(points) // _SAMPLES)
    for _ in range(_REFINEMENTS):
        nearest, _ = closest_points(points[::step], laid, faces)
        laid = align_points(nearest, points[::step])(laid)
    return ScanErrors(closest_points(points, laid, faces)[1])


def crop_face(scan: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The scan's points (N, 3) about the nose's tip, NoW's face: (n, 3)."""
    left, right = _OUTER_EYES
    eyes = np.linalg.norm(landmarks[left] - landmarks[right])
    nose = np.linalg.norm(landmarks[_NOSE_BRIDGE] - landmarks[_NOSE_BASE])
    near = np.linalg.norm(scan - landmarks[_NOSE_TIP], axis=1) < _CROP * (eyes + nose)
    return scan[near]


def crop_by_seven(scan: np.ndarray, seven: np.ndarray) -> np.ndarray:
    """The scan's points that NoW counts, by its seven landmarks (7, 3) in the order of `SEVEN`."""
    base, bridge = seven[4], seven[1:3].mean(0)
    radius = _CROP * (np.linalg.norm(seven[0] - seven[3]) + np.linalg.norm(bridge - base))
    middle = base + _CROP_RISE * (bridge - base)
    return scan[np.linalg.norm(scan - middle, axis=1) < radius]


def face_vertices(file: HeadFile) -> np.ndarray:
    """(V,) bool: the skin of a head's face."""
    return file.masks["face"] & file.masks["skin"] & ~file.masks["mouth_inside"]


def closest_points(
    points: np.ndarray, vertices: np.ndarray, faces: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """On a surface, the nearest to each of the points (N, 3): places (N, 3), distances (N,)."""
    trimesh = _trimesh()
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    places, distances, _ = trimesh.proximity.closest_point(mesh, points)
    return np.asarray(places), np.asarray(distances)


def load_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and triangles (F, 3) of a mesh or scan file, in its order and its unit."""
    try:
        mesh = _trimesh().load(path, process=False, maintain_order=True, force="mesh")
    except (OSError, ValueError, NotImplementedError) as error:
        raise AVFaceError(f"{path} is not a mesh ({error}).", "Give OBJ or PLY.") from error
    vertices, faces = (getattr(mesh, name) for name in ("vertices", "faces"))
    return np.asarray(vertices, float), np.asarray(faces, int)


def _trimesh():
    try:
        import trimesh
        import trimesh.proximity
    except ImportError as error:
        raise AVFaceError(
            "Measuring scans needs trimesh.", "Install it: pip install -r requirements/dev.txt."
        ) from error
    return trimesh
