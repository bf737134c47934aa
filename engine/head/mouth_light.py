"""How much light reaches teeth, tongue and lining between the lips."""

import numpy as np

from ..exchange.head_file import HeadFile
from ..geometry import embed
from ..render.occlusion import polygon_area, through_polygon

INSIDE = "mouth_inside", "upper_teeth", "lower_teeth", "tongue"  # masks of what lips shade
# In a film's light: 1 / the openness of the lips; the hue between them, by teeth beside skin in 17
# of 18 films; and what is shaded is red, as light has met flesh all round (six films' teeth,
# tongues, hollows): there red's openness is larger by this times the square of what is closed.
OPEN_LIPS, BETWEEN_LIPS, RED_IN_MOUTH = 1.3, (1.08, 0.94, 0.98), 0.7

# Light in the mouth, beside that in the open. On flesh, from mouths of 14 people: by the power of
# what comes straight through the lips, as flesh passes it on; more from above, up to these sines.
_ON_FLESH, _PASSED_ON = 0.8, 0.37
_FROM_ABOVE, _SINES = 3.5, (-0.25, 0.1)
# Teeth stand before flesh: the share of the light that passes them, so far behind the lips.
_PAST_TEETH, _BEHIND_M = 0.3, (0.004, 0.012)
# On teeth, from films of 22 people who grin and speak: as in the open where lips are parted so
# far, m2, or farther, and drawn so wide, m; half as much in speech, whose lips stand out before the
# teeth. It comes from above: less under an upper lip, to teeth that see the opening so far below.
_BARE_M2, _BARE_M, _BRIGHTEST = 3.3e-4, 0.05, 0.85
_UNDER_LIP, _LEFT_THERE = (-0.52, -0.15), 0.4  # sines
# Cheeks and corners of lips keep it from side teeth: log at the corners, of upper and lower rows.
_CHEEKS = 2.6, 1.1
_TEETH = INSIDE[1:3]
_CORNERS = 3, 7  # of the inner lips, as they are passed round


def in_mouth(file: HeadFile) -> np.ndarray:
    """The vertices that are lit only through the lips, (V,) bool."""
    return file.marked(*INSIDE)


def _opening(file: HeadFile, vertices: np.ndarray) -> np.ndarray:
    """The inner lips (8, 3), against the clock as seen from outside."""
    return embed(vertices, file.faces, file.landmarks_68)[67:59:-1]


def out_of_mouth(file: HeadFile, vertices: np.ndarray) -> np.ndarray:
    """The way out of the mouth, straight through the lips: (3,) float32, unit."""
    area = polygon_area(_opening(file, vertices))
    return (area / max(float(np.linalg.norm(area)), 1e-12)).astype(np.float32)


def light_in_mouth(
    file: HeadFile, vertices: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The light on what lies `in_mouth`, as shares of that in the open.

    Lamps and the sky are above: more comes to what looks up to the
    opening, lower teeth and tongue, than to what looks down to it.

    Args:
        file: The head.
        vertices: (V, 3) metres, camera axes.

    Returns:
        What comes straight through the lips (n,), which is flesh and no tooth (n,) bool, and all
        the light (n,).
    """
    inside = in_mouth(file)
    opening, mouth = _opening(file, vertices), vertices[inside]
    out = out_of_mouth(file, vertices)
    wide = float(polygon_area(opening) @ out)
    behind = (opening.mean(0) - mouth) @ out
    light = through_polygon(opening, mouth)  # (n, 3)
    light[behind < 0] = out  # of it, as a tongue may be
    straight = np.linalg.norm(light, axis=1)
    up = light[:, 1] / np.maximum(straight, 1e-9)
    whole = _ON_FLESH * straight**_PASSED_ON
    whole *= np.interp(behind, _BEHIND_M, (1, _PAST_TEETH))
    whole *= np.exp(_FROM_ABOVE * np.clip(up, *_SINES))
    whole[behind < 0] = _ON_FLESH
    teeth = file.marked(*_TEETH)[inside]
    one, other = opening[list(_CORNERS)]
    broad = float(np.linalg.norm(one - other))
    aside = (mouth[teeth] - (one + other) / 2) @ (one - other) * 2 / broad**2
    whole[teeth] = _on_teeth(straight[teeth], up[teeth], aside, wide, broad)
    return straight, ~teeth, np.minimum(whole, 1)


def _on_teeth(
    strength: np.ndarray, up: np.ndarray, aside: np.ndarray, wide: float, broad: float
) -> np.ndarray:
    """The share of the light in the open that reaches teeth, (n,).

    Args:
        strength: (n,) what comes through the lips to a surface that looks at them.
        up: (n,) sine of the height at which the opening is seen.
        aside: (n,) from the middle, where the corners are at -1 and 1.
        wide: The lips' opening, m2.
        broad: From corner to corner, m.
    """
    low, high = _UNDER_LIP
    past_lip = np.clip((up - low) / (high - low), 0, 1)
    light = np.sqrt(strength) * min(wide / _BARE_M2, 1) ** 0.6 * (broad / _BARE_M) ** 1.2
    light *= _LEFT_THERE + (1 - _LEFT_THERE) * past_lip
    light *= np.exp(-np.where(up < 0, *_CHEEKS) * np.abs(aside) ** 3)
    return np.minimum(light, _BRIGHTEST)
