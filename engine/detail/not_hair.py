"""What lies over a forehead and isn't hair, by its colours in the map of the forehead: skin, a hat.

A bald crown may shine, but it is neither darker than the forehead nor bluer, nor has it strands. A
cap or a brim comes low all along the forehead and has no strands; a bright cap is lighter than the
skin beneath it and stronger in hue than any white hair. What is near black tells nothing: hair,
too, has no strands then.
"""

import numpy as np

_COLUMNS = slice(6, -6)  # of the map: those over the forehead
_LOW = 11.5  # degrees below the model's hairline, in their median
_FLAT = 0.11  # log between neighbouring columns, the median: strands differ by more
_BLACK = -4.0  # log reflectance
_ABOVE, _BELOW = 4.0, 5.0  # degrees from the line: what is covered, and bare skin
_LIGHTER, _STRONG = 0.6, 1.2  # log: than the skin; red over blue
_FEWEST = 20  # places
_MARGIN = 4.0  # degrees from the model's line: skin, the crown
_DARKER, _BLUER, _HAIRED = 0.35, 0.25, 0.25  # log: than the forehead; share of such places: hair
_STRANDS, _GRAIN = 1.5, 0.02  # times as uneven as skin, log: not bald; the least that counts


def is_hat(
    own: np.ndarray,
    known: np.ndarray,
    rows: np.ndarray,
    line: np.ndarray,
    usual: np.ndarray,
    brows: np.ndarray,
) -> bool:
    """Whether a hat lies over a forehead.

    Args:
        own: (R, C, 3) log reflectance of the map's places.
        known: (R, C) bool.
        rows: (R,) degrees from the top of the head.
        line: (C,) degrees at which what covers the head ends.
        usual: (C,) where hair does in the model.
        brows: (C,) where the brows begin.
    """
    above = known & (rows[:, None] < line - _ABOVE)
    below = known & (rows[:, None] > line + _BELOW) & (rows[:, None] < brows)
    if above.sum() < _FEWEST:
        return False
    cover = np.median(own[above], axis=0)
    if cover.mean() < _BLACK:
        return False
    low = np.median((line - usual)[_COLUMNS]) > _LOW
    if low and _uneven(own, above) < _FLAT:
        return True
    if below.sum() < _FEWEST:
        return False
    lighter = (cover - np.median(own[below], axis=0)).mean() > _LIGHTER
    return bool(lighter and cover[0] - cover[2] > _STRONG)


def is_bald(
    own: np.ndarray, known: np.ndarray, rows: np.ndarray, usual: np.ndarray, brows: np.ndarray
) -> bool:
    """Whether the crown is like the forehead beneath it; arguments as `is_hat`'s."""
    crown = known & (rows[:, None] < usual - _MARGIN)
    skin = known & (rows[:, None] > usual + _MARGIN) & (rows[:, None] < brows)
    if min(crown.sum(), skin.sum()) < _FEWEST:
        return False
    change = own[crown] - np.median(own[skin], axis=0)
    haired = (change.mean(1) < -_DARKER) | (change[:, 0] - change[:, 2] < -_BLUER)
    smooth = _uneven(own, crown) < max(_STRANDS * _uneven(own, skin), _GRAIN)
    return bool(haired.mean() < _HAIRED and smooth)


def _uneven(own: np.ndarray, where: np.ndarray) -> float:
    """Log lightness between places (R, C) beside each other, the median; infinite if none are."""
    apart = np.abs(np.diff(own.mean(-1), axis=1))[where[:, 1:] & where[:, :-1]]
    return float(np.median(apart)) if len(apart) else np.inf
