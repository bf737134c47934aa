"""The published losses as pure functions, and their published weights in one place.

Landmarks are in the 68-point order, in the crop's own units (-1 to 1 across it), as in DECA (Feng
et al. 2021). Each function gives a scalar, a mean over everything that is not named in it.
Sources: AVFace (Chatziagapi and Samaras, CVPR 2023), DECA (SIGGRAPH 2021), EMOCA (CVPR 2022),
SPECTRE (Filntisis et al. 2022).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

UPPER_LIDS, LOWER_LIDS = (37, 38, 43, 44), (41, 40, 47, 46)
UPPER_LIPS, LOWER_LIPS = (61, 62, 63), (67, 66, 65)  # the inner lips
LEFT_CORNER, RIGHT_CORNER = (54,), (48,)
MOUTH = tuple(range(48, 68))
_SHARPNESS = 0.5  # h of ID-MRF (Wang et al. 2018, eq. 3)
NOSE_EYES_OUTLINE = (*range(17), *range(27, 48))


@dataclass(frozen=True)
class CoarseWeights:
    """AVFace section 3.5 names lambda_l and lambda_c; the rest are DECA's, which it says it keeps.

    (open) The paper doesn't say what lambda_l and lambda_c weigh. DECA's lip distance and its
    regularisers have the very same values, and as weights of the landmarks and of the closure they
    would switch off the latter: they are read as these.
    """

    landmark: float = 1.0
    eye_closure: float = 1.0
    mouth_closure: float = 0.5  # lambda_l
    lip_corner: float = 0.5  # lambda_l
    photometric: float = 2.0
    identity: float = 0.2
    shape_consistency: float = 1.0  # (open)
    shape: float = 1e-4  # lambda_c
    expression: float = 1e-4  # lambda_c
    albedo: float = 1e-4  # lambda_c
    light: float = 1.0


@dataclass(frozen=True)
class FineWeights:
    """AVFace section 3.5, of eq. 1 and eq. 4."""

    photometric: float = 1.0
    normals: float = 10.0  # lambda_n
    mrf: float = 5e-2  # lambda_m
    symmetry: float = 5e-3  # lambda_s
    displacement: float = 5e-3  # lambda_d


@dataclass(frozen=True)
class SpectreWeights:
    """SPECTRE, supplement C; `psi` has a rule of its own (`expression_loss`)."""

    lip_reading: float = 2.0
    emotion: float = 0.5
    jaw: float = 200.0
    landmark: float = 50.0
    mouth: float = 50.0


COARSE, FINE, SPECTRE = CoarseWeights(), FineWeights(), SpectreWeights()


def landmark_weights(device: torch.device) -> Tensor:
    """(68,) DECA's: nose tip and wings, mouth corners count most, then the mouth and the jaw."""
    weights = torch.ones(68, device=device)
    weights[27:36] = 1.5
    weights[48:68] = 1.5
    weights[[5, 6, 10, 11]] = 2.0
    weights[[30, 31, 35, 48, 54]] = 3.0
    return weights


