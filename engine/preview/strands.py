"""Hair in the studio: strands drawn as soft lines over the head's picture, the farthest first."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..exchange.hair import Groom
from ..exchange.lashes import COLOUR
from .strand_kernel import Motion, Strands, draw_strands, lay_over

# So much more light comes back from among strands as a power of their luminance beside that at
# which none is missing.
_SCATTERED, _NONE_MISSING = 0.25, 0.08
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_LASH_WIDTH, _BEHIND_LASHES = np.float32(0.22), np.array([0, 0, 0.1])  # of a strand's; m


@dataclass(frozen=True)
class Hair:
    """A person's strands and their colours."""

    groom: Groom
    colour: np.ndarray  # (N, 3) float32 linear reflectance
    carried_by: np.ndarray  # numbers of the vertices that the hair moves with


class Lens(NamedTuple):
    """How the studio's camera sees."""

    focal: float  # px
    middle: np.ndarray  # (2,) the principal point, px
    exposure: np.float32


def among_others(colour: np.ndarray) -> np.ndarray:
    """How strands of linear reflectance (N, 3) look among the others, (N, 3) float32.

    Light goes from strand to strand: dark hair swallows more of it than one surface, fair hair
    scatters more. A renderer that follows light needs none of this.
    """
    usual = max(float(np.median(colour, axis=0) @ _LUMINANCE), 1e-4)
    return (colour * (usual / _NONE_MISSING) ** _SCATTERED).astype(np.float32)


def draw_hair(
    picture: np.ndarray,
    coverage: np.ndarray,
    nearness: np.ndarray,
    hair: Hair,
    moved: tuple[np.ndarray, np.ndarray],
    lens: Lens,
) -> np.ndarray:
    """Draw hair into a picture (H, W, 3) and its coverage (H, W), both uint8, in place.

    Returns how far it covers each pixel, (H, W) float32.

    Args:
        picture: What the lens sees of the head.
        coverage: Where that is.
        nearness: (2 H, 2 W) the head's 1 / depth there.
        hair: The strands.
        moved: (V, 3) the person at rest, and the same vertices in camera space.
        lens: The camera.
    """
    motion = _motion(*(place[hair.carried_by] for place in moved))
    groom = hair.groom
    order = np.argsort(groom.points[:, groom.points.shape[1] // 2] @ motion.turn[:, 2])
    strands = Strands(groom.points, hair.colour, groom.width, groom.depth, groom.middle, order)
    layer = np.zeros((*coverage.shape, 4), np.float32)
    draw_strands(layer, nearness, strands, motion, _placed(lens))
    lay_over(picture, coverage, layer)
    return layer[..., 3]


def draw_lashes(
    shown: tuple[np.ndarray, ...],
    coverage: np.ndarray,
    nearness: np.ndarray,
    lashes: np.ndarray,
    lens: Lens,
) -> None:
    """Draw lashes (N, P, 3), in camera space, into pictures that one `coverage` goes with.

    Else as `draw_hair`.
    """
    count, middle = len(lashes), lashes.mean((0, 1)) - _BEHIND_LASHES
    strands = Strands(
        lashes.astype(np.float32), np.tile(np.array(COLOUR, np.float32), (count, 1)),
        np.full(count, _LASH_WIDTH), np.zeros(count, np.float32), middle.astype(np.float32),
        np.arange(count),
    )  # fmt: skip
    nowhere = np.zeros(3, np.float32)
    layer = np.zeros((*coverage.shape, 4), np.float32)
    draw_strands(layer, nearness, strands, Motion(nowhere, np.eye(3, dtype=np.float32), nowhere),
          _placed(lens))  # fmt: skip
    before = coverage.copy()
    for picture in shown:
        coverage[:] = before
        lay_over(picture, coverage, layer)


def _placed(lens: Lens) -> tuple[np.float32, np.ndarray, np.float32]:
    """The lens as the kernels take it."""
    return np.float32(lens.focal), np.asarray(lens.middle, np.float32), np.float32(lens.exposure)


def _motion(rest: np.ndarray, posed: np.ndarray) -> Motion:
    """The rigid motion of points (n, 3) from rest to posed (Kabsch 1976)."""
    before, after = rest.mean(0), posed.mean(0)
    left, _, right = np.linalg.svd((rest - before).T @ (posed - after))
    left[:, 2] *= np.linalg.det(left @ right)
    return Motion(*(a.astype(np.float32) for a in (before, left @ right, after)))
