"""A decoder's picture as the engine means it: RGB in sRGB's light, square pixels, upright.

A film's numbers become colours by a matrix (BT.601, 709 or 2020), a range and a curve of light that
the film names. swscale obeys the matrix and the range; added here are what players assume where no
matrix is named, films of high dynamic range (telephones record them), whose numbers shown as they
are would be pale, and interlaced films, whose pictures hold two moments.
"""

from functools import cache

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter

from ..srgb import srgb_from_linear

_NOT_NAMED = 2  # matrix; this and the curves by their numbers in ISO/IEC 23091-2
_PQ, _HLG = 16, 18
# From this width or above this height a film that names no matrix has BT.709's, as mpv takes it.
_HD_WIDTH, _SD_HEIGHT = 1280, 576
# Linear light of BT.2020's primaries in BT.709's, which are sRGB's (ITU-R BT.2407, 2.2).
_PRIMARIES = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
_SHEET_NITS, _SHEET_SIGNAL = 203.0, 0.75  # a white sheet in PQ, in HLG (ITU-R BT.2408)
_HLG_DISPLAY = 1.2  # exponent from a scene's light to a display's (ITU-R BT.2100)
_SHEET = 32768  # white in 16 bits of linear light: what is up to twice as bright is kept


class Rgb:
    """Turns a film's pictures into (H, W, 3) uint8, contiguous."""

    def __init__(self, size: tuple[int, int], rotation: int = 0) -> None:
        """`size`: width, height of the upright picture; `rotation`: quarter turns that make it."""
        self._size = size[::-1] if rotation % 2 else size
        self._rotation = rotation
        self._scaler = VideoReformatter()  # kept: making one takes longer than a small picture

    def __call__(self, picture: VideoFrame) -> np.ndarray:
        """One picture; its size becomes the film's where it is another."""
        is_high = picture.color_trc in (_PQ, _HLG)
        (width, height), kind = self._size, "rgb48le" if is_high else "rgb24"
        rgb = self._scaler.reformat(
            picture, width, height, kind, src_colorspace=_matrix(picture), threads=1
        ).to_ndarray()
        if is_high:
            rgb = _shown(rgb, picture.color_trc)
        if picture.interlaced_frame:
            rgb = _one_field(rgb)
        turned = np.rot90(rgb, self._rotation) if self._rotation else rgb
        return np.ascontiguousarray(turned)


def _matrix(picture: VideoFrame) -> Colorspace | None:
    """What the picture's matrix is taken for; None: what it names, or swscale's BT.601."""
    is_named = picture.colorspace != _NOT_NAMED or picture.format.is_rgb
    is_hd = picture.width >= _HD_WIDTH or picture.height > _SD_HEIGHT
    return Colorspace.ITU709 if is_hd and not is_named else None


def _one_field(rgb: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) by its even rows alone: the odd ones show another moment."""
    rows = rgb[::2]
    out = np.repeat(rows, 2, axis=0)[: len(rgb)]
    out[1 : 2 * len(rows) - 2 : 2] = cv2.addWeighted(rows[:-1], 0.5, rows[1:], 0.5, 0)
    return out


def _shown(rgb: np.ndarray, curve: int) -> np.ndarray:
    """High dynamic range (H, W, 3) uint16 as sRGB uint8, a white sheet as its white."""
    light, codes = _tables(curve)
    return cv2.LUT(cv2.transform(cv2.LUT(rgb, light), _PRIMARIES), codes)


@cache
def _tables(curve: int) -> tuple[np.ndarray, np.ndarray]:
    """(65536,) uint16 linear light of a film's codes, and uint8 sRGB codes of that light."""
    signal = np.linspace(0, 1, 65536)
    if curve == _PQ:
        light = _pq_nits(signal) / _SHEET_NITS
    else:
        light = (_hlg_light(signal) / _hlg_light(_SHEET_SIGNAL)) ** _HLG_DISPLAY
    steps = np.round(light * _SHEET).clip(0, 65535).astype(np.uint16)
    return steps, srgb_from_linear(np.arange(65536) / _SHEET)


def _pq_nits(signal: np.ndarray) -> np.ndarray:
    """cd/m2 of PQ's signal 0..1 (SMPTE ST 2084)."""
    root = signal ** (32 / 2523)
    return 1e4 * ((root - 107 / 128).clip(0) / (2413 / 128 - 2392 / 128 * root)) ** (8192 / 1305)


def _hlg_light(signal: np.ndarray | float) -> np.ndarray:
    """A scene's light 0..1 of HLG's signal 0..1 (ITU-R BT.2100)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    signal = np.asarray(signal)
    return np.where(signal < 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
