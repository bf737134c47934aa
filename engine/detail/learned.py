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
from .residual import Grain

if TYPE_CHECKING:
    from ..models.fine import FineNetwork

NETWORK = "fine"
_FADE_MM = 1.5  # over which relief fades out beyond what is seen
_FOLD_SLOPES = 0.01, 0.05  # of learned relief: no fold, and surely one
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


def folded(learned: np.ndarray, texel_mm: float) -> np.ndarray:
    """(R, R) in [0, 1]: where the network's relief (R, R) mm has folds.

    It tells them from pigment, shadows' edges and glasses; a solver of the shading sees finer.
    """
    down, across = np.gradient(learned, texel_mm)
    steep = cv2.GaussianBlur(down**2 + across**2, (0, 0), _FADE_MM / texel_mm) ** 0.5
    low, high = _FOLD_SLOPES
    return np.clip((steep - low) / (high - low), 0, 1)


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
