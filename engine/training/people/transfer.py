"""Colours of one set of pixels given to another by sliced optimal transport.

Rabin et al. 2011, as AVFace does with hands: along random directions the sorted values of the one
set are moved onto the other's (one-dimensional transport is sorting).
"""

import numpy as np

_QUANTILES = np.linspace(0, 1, 33)
_SLICES = 10
_MOST_PIXELS = 600  # of the giving set


def transfer_colours(
    pixels: np.ndarray, given: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """`pixels` (n, 3) with the distribution of `given` (m, 3); both keep their order."""
    if len(given) > _MOST_PIXELS:
        given = given[generator.integers(0, len(given), _MOST_PIXELS)]
    moved = pixels.astype(np.float32)
    for _ in range(_SLICES):
        frame, _ = np.linalg.qr(generator.normal(size=(3, 3)))
        frame = frame.astype(np.float32)
        along, wanted = moved @ frame, given @ frame
        some = along[:: max(1, len(along) // _MOST_PIXELS)]
        mine, theirs = (
            np.quantile(some, _QUANTILES, axis=0),
            np.quantile(wanted, _QUANTILES, axis=0),
        )
        for k in range(3):
            steps = np.maximum.accumulate(mine[:, k] + 1e-6 * np.arange(len(_QUANTILES)))
            shift = np.interp(along[:, k], steps, theirs[:, k] - mine[:, k])
            along[:, k] += shift.astype(np.float32)
        moved = along @ frame.T
    return np.maximum(moved, 0)
