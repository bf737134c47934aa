"""Hidden points of lips told by the free ones: what the clip's mouths do, and their mirror images.

The points of all clear frames are one normal distribution, once as they are and once mirrored, so
that the free corner tells what the other does, of a person who smiles to one side, too. A frame's
hidden points are their mean given its free ones.
"""

from dataclasses import replace

import numpy as np

from ..faces import FaceTrack
from ..faces.partial import LIPS, MIRRORED_LIPS
from ..faces.upright import upright

_LEAST_FRAMES = 8  # without anything before the face, that tell what its mouth does
_MOST_FRAMES = 400
_BELIEVED = 0.5
_NOISE = 0.012  # of a point, in widths of the eyes: a tracker's
_LOST = 0.05  # and of a hidden one's guess by the tracker
# Bridge and tip of the nose with its wings: where the head looks. Mirrored likewise.
_NOSE, _MIRRORED_NOSE = (168, 6, 4, 98, 327), (168, 6, 4, 327, 98)


def tell_hidden(track: FaceTrack) -> FaceTrack:
    """The track with hidden points of the lips where the free ones say that they are.

    As it is where nothing hides a part of the mouth, or no clear frames tell what the mouth does.
    """
    if track.hidden is None:
        return track
    hidden = track.hidden[:, list(LIPS)]  # (T, P)
    rows = np.flatnonzero(track.seen & (hidden.max(axis=1) > 0))
    clear = track.seen & (np.nan_to_num(track.confidence) >= _BELIEVED).all(1)
    clear = np.flatnonzero(clear & (hidden.max(axis=1) == 0))
    if not len(rows) or len(clear) < _LEAST_FRAMES:
        return track
    clear = clear[np.unique(np.linspace(0, len(clear) - 1, _MOST_FRAMES).astype(int))]
    usual, moves = _moves_of(track, clear)
    shapes, axes, middles = upright(track.landmarks[rows][..., :2], LIPS + _NOSE)
    lost = np.hstack([hidden[rows], np.zeros((len(rows), len(_NOSE)))])  # (n, P + nose)
    told = _told(shapes - usual, lost, moves) + usual
    landmarks = track.landmarks.copy()
    places = (told @ axes + middles)[:, : len(LIPS)]
    share = hidden[rows][..., None]
    before = landmarks[rows[:, None], list(LIPS), :2]
    landmarks[rows[:, None], list(LIPS), :2] = before + share * (places - before)
    return replace(track, landmarks=landmarks)


def _moves_of(track: FaceTrack, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The usual place of each point, (P, 2), and the covariance of all (2 P, 2 P)."""
    points = track.landmarks[frames][..., :2]
    shapes, _, _ = upright(points, LIPS + _NOSE)
    images, _, _ = upright(points, MIRRORED_LIPS + _MIRRORED_NOSE)
    usual = np.median(shapes, axis=0)
    away = [shapes - usual, (images - np.median(images, axis=0)) * [-1, 1]]
    moved = np.concatenate(away).reshape(2 * len(frames), -1)
    return usual, moved.T @ moved / len(moved)


def _told(away: np.ndarray, lost: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """The mean of what points (n, P, 2) do, given as far as they aren't `lost` (n, P)."""
    noise = _NOISE**2 + (_LOST * np.repeat(lost, 2, axis=1)) ** 2  # (n, 2 P)
    known = moves + noise[:, None] * np.eye(len(moves))  # (n, 2 P, 2 P)
    flat = away.reshape(len(away), -1, 1)
    mean: np.ndarray = (moves @ np.linalg.solve(known, flat)).reshape(away.shape)
    return mean
