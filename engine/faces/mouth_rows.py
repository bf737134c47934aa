"""Where a person's rows of teeth end between the lips, read in every picture of an open mouth."""

import cv2
import numpy as np

from ..device import compute_device
from ..weights import load_network, registry
from .looks import SKIN
from .mouth_crop import between_eyes, gaps, is_open

NETWORK = "rows"
_LEAST_LIGHT = 60.0  # of the skin, Lab in 8 bit: in darker pictures teeth are noise
_AT_ONCE = 32  # larger maps leave the caches


def read_rows(landmarks: np.ndarray, colours: np.ndarray, crops: np.ndarray) -> np.ndarray | None:
    """Where the upper row ends and the lower begins, each with its standard deviation: (N, 2, 2).

    0 is the upper inner lip, 1 the lower; NaN where the mouth is shut or too dark. None where the
    product carries no such network.

    Args:
        landmarks: (N, 478, 3) px.
        colours: (N, 478, 3) uint8 Lab at the landmarks.
        crops: (N, CROP_ROWS, CROP_COLUMNS, 3) uint8 by `crop_mouth`.
    """
    if NETWORK not in registry():
        return None
    out = np.full((len(crops), 2, 2), np.nan, np.float32)
    told = is_open(landmarks) & (colours[:, SKIN, 0].mean(1) > _LEAST_LIGHT)
    lab = np.median(colours[told][:, SKIN], axis=1).astype(np.uint8)
    if told.any():
        skin = cv2.cvtColor(lab[None], cv2.COLOR_LAB2RGB)[0]
        out[told] = _look(crops[told], skin, (gaps(landmarks) / between_eyes(landmarks))[told])
    return out


def _look(crops: np.ndarray, skin: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """The network's edges and standard deviations, (n, 2, 2)."""
    import torch

    from ..models.rows import RowsNet, beside_skin, edges_of

    device = compute_device()
    net = RowsNet().eval().to(device)
    net.load_state_dict(load_network(NETWORK)[0])
    parts = []
    with torch.inference_mode():
        for start in range(0, len(crops), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            seen = beside_skin(crops[some], skin[some]).to(device)
            told = edges_of(net(seen, torch.from_numpy(gap[some]).float().to(device)))
            parts.append(torch.stack(told, 2).cpu().numpy())
    return np.concatenate(parts)
