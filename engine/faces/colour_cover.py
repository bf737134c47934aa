"""What is before a part of the face, by the clip's own colours: the first witness of covers.

The mesh network never reports a cover: it invents a mouth. What gives a cover away is colour: skin
around the lips keeps its chroma (relative to the face's own) from frame to frame, whatever is
said, while a smile or a turned head only shade it, until something else is in front of it. So
each part's colours are compared with the clip's own usual ones, in units of their usual spread,
after taking out what the head's turning explains.
A hand of just the skin's colour is noticed by the lips' (lids', brow's) edges being gone.
"""

from dataclasses import dataclass

import numpy as np

from ..exchange.take import REGIONS
from .belief import fall, widened
from .parts import Part, face_parts, head_angles
from .usual_look import against_skin, median, residual, usual_look

_LEAST_FRAMES = 5
_SAMPLE_FRAMES = 400
# Where colours begin to speak of a cover, and where they are sure.
_COVER_FROM = 1.35  # median distance of a part's colours, in usual spreads
_COVER_TO = 1.8
_CLEAR_FROM = 0.8  # edges of lips and brows, over those of the clearly seen
_CLEAR_FROM_EYE = 0.6  # likewise of lids: a blink takes some
_CLEAR_WEIGHT = 2.6  # what is missing of them, as a distance of colours
_MISSING_LIPS = (0.2, 0.5)  # share of a lip that isn't red, likewise
_FACE_SHARE = (0.2, 0.8)  # covered share of the face's points, likewise
_FAR_SIDE_FROM = 15.0  # degrees of yaw; the brow there is judged ever less: it is
_FAR_SIDE_TO = 35.0  # narrow, often in the shade, and looked at along the skin


@dataclass(frozen=True)
class ColourWitness:
    """What the clip's colours say of N frames."""

    cover: np.ndarray  # (N, R) in 0..1, how surely something is before each region
    lids: np.ndarray  # (N, 2) steepness of lightness on the lids, left and right


def colour_witness(
    landmarks: np.ndarray,
    colours: np.ndarray,
    edges: np.ndarray,
    missing: np.ndarray | None = None,
) -> ColourWitness:
    """What covers the face, by colours and edges.

    Args:
        landmarks: (N, 478, 3) px.
        colours: (N, 478, 3) uint8, Lab at the landmarks.
        edges: (N, 478) uint8, steepness of lightness there.
        missing: (N,) share of a lip that isn't red (`mouth.lips_missing`): the one thing that
            colours know of faces, also if it is so through the whole clip.
    """
    pose = head_angles(landmarks)
    # The usual look comes from a sample of the clip, so that memory doesn't grow with its length.
    sample = np.unique(np.linspace(0, len(landmarks) - 1, _SAMPLE_FRAMES).astype(int))
    parts = face_parts(landmarks[sample], pose[sample])
    lids = [
        next(median(edges[:, part.feature], axis=1) for part in parts if part.region == eye)
        for eye in ("left_eye", "right_eye")
    ]
    every = np.zeros((len(landmarks), len(REGIONS)))
    if len(landmarks) >= _LEAST_FRAMES:
        distances = _distances(colours, edges, pose, sample, parts)
        for part, distance in zip(parts, distances, strict=True):
            cover = _cover_of(part, distance, edges, pose)
            column = REGIONS.index(part.region)
            every[:, column] = np.maximum(every[:, column], widened(cover))
    if missing is not None:
        mouth = every[:, REGIONS.index("mouth")]
        mouth[:] = np.maximum(mouth, widened(1 - fall(missing, *_MISSING_LIPS)))
    return ColourWitness(every, np.maximum(np.stack(lids, axis=1), 1.0))


def _cover_of(part: Part, distance: np.ndarray, edges: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """How surely a part is covered whose colours are so far from the usual ones, (N,)."""
    if part.region == "face":
        return 1 - fall(distance, *_FACE_SHARE)
    clear_from = _CLEAR_FROM_EYE if "eye" in part.region else _CLEAR_FROM
    missing = np.maximum(clear_from - _feature_clearness(edges, part), 0)
    near = fall(part.side * pose[:, 0], _FAR_SIDE_FROM, _FAR_SIDE_TO)
    evidence = (distance + _CLEAR_WEIGHT * missing) * near
    return 1 - fall(evidence, _COVER_FROM, _COVER_TO)


def _distances(
    colours: np.ndarray,
    edges: np.ndarray,
    pose: np.ndarray,
    sample: np.ndarray,
    parts: list[Part],
) -> np.ndarray:
    """How far each part's colours are from their usual ones, in usual spreads: (parts, N).

    The median of its points' distances; of the face, the share of those that are far.
    """
    looks = against_skin(colours[sample])
    usual = [usual_look(looks[:, part.points], edges[sample], pose[sample], part) for part in parts]
    out = np.empty((len(parts), len(colours)))
    for start in range(0, len(colours), _SAMPLE_FRAMES):
        block = slice(start, start + _SAMPLE_FRAMES)
        if len(sample) < len(colours):
            looks = against_skin(colours[block])
        for row, part, look in zip(out, parts, usual, strict=True):
            scaled = residual(looks[:, part.points], pose[block], look) / look.spread
            far = np.sqrt((scaled**2).mean(-1))  # (n, P)
            is_face = part.region == "face"
            row[block] = (far > _COVER_TO).mean(1) if is_face else median(far, axis=1)
    return out


def _feature_clearness(edges: np.ndarray, part: Part) -> np.ndarray:
    """Edges of the part's feature among the face's, over what they are when clearly seen: (N,).

    Speech and blinks leave at least 0.7 of them; a hand of exactly the skin's colour, 0.1 to 0.3.
    """
    clear = median(edges[:, part.feature], axis=1) / np.maximum(edges.mean(axis=1), 1.0)
    return clear / max(float(np.percentile(clear, 80)), 1e-6)
