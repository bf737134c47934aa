"""Lip refinement (AVFace, section 3.2): what speech adds to lips that the picture has placed.

Offsets of the lips' vertices from the lip network, kept from crossing and from opening what is
shut, then said as a few shapes and their weights, so that an artist can edit them.
"""

from functools import cache

import numpy as np
import torch
from numpy.polynomial.chebyshev import chebvander
from scipy.ndimage import gaussian_filter1d

from ..audio import SpeechFeatures, windows
from ..audio.voice import listen
from ..easing import ease
from ..exchange.protocol import AVFaceError
from ..exchange.take import frame_seconds
from ..head.lip_region import LipRegion, has_lips, lip_region_of, lip_state
from ..head.model import FaceParams, Head, LipShapes
from ..head.mouth import front_of, has_teeth
from ..models.lips import LipNet, restore
from ..weights import load_network
from .tuck import lip_to_teeth
from .unseen_mouth import tucks

SHAPE_ERROR_M = 5e-5  # of a vertex in a frame, from saying offsets as shapes
_CHUNK, _PIECE = 128, 1000  # frames at once: through the network, as rows of a matrix
_NEGLIGIBLE_M = 2e-5  # less than this all over the clip is nothing
_FARTHEST_M = 1e-3  # lips that are seen: more of it rolls them over teeth that are seen, too
_SMOOTH_S = 0.012  # sd of the offsets' low-pass
_SHUT_M = 3e-4  # lips nearer than this are shut
_PRESS_M = 3e-4  # lips that press overlap so far at most
_SEAL_FROM = 0.35  # probability of p b m from which lips are drawn together; fully at 1 less that
_SEAL_GAPS_M = (1.5e-3, 3.5e-3)  # lips that near are shut by it; so far apart are not
_MOST_CHANGE_M = 5e-4  # of the opening that is seen, unless a seal is heard
_PARTS, _WAVES = 6, 6  # shapes of the network's offsets; degree of the corrections along the lips
_YIELD_M = 0.012  # along the skin: how far a lip gives way where it would cross the other


def refine_lips(
    params: FaceParams,
    head: Head,
    features: SpeechFeatures,
    times: np.ndarray,
    trust: np.ndarray | None = None,
    led: np.ndarray | None = None,
) -> LipShapes | None:
    """What the sound adds to the lips of a fitted clip; None when that is nothing.

    A head without a mouth to open (`has_lips`) is left as it is.

    Args:
        params: of T frames, without lips.
        head: any head.
        features: of the clip's sound, of the kind that the network was trained on.
        times: (T,) seconds of the frames on the sound's clock.
        trust: (T,) in [0, 1], how far the sound is believed; 1 when None.
        led: (T,) in [0, 1], how far sound has led the mouth already: it doesn't say the same of
            its shape twice, but still shuts it; 0 when None.

    Raises:
        AVFaceError: The features are of another kind.
    """
    net = _network(features.kind)
    if not has_lips(head.file):
        return None
    region = lip_region_of(head.file)
    voice = listen(features, times)
    trust = np.clip(np.ones(len(times)) if trust is None else trust, 0, 1)
    new = trust if led is None else trust * (1 - np.clip(led, 0, 1))
    teeth = front_of(head.file) if has_teeth(head.file) else None
    tucked = tucks(voice, times, params, teeth)
    # Units have put the lip to the teeth at f and v (`unseen_mouth`), what is left is `tuck`'s.
    spoken = np.clip((voice.speaking - 0.1) / 0.6, 0, 1)
    believed = spoken * new * (1 - np.maximum(voice.tucked, tucked))
    seal = np.clip((voice.closed - _SEAL_FROM) / (1 - 2 * _SEAL_FROM), 0, 1) * trust
    if max(part.max(initial=0) for part in (believed, seal, trust * tucked)) < 1e-3:
        return None
    rest = region.mouth.rest(params.shape)
    offsets = np.empty((len(params), len(region.vertices), 3), np.float32)
    for start in range(0, len(params), _CHUNK):
        part = slice(start, start + _CHUNK)
        coarse = region.mouth.pose(params.expression[part], params.jaw[part], rest)
        state = lip_state(region.mouth, coarse, params.jaw[part, 0])
        heard = windows(features, times[part])
        offsets[part] = _offsets(net, region, heard, state) * believed[part, None, None]
    _smooth(offsets, times)
    _keep_main_parts(offsets, _PARTS)
    farthest = np.linalg.norm(offsets, axis=2).max(1)[:, None, None]  # in each frame
    offsets *= _FARTHEST_M / np.maximum(farthest, _FARTHEST_M)
    if teeth is not None:
        offsets += lip_to_teeth(params, region, teeth, trust * tucked)
    for start in range(0, len(params), _CHUNK):
        part = slice(start, start + _CHUNK)
        offsets[part] = keep_apart(region, params[part], rest, offsets[part], seal[part])
    if np.abs(offsets).max(initial=0) < _NEGLIGIBLE_M:
        return None
    shapes, weights = as_shapes(offsets)
    return LipShapes(region.vertices, shapes, weights)


