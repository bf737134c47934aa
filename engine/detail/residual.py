"""What neither the coarse surface's shading nor the person's albedo explains, and how much of it
may be relief.
"""

from dataclasses import dataclass

import cv2
import numpy as np

# Weights of linear R, G, B: blood, freckles and blotches show least in red.
LUMINANCE = np.array([0.6, 0.35, 0.05], np.float32)
# Residuals are taken against their own mean within this reach (Gaussian sigma): relief up to folds,
# never the mid-scale shape of the face (measured: shading makes 12 mm shape worse).
HIGH_PASS_MM = 5.0

_SKIN_TEXEL_MM = 0.8  # coarse enough to tell skin from hair
_STRANGE_RIM_MM = 2.0  # round what isn't skin: the shade of hair, the rim of a blurred strand
_EDGE_MM = 3.0  # width over which residuals fade in from the edge of what is seen
_SHADE_MM = 6.0  # the same from hair that hangs
_BESIDE_HAIR = 0.6, 0.95  # of what lies around is bare: nothing passes, and all
_STRONGEST = 0.7  # log contrast that skin relief doesn't reach: rims, hair, shadows' edges


@dataclass(frozen=True)
class Trust:
    """How much of a residual is taken for relief."""

    floor: float  # share kept off the zones of folds
    line: float  # and of what is line-like there
    core: float  # log contrast below it is noise or blotches
    knee: float  # beyond it contrast is compressed
    edge: float  # share of what lies around that is seen: nothing is taken there,
    inside: float  # and all


# Pigment leaks into what lasts. What passes is the skin's own change: folds of a broad smile reach
# a log contrast of 0.5 and are wanted whole.
LASTING_TRUST = Trust(floor=0.15, line=0.8, core=0.03, knee=0.35, edge=0.5, inside=0.9)
# Wrinkles that the network's texels don't hold: lines alone, for pores and stubble are as fine.
LINES_TRUST = Trust(floor=0.0, line=1.0, core=0.02, knee=0.35, edge=0.5, inside=0.9)
PASSING_TRUST = Trust(floor=0.5, line=1.0, core=0.006, knee=0.6, edge=0.4, inside=0.7)


@dataclass(frozen=True)
class Grain:
    """What the picture can show on the sheet."""

    texel_mm: float
    picture_mm: float  # one pixel of the clip on the face

    @property
    def blur(self) -> float:
        """Sigma in texels below which there is only interpolation and noise."""
        return 0.6 * self.picture_mm / self.texel_mm

    @property
    def gain(self) -> float:
        """1 for a close picture; falls to 0 where pixels are as coarse as folds."""
        return float(np.clip((1.7 - self.picture_mm) / 0.6, 0, 1))


