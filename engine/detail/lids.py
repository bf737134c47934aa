"""What makes eyes' rims dark, painted on the head's texture: lashes' shade, liner, shadow.

The lids' skin is the hardest to see: it folds, slides and is a few pixels high. So it isn't laid on
as it is but read as a profile: how much darker than the model the clip shows it at so many
millimetres from the lid's edge and such a share of its length, both eyes together. Beyond the outer
corner, where lids fold over each other, both edges go on along one line. Only darkness is taken,
for whites of eyes that slipped onto the skin are bright.
"""

import cv2
import numpy as np
from scipy.spatial import KDTree

from ..easing import ease
from ..exchange.lashes import LOWER_LIDS, UPPER_LIDS
from .face_sheet import FaceSheet
from .folds import EYES
from .paint import change_colours, read_colours
from .residual import LUMINANCE

# Of the profile: places along a lid, more beyond its outer corner, steps away from it.
_ON_LID, _BEYOND, _ACROSS, _STEP_MM = 25, 8, 19, 0.5
_ALONG = _BEYOND + _ON_LID
_CORNER_MM = 9.0  # so far it goes on
_SMOOTH = 2.0, 0.8  # Gaussian sigma of the profile, places and steps
_BESIDE_MM = 6.5, 9.0  # from there on it is the skin beside: its difference is light
_NEAREST_MM = 0.75  # nearer, eye and skin can't be told apart: the profile goes on as it is there
_FADE_MM = 5.0, 8.0
_LASHES = 0.35  # log: so dark lashes make the edge in a drawing already, over _LASHES_MM
_LASHES_MM = 1.2
_DARKEST = 2.4  # log: a drawn line, the shade of thick lashes
_OUTER_END, _INNER_END = 5, 3  # places over which it ends
_MOST_HUE = 0.15  # log contrast: of shadow with a colour
_LEAST_KNOWN = 0.3


def paint_lids(
    texture: np.ndarray, own: np.ndarray, known: np.ndarray, sheet: FaceSheet
) -> np.ndarray:
    """The texture with lids as dark as a clip shows them: a `paint.Painter`."""
    difference = own - read_colours(texture, sheet)
    change = np.zeros_like(difference)
    for lids in (UPPER_LIDS, LOWER_LIDS):
        edges = [_edge(sheet, lid) for lid in lids]
        inside = [sheet.landmarks[list(eye)].mean(0) for eye in EYES]
        profile = _profile(difference, known, edges, inside, sheet)
        if profile is None:
            continue
        for edge, middle in zip(edges, inside, strict=True):
            _lay(change, profile, edge, middle, sheet)
    return change_colours(texture, change.astype(np.float32), sheet)


def _edge(sheet: FaceSheet, lid: tuple[int, ...]) -> np.ndarray:
    """A lid's edge from beyond the outer corner to the inner, (_ALONG, 2) texels."""
    points = sheet.landmarks[list(lid)]
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    at = np.linspace(0, length[-1], _ON_LID)
    on_lid = np.stack([np.interp(at, length, axis) for axis in points.T], 1)
    outward = (points[0] - points[-1]) / np.linalg.norm(points[0] - points[-1])
    away = np.linspace(_CORNER_MM, 0, _BEYOND, endpoint=False)[:, None] / sheet.texel_mm
    return np.concatenate([points[0] + away * outward, on_lid])


