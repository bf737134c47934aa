"""How far each part of the face can be believed, per frame: covered, cut off, turned, blurred.

Covers are told by two witnesses. Colours (`colour_cover`) know this clip and not faces: a part that
is covered through the whole clip they can't notice, and light that moves over a face deceives
them. The landmark network (`seen`) knows faces and not this clip: what it doesn't recognise
as a mouth or an eye is covered, however usual it looks here; and where it surely sees a mouth, a
shadow has deceived the colours. It can't tell one eye from the other, nor skin before an eye from a
lid: there colours and edges decide. Dark glasses it sees before both; the eye beside a cover has
lids as steep as ever. A bowed head's mouth, or one in a black beard, it recognises no better than a
covered one; where its other word, what is before each point of the lips, says nothing, that counts.
"""

import numpy as np
from scipy.ndimage import minimum_filter1d

from ..exchange.take import REGIONS
from .belief import fall, widened
from .colour_cover import ColourWitness
from .looks import REGION_POINTS
from .parts import head_angles

# Where belief begins to fall and where it ends.
_FAR_EYE_FROM = 40.0  # degrees of yaw; the eye on the far side
_FAR_EYE_TO = 60.0
_TURNED_FROM = 60.0  # degrees of yaw; all parts
_TURNED_TO = 85.0
_SHARP_FROM = 0.5  # sharpness over the clip's usual one
_SHARP_TO = 0.2
# The network's probability that a part is seen: belief is full at the first, gone at the last.
_MOUTH_SEEN = (0.7, 0.5)  # wide open or laughing downwards 0.65
_ONE_EYE_SEEN = (0.65, 0.45)
_EYES_SEEN = (0.5, 0.35)  # of both, and of the brows: glasses leave 0.6
_FACE_SEEN = (0.5, 0.3)
_SURELY_SEEN = (0.87, 0.91)  # the colours of a mouth may be mistaken then
_BROWS_SURELY_SEEN = (0.945, 0.96)
_INSIDE_FROM = 0.8  # share of a region's points that lie in the picture, likewise
_INSIDE_TO = 0.5
_SURE_FRAMES = 3  # on both sides, or something is just coming
_OTHER_EYE = 0.7  # edges of lids over the other eye's: with less, this eye is the covered
# Both are where the network sees neither (an eye alone leaves 0.2 to 0.5 for both) and no lids
# stand out from the face's edges (behind dark glasses 0.3 to 0.9, beside a cover 1 to 1.6).
_NO_EYE_SEEN = (0.3, 0.22)
_NO_LIDS = (1.1, 0.95)


def judge_visibility(
    landmarks: np.ndarray,
    edges: np.ndarray,
    witness: ColourWitness,
    seen: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
    free: np.ndarray | None = None,
) -> np.ndarray:
    """Confidence of each region in the frames in which the face is seen.

    Args:
        landmarks: (N, 478, 3) px.
        edges: (N, 478) uint8, steepness of lightness there.
        witness: What the clip's colours say of covers.
        seen: (N, R) what the network sees of each region, 0..1; None leaves it to the colours.
        size: Width and height of the picture, px; None if the face can't be cut off.
        free: (N,) how surely nothing is before the lips (`partial.lips_free`), whatever the network
            recognises there; None: nobody has looked.

    Returns:
        (N, R) in 0..1, in the order of `exchange.take.REGIONS`.
    """
    confidence = _turned_away(head_angles(landmarks)[:, 0])
    confidence = confidence * _sharp(edges)[:, None]
    if size is not None:
        inside = share_inside(landmarks, size)
        confidence = confidence * fall(-inside, -_INSIDE_FROM, -_INSIDE_TO)
    cover = witness.cover if seen is None else _both_witnesses(witness, edges, seen, free)
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


def network_doubts(seen: np.ndarray) -> np.ndarray:
    """How surely the network sees something else than the region itself: (N, R) -> (N, R)."""
    ranges = {"face": _FACE_SEEN, "mouth": _MOUTH_SEEN}
    doubts = np.empty_like(seen)
    for k, region in enumerate(REGIONS):
        full, gone = ranges.get(region, _EYES_SEEN)
        doubts[:, k] = 1 - fall(-seen[:, k], -full, -gone)
    return doubts


def _both_witnesses(
    witness: ColourWitness, edges: np.ndarray, seen: np.ndarray, free: np.ndarray | None
) -> np.ndarray:
    """Covers by colours and by the network, which sees (N, R), together: (N, R)."""
    colours, lids = witness.cover, witness.lids
    doubts = network_doubts(seen)
    if free is not None:
        doubts[:, REGIONS.index("mouth")] *= 1 - free
    eyes = [REGIONS.index("left_eye"), REGIONS.index("right_eye")]
    weaker = lids < _OTHER_EYE * lids[:, ::-1]  # (N, 2)
    full, gone = _ONE_EYE_SEEN
    least = seen[:, eyes].min(axis=1, keepdims=True)  # (N, 1)
    one = weaker * (1 - fall(-least, -full, -gone))
    one = np.maximum(one, _no_eyes(least, lids, edges))
    doubts[:, eyes] = np.where(weaker.any(axis=1, keepdims=True), one, doubts[:, eyes])
    doubts = np.stack([widened(column) for column in doubts.T], axis=1)
    lowest = minimum_filter1d(seen, 2 * _SURE_FRAMES + 1, axis=0, mode="nearest")
    sure = 1 - fall(lowest, *_SURELY_SEEN)  # (N, R)
    mouth, brows = REGIONS.index("mouth"), REGIONS.index("brows")
    # Light that deceives the colours of a mouth deceives them everywhere.
    deceived = colours[:, mouth] * sure[:, mouth]
    veto = sure * deceived[:, None]
    veto[:, mouth] = sure[:, mouth]
    veto[:, brows] = np.maximum(veto[:, brows], 1 - fall(lowest[:, brows], *_BROWS_SURELY_SEEN))
    return np.maximum(colours * (1 - veto), doubts)


def _no_eyes(seen: np.ndarray, lids: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How surely both eyes are covered: seen (N, 1), lids (N, 2), edges (N, 478) -> (N, 1)."""
    steepest = lids.max(axis=1, keepdims=True)
    stand_out = steepest / np.maximum(edges.mean(axis=1, keepdims=True), 1.0)
    (seen_full, seen_gone), (lids_full, lids_gone) = _NO_EYE_SEEN, _NO_LIDS
    return np.minimum(
        1 - fall(-seen, -seen_full, -seen_gone), 1 - fall(-stand_out, -lids_full, -lids_gone)
    )


def _turned_away(yaw: np.ndarray) -> np.ndarray:
    """Belief that is left at a yaw, degrees: (N,) -> (N, R)."""
    belief = np.repeat(fall(np.abs(yaw), _TURNED_FROM, _TURNED_TO)[:, None], len(REGIONS), axis=1)
    for region, far in (("left_eye", yaw), ("right_eye", -yaw)):
        belief[:, REGIONS.index(region)] = fall(far, _FAR_EYE_FROM, _FAR_EYE_TO)
    return belief


def _sharp(edges: np.ndarray) -> np.ndarray:
    """Belief that is left where the face is blurred, against the clip's usual picture: (N,)."""
    sharpness = edges.mean(axis=1)
    usual = max(float(np.median(sharpness)), 1.0)
    return fall(-sharpness / usual, -_SHARP_FROM, -_SHARP_TO)
