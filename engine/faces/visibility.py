"""How far each part of the face can be believed, per frame: covered, cut off, turned, blurred.

Covers are told by two witnesses. Colours (`colour_cover`) know this clip and not faces: a part that
is covered through the whole clip they can't notice, and light that moves over a face deceives
them. The landmark network (`seen`) knows faces and not this clip: what it doesn't recognise
as a mouth or an eye is covered, however usual it looks here; and where it surely sees a mouth, a
shadow has deceived the colours. It can't tell one eye from the other, nor skin before an eye from a
lid: there colours and edges decide. Dark glasses it sees before both; the eye beside a cover has
lids as steep as ever.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter1d

from ..exchange.take import REGIONS
from .colour_cover import ColourWitness, fall, head_angles, widened
from .looks import REGION_POINTS


@dataclass(frozen=True)
class VisibilityOptions:
    """Where belief begins to fall and where it ends."""

    far_eye_from: float = 40.0  # degrees of yaw; the eye on the far side
    far_eye_to: float = 60.0
    turned_from: float = 60.0  # degrees of yaw; all parts
    turned_to: float = 85.0
    sharp_from: float = 0.5  # sharpness over the clip's usual one
    sharp_to: float = 0.2
    # The network's probability that a part is seen: belief is full at the first, gone at the last.
    mouth_seen: tuple[float, float] = (0.7, 0.5)  # wide open or laughing downwards 0.65
    one_eye_seen: tuple[float, float] = (0.65, 0.45)
    eyes_seen: tuple[float, float] = (0.5, 0.35)  # of both, and of the brows: glasses leave 0.6
    face_seen: tuple[float, float] = (0.5, 0.3)
    surely_seen: tuple[float, float] = (0.87, 0.91)  # the colours of a mouth may be mistaken then
    brows_surely_seen: tuple[float, float] = (0.945, 0.96)
    inside_from: float = 0.8  # share of a region's points that lie in the picture, likewise
    inside_to: float = 0.5
    sure_frames: int = 3  # on both sides, or something is just coming
    other_eye: float = 0.7  # edges of lids over the other eye's: with less, this eye is the covered
    # Both are where the network sees neither (an eye alone leaves 0.2 to 0.5 for both) and no lids
    # stand out from the face's edges (behind dark glasses 0.3 to 0.9, beside a cover 1 to 1.6).
    no_eye_seen: tuple[float, float] = (0.3, 0.22)
    no_lids: tuple[float, float] = (1.1, 0.95)


def judge_visibility(
    landmarks: np.ndarray,
    edges: np.ndarray,
    witness: ColourWitness,
    seen: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
    options: VisibilityOptions | None = None,
) -> np.ndarray:
    """Confidence of each region in the frames in which the face is seen.

    Args:
        landmarks: (N, 478, 3) px.
        edges: (N, 478) uint8, steepness of lightness there.
        witness: What the clip's colours say of covers.
        seen: (N, R) what the network sees of each region, 0..1; None leaves it to the colours.
        size: Width and height of the picture, px; None if the face can't be cut off.
        options: Thresholds.

    Returns:
        (N, R) in 0..1, in the order of `exchange.take.REGIONS`.
    """
    options = options or VisibilityOptions()
    confidence = _turned_away(head_angles(landmarks)[:, 0], options)
    confidence = confidence * _sharp(edges, options)[:, None]
    if size is not None:
        inside = share_inside(landmarks, size)
        confidence = confidence * fall(-inside, -options.inside_from, -options.inside_to)
    cover = witness.cover if seen is None else _both_witnesses(witness, edges, seen, options)
    return np.minimum(confidence, 1 - cover)


def share_inside(landmarks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """How much of each region lies in the picture: (N, 478, >=2), width and height px -> (N, R).

    Always 1 for the face: less of it tells less, but what is seen tells its own.
    """
    places = landmarks[..., :2]
    inside = np.all((places >= 0) & (places <= size), axis=-1, keepdims=True)[..., 0]  # (N, 478)
    share = np.ones((len(landmarks), len(REGIONS)))
    for region, points in REGION_POINTS.items():
        share[:, REGIONS.index(region)] = inside[:, points].mean(1)
    return share


def network_doubts(seen: np.ndarray, options: VisibilityOptions | None = None) -> np.ndarray:
    """How surely the network sees something else than the region itself: (N, R) -> (N, R)."""
    options = options or VisibilityOptions()
    ranges = {"face": options.face_seen, "mouth": options.mouth_seen}
    doubts = np.empty_like(seen)
    for k, region in enumerate(REGIONS):
        full, gone = ranges.get(region, options.eyes_seen)
        doubts[:, k] = 1 - fall(-seen[:, k], -full, -gone)
    return doubts


def _both_witnesses(
    witness: ColourWitness, edges: np.ndarray, seen: np.ndarray, options: VisibilityOptions
) -> np.ndarray:
    """Covers by colours and by the network, which sees (N, R), together: (N, R)."""
    colours, lids = witness.cover, witness.lids
    doubts = network_doubts(seen, options)
    eyes = [REGIONS.index("left_eye"), REGIONS.index("right_eye")]
    weaker = lids < options.other_eye * lids[:, ::-1]  # (N, 2)
    full, gone = options.one_eye_seen
    least = seen[:, eyes].min(axis=1, keepdims=True)  # (N, 1)
    one = weaker * (1 - fall(-least, -full, -gone))
    one = np.maximum(one, _no_eyes(least, lids, edges, options))
    doubts[:, eyes] = np.where(weaker.any(axis=1, keepdims=True), one, doubts[:, eyes])
    doubts = np.stack([widened(column) for column in doubts.T], axis=1)
    lowest = minimum_filter1d(seen, 2 * options.sure_frames + 1, axis=0, mode="nearest")
    sure = 1 - fall(lowest, *options.surely_seen)  # (N, R)
    mouth, brows = REGIONS.index("mouth"), REGIONS.index("brows")
    # Light that deceives the colours of a mouth deceives them everywhere.
    deceived = colours[:, mouth] * sure[:, mouth]
    veto = sure * deceived[:, None]
    veto[:, mouth] = sure[:, mouth]
    veto[:, brows] = np.maximum(
        veto[:, brows], 1 - fall(lowest[:, brows], *options.brows_surely_seen)
    )
    return np.maximum(colours * (1 - veto), doubts)


def _no_eyes(
    seen: np.ndarray, lids: np.ndarray, edges: np.ndarray, options: VisibilityOptions
) -> np.ndarray:
    """How surely both eyes are covered: seen (N, 1), lids (N, 2), edges (N, 478) -> (N, 1)."""
    steepest = lids.max(axis=1, keepdims=True)
    stand_out = steepest / np.maximum(edges.mean(axis=1, keepdims=True), 1.0)
    (seen_full, seen_gone), (lids_full, lids_gone) = options.no_eye_seen, options.no_lids
    return np.minimum(
        1 - fall(-seen, -seen_full, -seen_gone), 1 - fall(-stand_out, -lids_full, -lids_gone)
    )


def _turned_away(yaw: np.ndarray, options: VisibilityOptions) -> np.ndarray:
    """Belief that is left at a yaw, degrees: (N,) -> (N, R)."""
    belief = np.repeat(
        fall(np.abs(yaw), options.turned_from, options.turned_to)[:, None], len(REGIONS), axis=1
    )
    for region, far in (("left_eye", yaw), ("right_eye", -yaw)):
        belief[:, REGIONS.index(region)] = fall(far, options.far_eye_from, options.far_eye_to)
    return belief


def _sharp(edges: np.ndarray, options: VisibilityOptions) -> np.ndarray:
    """Belief that is left where the face is blurred, against the clip's usual picture: (N,)."""
    sharpness = edges.mean(axis=1)
    usual = max(float(np.median(sharpness)), 1.0)
    return fall(-sharpness / usual, -options.sharp_from, -options.sharp_to)
