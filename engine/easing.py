"""How something comes and goes without a corner."""

import numpy as np


def ease(share: np.ndarray | float) -> np.ndarray:
    """From 0, up to 0, to 1, from 1 on: smoothstep, 3 x^2 - 2 x^3, of any shape."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
