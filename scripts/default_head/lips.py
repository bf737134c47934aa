"""The lips: shut at rest, and shut by `mouthClose` at every opening of the jaw.

Shut lips over an open jaw are the lips at rest carried along by a softer jaw: both lips turn with
the same share of the jaw's angle where they touch. The correctives of the jaw and the unit are
solved for together, so that at jaw angle a the setting mouthClose = sin a / sin(jawOpen) shuts the
lips, not only at the ends.
"""

import numpy as np
import scipy.sparse as sp

from .anatomy import Anatomy
from .contact import lip_sides, part_lips
from .correctives import COSINE, JAW, SINE, before_turning, column
from .fairing import smooth_field
from .joints import Rig, turn_x
from .mouth import round_mouth
from .rims import Rim
from .units import half

REACH = 0.016  # m from the lips' line within which the skin gives way at rest
CLOSING_REACH = 0.036  # m within which skin leaves the jaw's path when the lips shut
CLOSING_CORE = 0.010  # m within which it does so fully
OVERLAP = 0.00015  # m that the lips press into each other along their line: no light shines through
LIPS_TOGETHER = 0.007  # m from the line: the lips move as one piece when they shut
TOGETHER_WEIGHT = 0.25
# Units that leave shut lips shut; the others slide, roll or open them.
KEEPS_SHUT = (
    *("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthPress", "mouthLeft"),
    *("mouthRight", "mouthPucker", "cheekPuff", "cheekSquint", "cheekSuck", "noseSneer"),
    "neckTighten",
)
ANGLES = np.linspace(0.05, 0.45, 9)  # rad of the jaw at which the lips are to shut


def seal_lips(anatomy: Anatomy, template: np.ndarray, lips: Rim) -> np.ndarray:
    """The template (V, 3) with its lips just touching along their line."""
    wished = np.array([0, -OVERLAP, 0]) - lips.pairs @ template
    region = line_distance(anatomy, template, lips) < REACH
    template = template + smooth_field(anatomy, region, lips.pairs, wished)
    sides = lip_sides(anatomy, template, lips)
    template += part_lips(anatomy, template, sides, lips.pairs)
    return anatomy.symmetric(template)


def shut_identity(
    anatomy: Anatomy, template: np.ndarray, lips: Rim, basis: np.ndarray
) -> np.ndarray:
    """Identity components (V, 3, S) that leave the lips touching."""
    sides = lip_sides(anatomy, template, lips)
    flat = basis.reshape(len(basis), -1).astype(float)
    apart = lips.pairs @ flat
    return (flat + smooth_field(anatomy, sides.giving, lips.pairs, -apart)).reshape(basis.shape)


def shut_units(
    anatomy: Anatomy, template: np.ndarray, lips: Rim, units: dict[str, np.ndarray]
) -> None:
    """Mend the units of the mouth so that at a shut jaw no lip cuts the other, in place.

    Those in KEEPS_SHUT leave the lips touching where they touch at rest.
    """
    sides = lip_sides(anatomy, template, lips)
    no_rows = sp.csr_matrix((0, len(template)))
    for name, move in units.items():
        if name == "mouthClose" or (name.endswith("Right") and name != "mouthRight"):
            continue  # the second of a pair comes with the first
        if not np.abs(move[lips.upper]).max() > 0 and not np.abs(move[lips.lower]).max() > 0:
            continue
        held = lips.pairs if name.startswith(KEEPS_SHUT) else no_rows
        partner = units.get(name.removesuffix("Left") + "Right") if name != "mouthLeft" else None
        for one in (move, partner):
            if one is not None and held is lips.pairs:
                one += smooth_field(anatomy, sides.giving, held, -(held @ one))
        # Cuts are looked for with both sides at work; the mend is shared out between them.
        whole = move if partner is None else move + partner
        mend = part_lips(anatomy, template + whole, sides, held)
        move += mend if partner is None else half(anatomy, mend, "Left")
        if partner is not None:
            partner += half(anatomy, mend, "Right")


def line_distance(anatomy: Anatomy, points: np.ndarray, lips: Rim) -> np.ndarray:
    """Distance of each vertex of the skin to the lips' line, (V,) m; infinite elsewhere."""
    line = np.concatenate([lips.upper, lips.lower])
    skin = anatomy.parts["skin"]
    distance = np.full(len(points), np.inf)
    distance[skin] = np.linalg.norm(points[skin, None] - points[line], axis=2).min(1)
    return distance


