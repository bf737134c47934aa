"""The fine network in a capture: relief of skin from what coarse shading leaves of a picture."""

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..device import compute_device
from ..exchange.head_file import HeadFile
from ..weights import default_head_sha256, load_network
from .evidence import evidence
from .face_sheet import Surface
from .relief import modelled
from .residual import Grain

if TYPE_CHECKING:
    from ..models.fine import FineNetwork

NETWORK = "fine"
_FADE_MM = 1.5  # over which relief fades out beyond what is seen
# Depth is asked of so much skin; correlations that say nothing and all; so much deeper at most.
_DEPTH_MM, _SURE, _DEEPER = 4.0, (0.2, 0.4), 4.0
_FAINT = 0.01  # log contrast that noise makes, too: what a fold wouldn't darken by more stays
_ALIKE, _ALIKE_MM = 0.3, 2.5  # correlation of slopes that is full agreement, and over how much skin


def knows(head: HeadFile) -> bool:
    """Whether the network has learnt on this head's sheet."""
    return head.sha256 == default_head_sha256()


@cache
def reads_pictures() -> bool:
    """Whether the registered fine stage is one of `train fine`'s (`trained`): it reads pictures."""
    return load_network(NETWORK)[1].get("reads") == "pictures"


def learned_relief(
    log_ratio: np.ndarray,
    weight: np.ndarray,
    surface: Surface,
    light: np.ndarray,
    grain: Grain,
) -> np.ndarray:
    """Relief (R, R) float32 mm, R = `evidence.TEXELS`; its arguments are those of `evidence`."""
    given = evidence(log_ratio, weight, surface, light, grain)
    seen = cv2.GaussianBlur(given[-1], (0, 0), _FADE_MM / grain.texel_mm)
    return _run(given) * np.clip(2 * seen, 0, 1)


def deepened(
    learned: np.ndarray,
    left: np.ndarray,
    weight: np.ndarray,
    surface: Surface,
    light: np.ndarray,
    texel_mm: float,
) -> np.ndarray:
    """The network's relief (R, R) mm as deep as the picture's contrast wants it.

    On films the network is right about where folds lie, and leaves pigment, shadows' edges and
    glasses out; how deep they are it hardly dares to say. Where what it would make of the picture
    runs as the residual does, its depth is the residual's.

    Args:
        learned: (R, R) mm.
        left: (R, R) residual log contrast.
        weight: (R, R) trust in it.
        surface: The coarse surface, camera axes.
        light: (9,) luminance.
        texel_mm: Of the sheet.
    """

    def around(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (0, 0), _DEPTH_MM / texel_mm)

    seen = np.clip(weight, 0, 1)
    told = modelled(learned, surface, light, texel_mm)
    both, ours = around(seen * told * left), around(seen * told**2)
    alike = both / np.sqrt(ours * around(seen * left**2) + _FAINT**4)
    low, high = _SURE
    sure = np.clip((alike - low) / (high - low), 0, 1)
    return learned * (1 + sure * (np.clip(both / (ours + _FAINT**2), 1, _DEEPER) - 1))


def agreement(learned: np.ndarray, solved: np.ndarray, texel_mm: float) -> np.ndarray:
    """(R, R) in [0, 1]: where two reliefs (R, R) mm run alike, however deep either is.

    On films the network is right about where a passing fold lies and far too shy about its depth:
    the slopes' correlation asks for the first alone.
    """

    def around(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (0, 0), _ALIKE_MM / texel_mm)

    (a, b), (c, d) = np.gradient(learned, texel_mm), np.gradient(solved, texel_mm)
    both = around(a * c + b * d)
    alike = both / np.sqrt(around(a * a + b * b) * around(c * c + d * d) + 1e-8)
    return np.clip(alike / _ALIKE, 0, 1)


def _run(given: np.ndarray) -> np.ndarray:
    import torch

    net = _network()
    device = compute_device()
    with torch.no_grad():
        maps = torch.from_numpy(given)[None].contiguous(memory_format=torch.channels_last)
        relief = net(maps.to(device), net.silence(1).to(device))
        return 1e3 * relief[0, 0].cpu().numpy()


@cache
def _network() -> "FineNetwork":
    import torch

    from ..models.config import Config
    from ..models.fine import FineNetwork
    from ..models.folding import fold_normalisation

    tensors, about = load_network(NETWORK)
    net = FineNetwork(Config.from_json(about["config"]))
    net.load_state_dict(tensors)
    fold_normalisation(net)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net.to(compute_device())