def keep_apart(
    region: LipRegion,
    params: FaceParams,
    rest: tuple[np.ndarray, np.ndarray],
    offsets: np.ndarray,
    seal: np.ndarray | None = None,
) -> np.ndarray:
    """Offsets (T, M, 3) that neither let the lips cross nor open them where they are shut.

    Where `seal` (T,) is 1, lips that are nearly shut are shut: p, b and m are heard.
    """
    before = _gaps(region, params, rest, np.zeros_like(offsets))  # (T, N)
    out = offsets.astype(np.float64)
    lowest = np.minimum(before, 0) - 1e-4
    lowest = np.where(before > -_PRESS_M, np.maximum(lowest, -_PRESS_M), lowest)
    highest = np.where(before < _SHUT_M, np.maximum(before, 5e-5), np.inf)
    # Lips are seen: sound shapes them, but neither opens nor shuts what the picture shows.
    lowest = np.maximum(lowest, before - _MOST_CHANGE_M)
    highest = np.minimum(highest, np.maximum(before, 0) + _MOST_CHANGE_M)
    if seal is not None:
        middle = np.median(before, axis=1)[:, None]  # the corners are near anyway
        near = np.clip((_SEAL_GAPS_M[1] - middle) / (_SEAL_GAPS_M[1] - _SEAL_GAPS_M[0]), 0, 1)
        sure = seal[:, None] * near
        highest = np.where(
            sure > 0, np.minimum(highest, np.maximum(before, 0) * (1 - sure)), highest
        )
    share = ease(1 - region.way / _YIELD_M) * region.side / 2  # (M,)
    reach = np.abs(rest[0][region.own[region.upper_line], 0]).max()
    waves = chebvander(rest[0][region.own, 0].clip(-reach, reach) / reach, _WAVES)  # (M, waves)
    at_line = np.linalg.pinv(waves[region.upper_line])  # few smooth shapes do: they are edited
    for _ in range(12):
        gap = _gaps(region, params, rest, out)
        wanted = np.clip(gap, lowest, highest) - gap  # (T, N)
        if np.abs(wanted).max() < 1e-5:
            break
        out[..., 1] += (wanted @ at_line.T) @ waves.T * share
    return out


def _keep_main_parts(offsets: np.ndarray, count: int) -> None:
    """Leave offsets (T, M, 3) no more than `count` independent shapes, in place."""
    flat = offsets.reshape(len(offsets), -1)
    kept = _directions(flat)[:, :count]
    for part in _pieces(len(flat)):
        flat[part] = (flat[part].astype(np.float64) @ kept) @ kept.T


def _directions(flat: np.ndarray) -> np.ndarray:
    """The principal directions about zero of (T, N) rows, (N, min(T, N)), the largest first."""
    T, N = flat.shape
    if T < N:
        rows = flat.astype(np.float64)
        values, vectors = np.linalg.eigh(rows @ rows.T)
        vectors = rows.T @ vectors / np.sqrt(np.maximum(values, 1e-30))
        return vectors[:, ::-1]
    products = np.zeros((N, N))
    for part in _pieces(T):
        rows = flat[part].astype(np.float64)
        products += rows.T @ rows
    return np.linalg.eigh(products)[1][:, ::-1]


