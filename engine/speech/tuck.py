"""The lower lip goes in under the upper teeth at f and v, farther than the head's units take it.

Units end 2 to 4 mm before the teeth: their rolls turn the red in, and no landmark sees more. Here
the lip goes straight back, which leaves an opening that is seen from the front as it is.
"""

from __future__ import annotations

import numpy as np

from ..easing import ease
from ..head.lip_region import LipRegion
from ..head.model import FaceParams
from ..head.mouth import Mouth

_MOST_BACK_M = 2.5e-3
_BEFORE_M = 0.3e-3  # a lip has flesh before what touches the edge
_FULL_M, _REACH_M = 0.003, 0.014  # along the skin from the lip's line: all of the way, none of it
_WIDE_M = 0.022  # from the middle, where the eyeteeth are and none of it is left


def lip_to_teeth(
    params: FaceParams, region: LipRegion, teeth: Mouth, tucked: np.ndarray
) -> np.ndarray:
    """Offsets (T, M, 3) m of the region's vertices, as far as `tucked` (T,) asks for them.

    Args:
        params: of T frames, without lips, units at f and v already.
        region: of the head.
        teeth: `front_of` the head.
        tucked: 0 to 1.
    """
    offsets = np.zeros((len(params), len(region.vertices), 3), np.float32)
    of = np.flatnonzero(tucked > 0)
    if not len(of):
        return offsets
    points = teeth.pose(params.expression[of], params.jaw[of], teeth.rest(params.shape))
    lip, edge = teeth.nearest_to_teeth(points)
    every = np.arange(len(of))
    before = points[every, lip, 2] - points[every, edge, 2] - _BEFORE_M
    back = tucked[of] * np.clip(before, 0, _MOST_BACK_M)
    offsets[of, :, 2] = -back[:, None] * _shares(region)
    return offsets


def _shares(region: LipRegion) -> np.ndarray:
    """How far each vertex goes with the lower lip, (M,) 0..1, smooth on the skin."""
    along = ease((_REACH_M - region.way) / (_REACH_M - _FULL_M))
    across = np.clip(1 - (region.mouth.template[region.own, 0] / _WIDE_M) ** 2, 0, 1)
    return along * across * (region.side < 0)