def _outward(edge: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Unit directions (_ALONG, 2) away from the eye's middle, square to its lid's edge."""
    along = np.gradient(edge, axis=0)
    square = np.stack([-along[:, 1], along[:, 0]], 1)
    square *= np.sign(((edge - middle) * square).sum(1).sum())
    return square / np.maximum(np.linalg.norm(square, axis=1, keepdims=True), 1e-9)


def _profile(
    difference: np.ndarray,
    known: np.ndarray,
    edges: list[np.ndarray],
    inside: list[np.ndarray],
    sheet: FaceSheet,
) -> np.ndarray | None:
    """Log change (_ALONG, _ACROSS, 3) that a lid and its twin show; None where too little is."""
    away = _STEP_MM * np.arange(_ACROSS) / sheet.texel_mm
    total = np.zeros((_ALONG, _ACROSS, 4))
    for edge, middle in zip(edges, inside, strict=True):
        place = edge[:, None] + away[:, None] * _outward(edge, middle)[:, None]
        column, row = np.moveaxis(place, -1, 0).astype(np.float32)
        seen = cv2.remap(known, column, row, cv2.INTER_LINEAR)
        seen[:, away * sheet.texel_mm < _NEAREST_MM] = 0
        colour = cv2.remap(difference, column, row, cv2.INTER_LINEAR)
        beside = (away * sheet.texel_mm > _BESIDE_MM[0]) & (away * sheet.texel_mm < _BESIDE_MM[1])
        weight = seen * beside
        if weight.sum() < 0.2 * beside.sum() * _ALONG:
            continue
        usual = np.median(colour[weight > _LEAST_KNOWN], axis=0)
        total += np.dstack([(colour - usual) * seen[..., None], seen])
    smooth = cv2.GaussianBlur(total, (0, 0), sigmaX=_SMOOTH[1], sigmaY=_SMOOTH[0])
    weight = smooth[..., 3:]
    if weight.max() < _LEAST_KNOWN:
        return None
    change = smooth[..., :3] / np.maximum(weight, 0.05)
    return _darkness(change, away * sheet.texel_mm)


def _darkness(change: np.ndarray, away_mm: np.ndarray) -> np.ndarray:
    """Of a profile (_ALONG, _ACROSS, 3) what is darker than the model and its lashes are."""
    lightness = change @ LUMINANCE
    hue = change - lightness[..., None]
    strong = np.linalg.norm(hue, axis=-1, keepdims=True)
    hue *= np.minimum(_MOST_HUE / np.maximum(strong, 1e-6), 1)
    lashes = _LASHES * np.clip(1 - away_mm / _LASHES_MM, 0, 1)
    places = np.arange(_ALONG)
    dark = np.minimum(lightness + lashes * (places >= _BEYOND)[:, None], 0).clip(-_DARKEST)
    fade = ease((_FADE_MM[1] - away_mm) / (_FADE_MM[1] - _FADE_MM[0]))
    share = np.clip(-dark / 0.3, 0, 1)[..., None]  # hue of what is dark
    ends = np.clip(np.minimum(places / _OUTER_END, places[::-1] / _INNER_END), 0, 1)
    return (dark[..., None] + share * hue) * fade[:, None] * ends[:, None, None]


def _lay(
    change: np.ndarray,
    profile: np.ndarray,
    edge: np.ndarray,
    middle: np.ndarray,
    sheet: FaceSheet,
) -> None:
    """Add a lid's profile to the change (R, R, 3), in place."""
    reach = _STEP_MM * (_ACROSS - 1) / sheet.texel_mm
    low = np.maximum(np.floor(edge.min(0) - reach).astype(int), 0)
    high = np.minimum(np.ceil(edge.max(0) + reach).astype(int) + 1, sheet.size)
    across, down = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    texels = np.stack([across, down], -1).reshape(-1, 2).astype(float)
    fine = np.linspace(0, _ALONG - 1, 8 * _ALONG)
    line = np.stack([np.interp(fine, range(_ALONG), axis) for axis in edge.T], 1)
    normals = np.stack([np.interp(fine, range(_ALONG), n) for n in _outward(edge, middle).T], 1)
    distance, nearest = KDTree(line).query(texels)
    side = ((texels - line[nearest]) * normals[nearest]).sum(1)
    steps = np.where(side > 0, distance, 0) * sheet.texel_mm / _STEP_MM
    beyond = fine[nearest] < _BEYOND  # no eye lies there but the other lid
    inner = (side <= 0) & (beyond | (distance * sheet.texel_mm > 1.0))
    column, row = (v.astype(np.float32)[:, None] for v in (steps, fine[nearest]))
    found = cv2.remap(profile.astype(np.float32), column, row, cv2.INTER_LINEAR)[:, 0]
    found[inner | (steps > _ACROSS - 1)] = 0
    change[low[1] : high[1], low[0] : high[0]] += found.reshape(*across.shape, 3)
