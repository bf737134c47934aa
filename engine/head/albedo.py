"""A head's colours without light: mean and components as a sum of maps times colours.

The sum is the logit of the linear reflectance, log(R / (1 - R)), so that every setting gives a
reflectance between 0 and 1. Pigments add there almost linearly: for dark skin and hair it is
Beer-Lambert's law (absorbances add), for light skin it saturates as scattering tissue does.
File format: docs/fileformats.md.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ..exchange.protocol import AVFaceError
from ..exchange.reading import load_arrays
from ..srgb import srgb_from_linear

SCHEMA = 1
_BLOCK = 1 << 16  # texels at a time: what fits the cache beside its bytes


@dataclass(frozen=True)
class Albedo:
    """A components, M sharp maps of (n, n), K smooth maps of (m, m); row 0 is the sheet's top.

    A map's value is low + (high - low) * byte / 255. Smooth maps count where the first sharp
    map (skin without hair) is 1.
    """

    names: tuple[str, ...]  # (A,)
    maps: tuple[str, ...]  # (M + K,)
    low: np.ndarray  # (A,) see `effective`
    sharp: np.ndarray  # (M, n, n) uint8
    smooth: np.ndarray  # (K, m, m) uint8
    ranges: np.ndarray  # (M + K, 2) low and high of each map
    mean: np.ndarray  # (M + K, 3) colour of each map for the mean person
    basis: np.ndarray  # (A, M + K, 3) change of these colours per unit of a coefficient

    def __post_init__(self) -> None:
        maps = len(self.sharp) + len(self.smooth)
        assert self.mean.shape == (maps, 3), self.mean.shape
        assert self.basis.shape == (len(self.names), maps, 3), self.basis.shape

    def effective(self, coefficients: np.ndarray) -> np.ndarray:
        """What counts of the coefficients, (A,): nobody has less than no freckles.

        Below a negative `low` a coefficient counts as `low`; a positive one is a threshold,
        from which the component grows.
        """
        above = np.maximum(np.asarray(coefficients, np.float32), self.low)
        return above - np.maximum(self.low, 0)

    def logit(self, coefficients: np.ndarray) -> np.ndarray:
        """The linear model itself: (A,) -> (n, n, 3), linear in the effective coefficients."""
        colours = self.mean + np.tensordot(self.effective(coefficients), self.basis, 1)
        sharp_count, size = len(self.sharp), self.sharp.shape[1]
        soft = _weighted(self.smooth, self.ranges[sharp_count:], colours[sharp_count:])
        soft = cv2.resize(soft, (size, size), interpolation=cv2.INTER_CUBIC)
        gate = self.sharp[0, :, :, None].astype(np.float32) / 255
        return _weighted(self.sharp, self.ranges[:sharp_count], colours[:sharp_count]) + gate * soft

    def shaven(self) -> "Albedo":
        """The same without hair on the scalp: bare skin where the cap was."""
        sharp = self.sharp.copy()
        cap = [k for k, name in enumerate(self.maps[: len(sharp)]) if name.startswith("hair")]
        low, high = self.ranges[0]
        bare = low + (high - low) * sharp[0] / 255 + sharp[self.maps.index("hair")] / 255
        sharp[0] = np.clip(np.round(255 * (bare - low) / (high - low)), 0, 255).astype(np.uint8)
        sharp[cap] = 0
        mean, basis = self.mean.copy(), self.basis.copy()
        mean[cap], basis[:, cap] = 0, 0
        return replace(self, sharp=sharp, mean=mean, basis=basis)

    def read(self, uv: np.ndarray) -> np.ndarray:
        """Every map at places (N, 2) on the sheet: (M + K, N), smooth ones where they count."""
        values = np.empty((len(self.ranges), len(uv)), np.float32)
        for k, picture in enumerate([*self.sharp, *self.smooth]):
            side, (low, high) = len(picture), self.ranges[k]
            column = np.clip(uv[:, 0] * side, 0, side - 1).astype(int)
            row = np.clip((1 - uv[:, 1]) * side, 0, side - 1).astype(int)
            values[k] = low + (high - low) * picture[row, column] / 255
        values[len(self.sharp) :] *= values[0]
        return values

    def reflectance(self, coefficients: np.ndarray, size: int = 1024) -> np.ndarray:
        """Linear diffuse albedo: (A,) -> (size, size, 3) float32 in (0, 1)."""
        picture = 1 / (1 + np.exp(-self.logit(coefficients)))
        if size == len(picture):
            return picture
        how = cv2.INTER_AREA if size < len(picture) else cv2.INTER_LINEAR
        return cv2.resize(picture, (size, size), interpolation=how)

    def texture(self, coefficients: np.ndarray, size: int = 1024) -> np.ndarray:
        """The colour texture: (A,) -> (size, size, 3) uint8 sRGB."""
        return srgb_from_linear(self.reflectance(coefficients, size))


def _weighted(maps: np.ndarray, ranges: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Sum of maps times colours: (M, n, n) uint8, (M, 2), (M, 3) -> (n, n, 3)."""
    step = (ranges[:, 1] - ranges[:, 0]) / 255
    scaled = (colours * step[:, None]).astype(np.float32)
    flat = maps.reshape(len(maps), -1)
    out = np.empty((flat.shape[1], 3), np.float32)
    for start in range(0, len(out), _BLOCK):
        block = flat[:, start : start + _BLOCK].astype(np.float32)
        out[start : start + _BLOCK] = block.T @ scaled
    out += (colours * ranges[:, :1]).sum(0)
    return out.reshape(*maps.shape[1:], 3)


def load_albedo(path: Path) -> Albedo:
    """Read an albedo file, once while it stays. Raises AVFaceError when the file isn't one."""
    return _load(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=1)
def _load(path: Path, _changed: int) -> Albedo:
    arrays = load_arrays(path, "an albedo file", "Install AVFace again.")
    if int(arrays.get("schema", -1)) != SCHEMA:
        raise AVFaceError(
            f"{path} is not an albedo file of schema {SCHEMA}.", "Install AVFace again."
        )
    return Albedo(
        names=tuple(map(str, arrays["names"])),
        maps=tuple(map(str, arrays["maps"])),
        low=arrays["low"].astype(np.float32),
        sharp=arrays["sharp"],
        smooth=arrays["smooth"],
        ranges=arrays["ranges"].astype(np.float32),
        mean=arrays["mean"].astype(np.float32),
        basis=arrays["basis"].astype(np.float32),
    )