def landmark_loss(points: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted L1 re-projection (DECA eq. 5): (..., L, 2) twice, weights (..., L)."""
    apart = (points - target).abs().sum(-1)
    return (weights * apart).mean()


def relative_distance_loss(
    points: Tensor,
    target: Tensor,
    ends: tuple[tuple[int, ...], tuple[int, ...]],
    belief: Tensor,
) -> Tensor:
    """L1 of the offsets between pairs of landmarks (DECA eq. 6): unmoved by a common shift.

    Args:
        points: (..., 68, 2).
        target: (..., 68, 2).
        ends: The pairs' first and second landmarks.
        belief: (..., 68) how far each target point is believed; a pair counts as its lesser.
    """
    a, b = (list(side) for side in ends)
    apart = (points[..., a, :] - points[..., b, :]) - (target[..., a, :] - target[..., b, :])
    pairs = torch.minimum(belief[..., a], belief[..., b])
    return (pairs * apart.abs().sum(-1)).mean()


def eye_closure_loss(points: Tensor, target: Tensor, belief: Tensor) -> Tensor:
    """Upper against lower lids (DECA eq. 6)."""
    return relative_distance_loss(points, target, (UPPER_LIDS, LOWER_LIDS), belief)


def mouth_closure_loss(points: Tensor, target: Tensor, belief: Tensor) -> Tensor:
    """Upper against lower inner lips (AVFace section 3.1, after EMOCA)."""
    return relative_distance_loss(points, target, (UPPER_LIPS, LOWER_LIPS), belief)


def lip_corner_loss(points: Tensor, target: Tensor, belief: Tensor) -> Tensor:
    """Left against right lip corner (AVFace section 3.1, after EMOCA)."""
    return relative_distance_loss(points, target, (LEFT_CORNER, RIGHT_CORNER), belief)


def photometric_loss(rendered: Tensor, picture: Tensor, mask: Tensor) -> Tensor:
    """L1 where `mask` is (DECA eq. 7): (..., C, H, W) twice, (..., 1, H, W)."""
    apart = (rendered - picture).abs() * mask
    return apart.sum() / (mask.sum() * picture.shape[-3]).clamp(min=1.0)


def identity_loss(rendered: Tensor, picture: Tensor) -> Tensor:
    """1 - cosine of a face recogniser's features (DECA eq. 8): (..., C) twice."""
    return (1 - functional.cosine_similarity(rendered, picture, dim=-1)).mean()


def shape_consistency_loss(shapes: Tensor) -> Tensor:
    """A person keeps their shape over a window: variance of (B, W, S) along W.

    DECA (eq. 9) swaps the shapes of two pictures of a person and repeats all its losses; within a
    window of one clip the direct form costs nothing and has the same minimum. (open)
    """
    return ((shapes - shapes.mean(1, keepdim=True)) ** 2).sum(-1).mean()


def coefficient_loss(coefficients: Tensor) -> Tensor:
    """Squared length / 2 of coefficients of unit variance (DECA section 4.1): (..., C)."""
    return (coefficients**2).sum(-1).mean() / 2


def white_light_loss(light: Tensor) -> Tensor:
    """Light is nearly white (DECA's code): variance over RGB of (..., 9, 3)."""
    return ((light.mean(-1, keepdim=True) - light) ** 2).mean()


def laplacian(maps: Tensor) -> Tensor:
    """The five-point Laplace operator, borders left out: (..., C, H, W) -> (..., C, H-2, W-2)."""
    centre = maps[..., 1:-1, 1:-1]
    upright = maps[..., :-2, 1:-1] + maps[..., 2:, 1:-1]
    across = maps[..., 1:-1, :-2] + maps[..., 1:-1, 2:]
    return upright + across - 4 * centre


def normals_loss(normals: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """L1 of the Laplacians of normals (AVFace eq. 1 and 3): (..., 3, H, W), mask (..., 1, H, W).

    The paper's norm is a sum; here the mean over the mask, so that a weight means the same for
    every size of map.
    """
    apart = (laplacian(normals) - laplacian(target)).abs()
    neighbours = -functional.max_pool2d(
        -mask.flatten(0, -4).float(), 3, 1
    )  # every neighbour is in the mask
    inside = neighbours.view(*mask.shape[:-2], *neighbours.shape[-2:])
    return (apart * inside).sum() / (3 * inside.sum()).clamp(min=1.0)


def symmetry_loss(displacement: Tensor, mask: Tensor, mirror: Tensor) -> Tensor:
    """Soft symmetry where the face can't be seen (DECA eq. 15): L1 of D against its mirror image.

    A sum over the map, as DECA's norm is and its code has it: the weight is meant for that. By a
    mean it would not be felt.

    Args:
        displacement: (B, 1, U, U) m.
        mask: (B, 1, U, U), 1 where a texel is hidden in the picture.
        mirror: (B, 1, U, U) the displacement of the other side at each texel.
    """
    return (mask * (displacement - mirror.detach()).abs()).sum((1, 2, 3)).mean()


def displacement_loss(displacement: Tensor) -> Tensor:
    """Mean L1 of the displacement (AVFace eq. 4, its last term; a mean as in DECA's code)."""
    return displacement.abs().mean()


def intra_distance_loss(points: Tensor, target: Tensor, belief: Tensor) -> Tensor:
    """Squared difference of all distances among the mouth's landmarks (SPECTRE, supplement C).

    A sum over the pairs, as the paper's norm is: its weight is meant for that. By a mean, a lip
    reader would outweigh the landmarks.
    """
    index = list(MOUTH)
    first, second = torch.triu_indices(len(index), len(index), 1, device=points.device)

    def distances(of: Tensor) -> Tensor:
        chosen = of[..., index, :]
        squares = ((chosen[..., first, :] - chosen[..., second, :]) ** 2).sum(-1)
        return (squares + 1e-12).sqrt()  # a root without an infinite slope at 0

    apart = (distances(points) - distances(target)) ** 2
    chosen = belief[..., index]
    return (torch.minimum(chosen[..., first], chosen[..., second]) * apart).sum(-1).mean()


def outline_loss(points: Tensor, target: Tensor, belief: Tensor) -> Tensor:
    """L1 on the landmarks of nose, eyes and outline (SPECTRE, L_n)."""
    index = list(NOSE_EYES_OUTLINE)
    apart = (points[..., index, :] - target[..., index, :]).abs().sum(-1)
    return (belief[..., index] * apart).mean()


def nearness_loss(parameters: Tensor, start: Tensor) -> Tensor:
    """Squared L2 to the coarse encoder's own (SPECTRE, L_jaw): (..., C), mean of the rest."""
    return ((parameters - start) ** 2).sum(-1).mean()


def expression_loss(expression: Tensor, start: Tensor) -> Tensor:
    """SPECTRE's L_psi (..., C) with its weight: 1e-3 below 40, 2e-3 above (supplement C).

    Each frame by its own, as in the authors' code; mean over the frames.
    """
    apart = ((expression - start) ** 2).sum(-1)
    return (torch.where(apart.detach() > 40, 2e-3, 1e-3) * apart).mean()


def feature_cosine_loss(rendered: Tensor, picture: Tensor, weights: Tensor) -> Tensor:
    """Mean over frames of the cosine distance of a lip reader's features (SPECTRE, L_lr).

    (..., C) twice; `weights` (...) are 0 where the mouth is covered.
    """
    apart = 1 - functional.cosine_similarity(rendered, picture, dim=-1)
    return (weights * apart).sum() / weights.sum().clamp(min=1e-6)


def feature_distance_loss(rendered: Tensor, picture: Tensor) -> Tensor:
    """Mean squared distance of emotion features (SPECTRE, L_em, after EMOCA)."""
    return ((rendered - picture) ** 2).mean()


def mrf_loss(rendered: Tensor, picture: Tensor) -> Tensor:
    """Implicit diversified Markov random field on feature maps (Wang et al. 2018, eq. 3-5).

    Each patch of the picture's features should be the nearest of some patch of the rendered ones.
    Patches are single places of the map (B, C, H, W), as in DECA's relu3_2 and relu4_2 terms.
    """

    def patches(maps: Tensor) -> Tensor:
        centred = maps - picture.mean((2, 3), keepdim=True)
        return functional.normalize(centred.flatten(2), dim=1)  # (B, C, N)

    cosine = patches(rendered).transpose(1, 2) @ patches(picture)  # (B, rendered, picture)
    apart = (1 - cosine) / 2
    relative = apart / (apart.amin(2, keepdim=True) + 1e-5)
    similar = torch.softmax((1 - relative) / _SHARPNESS, 2)
    diverse = similar.amax(1)  # of each patch of the picture, (B, picture)
    return -torch.log(diverse.mean(1)).mean()