def round_opening(
    anatomy: Anatomy, template: np.ndarray, rig: Rig, lips: Rim, pose_basis: np.ndarray
) -> None:
    """Make the mouth round when the jaw opens: mends the jaw's columns of `pose_basis`."""
    weight, turn = rig.weights[:, JAW], turn_x(rig.jaw_open)
    sine = column(JAW, SINE["x"])
    bent = template + pose_basis[:, :, sine] * np.sin(rig.jaw_open)
    blend = np.eye(3) + weight[:, None, None] * (turn - np.eye(3))
    opened = (blend @ (bent - rig.joints[JAW])[..., None])[..., 0] + rig.joints[JAW]
    opened += round_mouth(anatomy, opened, lips, line_distance(anatomy, template, lips))
    move = before_turning(opened, template, rig.joints[JAW], weight, turn)
    skin = anatomy.parts["skin"]
    pose_basis[skin, :, sine] = move[skin] / np.sin(rig.jaw_open)


def close_lips(
    anatomy: Anatomy, template: np.ndarray, rig: Rig, lips: Rim, pose_basis: np.ndarray
) -> np.ndarray:
    """The unit `mouthClose` (V, 3); the jaw's columns of `pose_basis` are refitted in place."""
    sine, cosine = column(JAW, SINE["x"]), column(JAW, COSINE["x"])
    distance = line_distance(anatomy, template, lips)
    own = np.flatnonzero(distance < CLOSING_REACH)
    core = np.clip((distance[own] - CLOSING_CORE) / (CLOSING_REACH - CLOSING_CORE), 0, 1)
    share = (1 - core**2 * (3 - 2 * core))[:, None]  # 1 at the lips, 0 where nothing changes

    weight = rig.weights[:, JAW]
    shut_weight = _shut_weight(anatomy, template, lips, distance, weight)

    def opened(angle: float) -> np.ndarray:
        bend = pose_basis[own, :, sine] * np.sin(angle)
        return bend + pose_basis[own, :, cosine] * (np.cos(angle) - 1)

    def shut(angle: float) -> np.ndarray:
        pivot, turn = rig.joints[JAW], turn_x(angle)
        soft = np.eye(3) + shut_weight[own, None, None] * (turn - np.eye(3))
        carried = (soft @ (template[own] - pivot)[..., None])[..., 0] + pivot
        wished = before_turning(carried, template[own], pivot, weight[own], turn)
        return share * wished + (1 - share) * opened(angle)

    # shut(a) = sin a (unit / sin(jawOpen) + odd) + (cos a - 1) even; opened(jawOpen) is kept.
    terms = np.stack([np.sin(ANGLES), np.cos(ANGLES) - 1], 1)  # (A, 2)
    wished = np.stack([shut(angle) for angle in ANGLES])  # (A, N, 3)
    both, even = np.linalg.lstsq(terms, wished.reshape(len(ANGLES), -1), rcond=None)[0]
    both, even = both.reshape(-1, 3), even.reshape(-1, 3)
    full = rig.jaw_open
    odd = (opened(full) - even * (np.cos(full) - 1)) / np.sin(full)
    unit = np.zeros_like(template)
    unit[own] = (both - odd) * np.sin(full)
    pose_basis[own, :, sine], pose_basis[own, :, cosine] = odd, even
    return unit


def _shut_weight(anatomy, template, lips, distance, weight) -> np.ndarray:
    """The softer jaw: skinning weights (V,) without a step between the lips."""
    line = np.concatenate([lips.upper, lips.lower])
    close = np.flatnonzero(distance < LIPS_TOGETHER)
    nearest = line[np.linalg.norm(template[close, None] - template[line], axis=2).argmin(1)]
    count = len(close)
    values = np.concatenate([np.ones(count), -np.ones(count)]) * TOGETHER_WEIGHT
    places = (np.tile(np.arange(count), 2), np.concatenate([close, nearest]))
    together = sp.csr_matrix((values, places), shape=(count, len(template)))
    conditions = sp.csr_matrix(sp.vstack([lips.pairs, together]))
    wished = np.zeros_like(conditions @ weight[:, None])
    region = distance < CLOSING_REACH
    return smooth_field(anatomy, region, conditions, wished, weight[:, None], 1e-4)[:, 0]
