"""The lips: shut at rest, and shut by `mouthClose` at every opening of the jaw."""

import numpy as np

from .anatomy import Anatomy
from .fairing import smooth_field
from .rims import Rim

REACH = 0.016  # m from the lips' line within which the skin gives way
CONTACT_GAP = 0.0001  # m between the lips at rest, so that neither shows through the other


def seal_lips(anatomy: Anatomy, template: np.ndarray, lips: Rim) -> np.ndarray:
    """The template (V, 3) with its lips just touching along their line."""
    apart = lips.pairs @ template
    wished = np.zeros_like(apart)

    wished[:, 1] = CONTACT_GAP
    region = near_line(anatomy, template, lips, REACH)
    move = smooth_field(anatomy, region, lips.pairs, wished - apart)
    return anatomy.symmetric(template + move)


def near_line(anatomy: Anatomy, points: np.ndarray, lips: Rim, reach: float) -> np.ndarray:
    """The skin within `reach` m of the lips' line, (V,) bool."""
    line = np.concatenate([lips.upper, lips.lower])
    skin = anatomy.parts["skin"]
    distance = np.linalg.norm(points[skin, None] - points[line], axis=2).min(1)
    near = np.zeros(len(points), bool)
    near[skin] = distance < reach
    return near