def _pieces(frames: int) -> list[slice]:
    """Some frames at once: ten minutes of lips in doubles take 350 MB, and again in each step."""
    return [slice(start, start + _PIECE) for start in range(0, frames, _PIECE)]


def as_shapes(offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (T, M, 3) as shapes (K, M, 3) and weights (T, K), each vertex within SHAPE_ERROR_M.

    Principal components about zero: weights 0 are the lips as they were. A weight of 1 is the
    farthest that the clip goes.
    """
    T, M, _ = offsets.shape
    flat = offsets.reshape(T, -1)
    vectors = _directions(flat)
    count = 1
    while count < vectors.shape[1] and _worst(flat, vectors[:, :count]) >= SHAPE_ERROR_M:
        count += 1
    kept = vectors[:, :count]
    weights = np.concatenate([flat[part].astype(np.float64) @ kept for part in _pieces(T)])
    largest = weights[np.abs(weights).argmax(0), np.arange(count)]  # signed
    largest = np.where(largest == 0, 1.0, largest)
    shapes = (kept * largest).T.reshape(count, M, 3)
    return shapes.astype(np.float32), (weights / largest).astype(np.float32)


def _worst(flat: np.ndarray, kept: np.ndarray) -> float:
    """How far directions (N, K) leave a vertex of rows (T, N) from its place, at most, m."""
    worst = 0.0
    for part in _pieces(len(flat)):
        rows = flat[part].astype(np.float64)
        left = rows - (rows @ kept) @ kept.T
        worst = max(worst, np.linalg.norm(left.reshape(len(left), -1, 3), axis=2).max())
    return worst


def _gaps(
    region: LipRegion, params: FaceParams, rest: tuple[np.ndarray, np.ndarray], offsets: np.ndarray
) -> np.ndarray:
    """Height of the lower lip's line under each vertex of the upper one's, m, (T, N)."""
    whole = np.zeros((len(offsets), len(region.mouth.vertices), 3))
    whole[:, region.own] = offsets
    points = region.mouth.pose(params.expression, params.jaw, rest, whole)[:, region.own]
    upper, lower = points[:, region.upper_line], points[:, region.lower_line]
    gaps = np.empty(upper.shape[:2])
    for t in range(len(points)):
        order = np.argsort(lower[t, :, 0])
        under = np.interp(upper[t, :, 0], lower[t, order, 0], lower[t, order, 1])
        gaps[t] = upper[t, :, 1] - under
    return gaps


def _offsets(net: LipNet, region: LipRegion, heard: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(T, M, 3) m, as far as they are moves of lips.

    The network learnt from the head's units, but its waves are finer: on mouths unlike those that
    it knows they are noise, of millimetres.
    """
    with torch.inference_mode():
        said = net(
            torch.from_numpy(heard), torch.from_numpy(state), torch.from_numpy(region.places)
        )
    return region.as_moved(said.numpy() * region.fade[:, None].astype(np.float32))


def _smooth(offsets: np.ndarray, times: np.ndarray) -> None:
    """Low-pass offsets (T, M, 3) in time, in place."""
    sigma = _SMOOTH_S / frame_seconds(times)
    if sigma > 0.25:
        for vertex in range(offsets.shape[1]):
            offsets[:, vertex] = gaussian_filter1d(offsets[:, vertex], sigma, axis=0)


@cache
def _loaded() -> tuple[LipNet, str]:
    tensors, metadata = load_network("lips")
    return restore(tensors, metadata), metadata["kind"]


def _network(kind: str) -> LipNet:
    """The network that the product carries. Raises AVFaceError for another kind of features."""
    net, own = _loaded()
    if kind != own:
        raise AVFaceError(
            f"The network that refines the lips was trained on {own} features, not on {kind}.",
            f"Take speech features of the kind {own}, or train it on {kind}.",
        )
    return net
