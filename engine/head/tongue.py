"""Where the default head's tongue may go: over the lower teeth, under the upper ones and the ridge.

A unit's path is straight, the mouth isn't: on its way out the tip would pass through the lower
teeth, and at a nearly shut jaw through the upper ones. Figures were measured on the mesh.
"""

import numpy as np

from .model import FaceParams, Head

# How far the tip may come out (tongueOut) at a jaw's angle, rad.
_JAWS, _MOST_OUT = (0.0, 0.05, 0.08, 0.12), (0.0, 0.16, 0.32, 0.45)
_FREE_JAW, _FREE_OUT = 0.2, 1.0
_LIFT, _LIFTED_OUT = 0.30, 0.15  # tongueUp that clears the lower teeth, from so much tongueOut on
# The tip's height under the ridge, mm, at rest; per unit of tongueUp; per radian of the jaw.
_RIDGE_MM, _UP_MM, _JAW_MM = 9.0, 14.0, 68.0


def clear_teeth(out: np.ndarray, up: np.ndarray, jaw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """tongueOut and tongueUp (T,) that cut no teeth at jaw pitches (T,), rad: under 1 mm deep."""
    most_out = np.interp(jaw, (*_JAWS, _FREE_JAW), (*_MOST_OUT, _FREE_OUT))
    out = np.clip(out, 0, most_out)
    share = np.clip(out / _LIFTED_OUT, 0, 1)
    touching = (_RIDGE_MM + _JAW_MM * jaw) / _UP_MM
    up = np.minimum(np.clip(up, 0, 1), touching)
    free = np.clip((out - 0.5) / 0.2, 0, 1)  # far out, the tongue lies over the lip again
    lift = _LIFT * (1 - free)
    return out, np.clip(up + share * (lift - up), 0, 1)


def with_clear_tongue(params: FaceParams, head: Head) -> FaceParams:
    """The same performance with a tongue that keeps off the teeth, on heads that have our units."""
    if not {"tongueOut", "tongueUp"} <= set(head.unit):
        return params
    out, up = head.unit["tongueOut"], head.unit["tongueUp"]
    expression = params.expression.copy()
    expression[:, out], expression[:, up] = clear_teeth(
        expression[:, out], expression[:, up], params.jaw[:, 0]
    )
    return params.replace(expression=expression)
