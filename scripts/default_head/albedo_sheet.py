"""The sheet as seen from the head: where each texel lies on the surface, and tools to paint."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import scipy.sparse as sp
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree  # type: ignore[attr-defined]

from engine.exchange.head_file import HeadFile
from engine.geometry import embed, vertex_normals
from engine.render import interpolate, rasterize
from engine.render.occlusion import ambient_openness


@dataclass(frozen=True)
class Sheet:
    """`size` texels along the sheet, row 0 at its top. Outside charts: as the nearest texel."""

    head: HeadFile
    size: int

    @cached_property
    def _raster(self) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        uv = np.stack([self.head.uv[:, 0], 1 - self.head.uv[:, 1]], 1) * self.size
        flat = np.concatenate([uv, np.ones((len(uv), 1))], 1)
        face_id, weights = rasterize(flat, self.head.uv_faces, (self.size, self.size))
        nearest = distance_transform_edt(face_id < 0, return_distances=False, return_indices=True)
        assert nearest is not None
        return face_id, weights, (nearest[0], nearest[1])

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values at vertices (V,) or (V, C) on every texel: (n, n) or (n, n, C)."""
        face_id, weights, nearest = self._raster
        columns = values[:, None] if values.ndim == 1 else values
        out = interpolate(columns, self.head.faces, face_id, weights)[nearest]
        return out[:, :, 0] if values.ndim == 1 else out

    @cached_property
    def position(self) -> np.ndarray:
        """Where the texel lies on the template, (n, n, 3) mm."""
        return 1000 * self.spread(self.head.template)

    @cached_property
    def normal(self) -> np.ndarray:
        """The template's unit normal, (n, n, 3)."""
        normal = self.spread(vertex_normals(self.head.template, self.head.faces))
        return normal / np.linalg.norm(normal, axis=2, keepdims=True)

    @cached_property
    def chart(self) -> np.ndarray:
        """Number of the chart that owns a texel, (n, n)."""
        faces = self.head.uv_faces
        edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
        count = len(self.head.uv)
        graph = sp.coo_matrix((np.ones(len(edges)), edges.T), (count, count))
        label = connected_components(graph, directed=False)[1][faces[:, 0]]
        face_id, _, nearest = self._raster
        return label[np.maximum(face_id, 0)][nearest]

    @cached_property
    def owner(self) -> np.ndarray:
        """The triangle that a texel lies on, (n, n)."""
        face_id, _, nearest = self._raster
        return face_id[nearest]

    @cached_property
    def texels_per_mm(self) -> np.ndarray:
        """Local scale of the sheet, (n, n)."""
        head = self.head
        plane = head.uv[head.uv_faces] * self.size
        solid = 1000 * head.template[head.faces]
        a, b = plane[:, 1] - plane[:, 0], plane[:, 2] - plane[:, 0]
        flat = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
        full = np.linalg.norm(
            np.cross(solid[:, 1] - solid[:, 0], solid[:, 2] - solid[:, 0]), axis=1
        )
        return np.sqrt(flat / np.maximum(full, 1e-9))[self.owner]

    @cached_property
    def openness(self) -> np.ndarray:
        """How much of the sky each texel sees, (n, n) in [0, 1]."""
        return self.spread(ambient_openness(self.head.template, self.head.faces))

    def part(self, name: str) -> np.ndarray:
        """Texels on triangles that lie wholly in a mask, (n, n) bool."""
        return self.head.masks[name][self.head.faces].min(1)[self.owner]

    def share(self, name: str) -> np.ndarray:
        """A mask blended across the triangles at its border, (n, n) in [0, 1]."""
        return self.spread(self.head.masks[name].astype(np.float32))

    @cached_property
    def main(self) -> np.ndarray:
        """Texels of the face's own chart: skin without eye sockets and mouth cavity."""
        labels = np.bincount(self.chart[self.part("skin")])
        return self.chart == labels.argmax()

    @cached_property
    def landmarks(self) -> np.ndarray:
        """The 468 face landmarks on the template, (468, 3) mm."""
        return 1000 * embed(self.head.template, self.head.faces, self.head.landmarks_468)

    @cached_property
    def _landmark_texels(self) -> np.ndarray:
        """The texel of the face's chart nearest to each landmark, (468, 2) column, row.

        By place, as a landmark on a seam may be embedded in the triangle beyond it.
        """
        rows, columns = np.nonzero(self.main & (self._raster[0] >= 0))
        near = cKDTree(self.position[rows, columns]).query(self.landmarks)[1]
        return np.stack([columns[near], rows[near]], 1) + 0.5

    def texel(self, landmarks: list[int]) -> np.ndarray:
        """Where landmarks lie on the sheet: (L, 2) column, row."""
        return self._landmark_texels[landmarks]

    def spot(self, centre: np.ndarray, radius_mm: float) -> np.ndarray:
        """A Gaussian in space round a point (3,) mm, (n, n)."""
        squared = ((self.position - centre) ** 2).sum(2)
        return np.exp(-squared / (2 * radius_mm**2))

    def spots(self, landmarks: list[int], radius_mm: float) -> np.ndarray:
        """Gaussians round landmarks, the strongest counts, (n, n)."""
        return np.max([self.spot(self.landmarks[k], radius_mm) for k in landmarks], axis=0)

    def soft(self, region: np.ndarray, width_mm: float) -> np.ndarray:
        """A region (n, n) with an edge as wide as `width_mm` at the face's scale."""
        scale = np.median(self.texels_per_mm[self.part("face")])
        return gaussian_filter(region.astype(np.float32), width_mm * scale / 2)

    def inside(self, landmarks: list[int]) -> np.ndarray:
        """Texels inside the polygon through landmarks, (n, n) float with smooth edges."""
        points = np.round(self.texel(landmarks) * 16).astype(np.int32)
        canvas = np.zeros((self.size, self.size), np.uint8)
        cv2.fillPoly(canvas, [points], 255, cv2.LINE_AA, 4)
        return canvas / 255.0

    def noise(self, generator: np.random.Generator, wavelength_mm: float) -> np.ndarray:
        """Smooth noise in space, unit variance, without seams, (n, n)."""
        lattice = generator.normal(size=(64, 64, 64)).astype(np.float32)
        coarse = self.position[1::4, 1::4]  # 4 texels are about a millimetre
        where = np.moveaxis(coarse / (wavelength_mm / 2), 2, 0)
        out = map_coordinates(lattice, where, order=3, mode="grid-wrap")
        out = cv2.resize(out, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        return (out - out.mean()) / out.std()

    def grain(self, generator: np.random.Generator, blur_texels: float) -> np.ndarray:
        """Fine noise on the sheet, unit variance, (n, n)."""
        out = gaussian_filter(generator.normal(size=(self.size, self.size)), blur_texels)
        return out / out.std()

    def dots(self, generator, density, count: int, radius_mm: tuple[float, float]) -> np.ndarray:
        """`count` round spots where `density` (n, n) is large, radii in mm between two, (n, n)."""
        area = density / np.maximum(self.texels_per_mm, 0.1) ** 2
        chosen = generator.choice(area.size, count, p=(area / area.sum()).ravel())
        canvas = np.zeros((self.size, self.size), np.float32)
        for texel in chosen:
            row, column = divmod(int(texel), self.size)
            radius = generator.uniform(*radius_mm) * self.texels_per_mm[row, column]
            _stamp(canvas, row + generator.uniform(), column + generator.uniform(), radius,
                   generator.uniform(0.4, 1.0))  # fmt: skip
        return np.clip(canvas, 0, 1)


def _stamp(canvas, row: float, column: float, radius: float, strength: float) -> None:
    """Add one soft round spot."""
    reach = int(np.ceil(2.5 * radius)) + 1
    top, left = max(int(row) - reach, 0), max(int(column) - reach, 0)
    window = canvas[top : int(row) + reach + 1, left : int(column) + reach + 1]
    y = np.arange(window.shape[0])[:, None] + top + 0.5 - row
    x = np.arange(window.shape[1])[None] + left + 0.5 - column
    window += strength * np.exp(-(((x**2 + y**2) / max(radius, 0.45) ** 2) ** 1.3))


def draw_hairs(size: int, hairs: list[tuple[np.ndarray, float]], zoom: int = 3) -> np.ndarray:
    """Hairs as (points (P, 2) in texels, width in texels), with thin ends, (size, size)."""
    canvas = np.zeros((size * zoom, size * zoom), np.uint8)
    for points, width in hairs:
        for k in range(len(points) - 1):
            share = 1 - 0.7 * k / (len(points) - 1)
            thick = max(1, round(width * zoom * share))
            ends = np.round(points[k : k + 2] * zoom * 8).astype(np.int32)
            cv2.line(canvas, ends[0].tolist(), ends[1].tolist(), 255, thick, cv2.LINE_AA, 3)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA) / np.float32(255)


def smoothstep(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between; falls when low > high."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