def masked_blur(values: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian mean of values (R, R[, C]) over weight (R, R); sigma in texels."""
    if sigma <= 0.3:
        return values
    many = values.ndim == 3
    top, bottom = values * (weight[..., None] if many else weight), weight
    reduced, (rows, columns) = max(1, int(sigma / 3)), weight.shape
    if reduced > 1:  # a wide blur doesn't need every texel
        small = (columns // reduced, rows // reduced)
        top = cv2.resize(top, small, interpolation=cv2.INTER_AREA)
        bottom = cv2.resize(bottom, small, interpolation=cv2.INTER_AREA)
    top = cv2.GaussianBlur(top, (0, 0), sigma / reduced)
    bottom = np.maximum(cv2.GaussianBlur(bottom, (0, 0), sigma / reduced), 1e-4)
    mean = top / (bottom[..., None] if many else bottom)
    if reduced > 1:
        mean = cv2.resize(mean, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return mean


def skin_share(
    colour: np.ndarray, weight: np.ndarray, calm: np.ndarray, texel_mm: float
) -> np.ndarray:
    """(R, R) in [0, 1]: 0 where the colour isn't this person's skin (hair, rims, deep shadow).

    Compared with the middle of the face in log chroma and log luminance; burnt-out texels count
    little.
    """
    step = max(1, int(_SKIN_TEXEL_MM / texel_mm))  # a stranger is wider than a fine texel
    rows, columns = weight.shape
    small = (columns // step, rows // step)
    colour = cv2.resize(colour, small, interpolation=cv2.INTER_AREA)
    where = tuple(slice(step // 2, step * count, step) for count in small[::-1])
    core, texel_mm = calm[where] & (weight[where] > 0.3), texel_mm * step
    if core.sum() < 100:
        return np.zeros_like(weight)
    logs = np.log(np.maximum(colour, 2e-3))
    brightness = np.log(np.maximum(colour @ LUMINANCE, 2e-3))
    chroma = logs[..., :2] - logs[..., 1:]
    usual, spread = _centre(brightness[core], 0.25)
    usual_chroma, spread_chroma = _centre(chroma[core], 0.06)
    brightness = cv2.GaussianBlur(brightness, (0, 0), 1.2 / texel_mm)
    chroma = cv2.GaussianBlur(chroma, (0, 0), 2.0 / texel_mm)
    strange = brightness < usual - 2.8 * spread
    for k in range(2):
        strange |= np.abs(chroma[..., k] - usual_chroma[k]) > 5 * spread_chroma[k]
    burnt = (np.maximum(np.maximum(colour[..., 0], colour[..., 1]), colour[..., 2]) > 0.97).astype(
        np.float32
    )
    burnt = cv2.GaussianBlur(burnt, (0, 0), max(1.0 / texel_mm, 0.5))
    side = 2 * round(_STRANGE_RIM_MM / texel_mm) + 1
    strange = cv2.dilate(strange.astype(np.uint8), np.ones((side, side))) > 0
    share = np.clip(1 - 1.5 * _soften(strange, 0.6 / texel_mm), 0, 1) * (1 - 0.75 * burnt)
    return cv2.resize(share, (columns, rows), interpolation=cv2.INTER_LINEAR)


def residual(log_ratio: np.ndarray, weight: np.ndarray, grain: Grain) -> np.ndarray:
    """What is left (R, R) of a log ratio: between the picture's grain and HIGH_PASS_MM."""
    clipped = np.clip(log_ratio, -1.2, 0.8)
    fine = masked_blur(clipped, weight, grain.blur)
    return (fine - masked_blur(clipped, weight, HIGH_PASS_MM / grain.texel_mm)) * (weight > 0.02)


def without_strangers(left: np.ndarray, weight: np.ndarray, texel_mm: float) -> np.ndarray:
    """The weight (R, R) without texels whose contrast no skin relief has."""
    strange = (np.abs(left) > _STRONGEST) & (weight > 0.02)
    return weight * np.clip(1 - 2 * _soften(strange, 1.2 / texel_mm), 0, 1)


def gate(
    left: np.ndarray, weight: np.ndarray, zones: np.ndarray, grain: Grain, trust: Trust
) -> np.ndarray:
    """The part of a residual (R, R) that is taken for relief.

    Compressed, and cored; kept whole in the fold zones, elsewhere only a floor of it, or more where
    it is line-like (structure-tensor coherence): creases are lines, blotches aren't.
    """
    compressed = trust.knee * np.tanh(left / trust.knee)
    compressed = np.sign(compressed) * np.maximum(np.abs(compressed) - trust.core, 0)
    dy, dx = np.gradient(masked_blur(compressed, weight, 0.9 / grain.texel_mm))
    tensor = np.stack([dx * dx, dy * dy, dx * dy], axis=-1)
    xx, yy, xy = np.moveaxis(masked_blur(tensor, weight, 2.2 / grain.texel_mm), -1, 0)
    # 0.015 per mm: gradients below it are flat skin, not lines
    strength = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + (0.015 * grain.texel_mm) ** 2)
    share = trust.floor + (trust.line - trust.floor) * np.clip((strength - 0.45) / 0.3, 0, 1)
    share = np.maximum(share, np.clip(zones, 0, 1)) * (grain.gain * (weight > 0.02))
    # At the edge of what is seen the mean is one-sided, and lashes and shadows lean in.
    around = cv2.GaussianBlur(weight, (0, 0), _EDGE_MM / grain.texel_mm)
    return compressed * share * np.clip((around - trust.edge) / (trust.inside - trust.edge), 0, 1)


def off_hair(bare: np.ndarray, fringe: np.ndarray, texel_mm: float) -> np.ndarray:
    """(R, R) in [0, 1]: 0 beside what isn't `bare` (R, R): hair moves, and its shade with it.

    Strands that hang over the `fringe` (R, R) bool throw theirs farther.
    """
    low, high = _BESIDE_HAIR
    near, far = (cv2.GaussianBlur(bare, (0, 0), mm / texel_mm) for mm in (_EDGE_MM, _SHADE_MM))
    return np.clip((np.where(fringe, np.minimum(near, far), near) - low) / (high - low), 0, 1)


def _centre(values: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust standard deviation along the first axis."""
    middle = np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(values - middle), axis=0)
    return middle, np.maximum(spread, least)


def _soften(mask: np.ndarray, sigma: float) -> np.ndarray:
    """A bool mask grown by a texel, with soft edges."""
    grown = cv2.dilate(mask.astype(np.float32), np.ones((3, 3)))
    return cv2.GaussianBlur(grown, (0, 0), max(sigma, 0.5))
