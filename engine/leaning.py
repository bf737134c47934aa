"""Where a face is covered, the fit goes by what AVFace's networks say.

A fit has no evidence there but a tracker's guess; the networks have learnt on covered faces. What
the two differ by while the face is clear (another identity, another distance) is taken out first,
so that nothing jumps; where the face is hardly ever clear, the whole person is the networks'.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial.transform import Rotation

from .head.model import FaceParams, Head

_CLEAR, _COVERED = 0.75, 0.35  # confidence of a region that is all the fit's, all the networks'
_FADE_FRAMES = 1.5
_LEAST_CLEAR = 5  # frames that tell what the two differ by
_MOUTH = ("mouth", "lips", "tongue", "cheek")
_FACE_REGION, _MOUTH_REGION = 0, 1  # of `exchange.take.REGIONS`


def lean_on_networks(
    fit: FaceParams, networks: FaceParams, confidence: np.ndarray, head: Head
) -> FaceParams:
    """The fit's performance, the networks' where something is before the face.

    Args:
        fit, networks: Of the same T frames.
        confidence: (T, R) of the track's regions.
        head: Whose parameters they are.
    """
    mouth = _covered(confidence[:, _MOUTH_REGION])
    # who guesses a covered mouth moves the whole face for it
    face = np.maximum(mouth, _covered(confidence[:, _FACE_REGION]))
    if not face.any():
        return fit
    if _clear(face).sum() < _LEAST_CLEAR:
        return networks.replace(albedo=fit.albedo, light=fit.light)
    names = head.file.expression_names
    spoken = np.array([name.startswith(_MOUTH) for name in names])
    units = np.where(spoken, _mix(fit.expression, networks.expression, mouth), fit.expression)
    turn, place = _moved(fit, networks, face)
    return fit.replace(
        expression=np.clip(units, head.file.expression_low, head.file.expression_high),
        jaw=_mix(fit.jaw, networks.jaw, mouth),
        head_pose=turn,
        head_translation=place,
    )


def _covered(confidence: np.ndarray) -> np.ndarray:
    """How far the networks lead, (T,) 0..1; it fades in and out beside the cover, not within it."""
    hidden = ((_CLEAR - confidence) / (_CLEAR - _COVERED)).clip(0, 1)
    wide = maximum_filter1d(hidden, 2 * round(2 * _FADE_FRAMES) + 1, mode="nearest")
    return gaussian_filter1d(wide, _FADE_FRAMES, mode="nearest")


def _mix(fit: np.ndarray, networks: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(T, C) twice: the networks' by their share (T,), moved by the median difference."""
    return fit + share[:, None] * (networks + _apart(fit, networks, share) - fit)


def _apart(fit: np.ndarray, networks: np.ndarray, share: np.ndarray) -> np.ndarray:
    clear = _clear(share)
    return np.median(fit[clear] - networks[clear], axis=0)


def _clear(share: np.ndarray) -> np.ndarray:
    """Frames (T,) that are the fit's alone."""
    return share < 0.01


def _moved(
    fit: FaceParams, networks: FaceParams, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Head pose and translation (T, 3), led like `_mix`; turns by their difference."""
    ours, theirs = Rotation.from_rotvec(fit.head_pose), Rotation.from_rotvec(networks.head_pose)
    apart = (theirs * ours.inv()).as_rotvec()  # from the fit's turn to the networks'
    lasting = -_apart(np.zeros_like(apart), -apart, share)
    turn = Rotation.from_rotvec(share[:, None] * (apart - lasting)) * ours
    # along the ray: a face half as far is half as large, so distances count by their ratio
    depth = np.log(-fit.head_translation[:, 2:]), np.log(-networks.head_translation[:, 2:])
    flat = [p.head_translation[:, :2] / -p.head_translation[:, 2:] for p in (fit, networks)]
    away = np.exp(_mix(*depth, share))
    place = np.concatenate([_mix(*flat, share) * away, -away], 1)
    return turn.as_rotvec(), place
