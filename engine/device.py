"""Where networks run and descents go: on an NVIDIA card where PyTorch finds one, else on the CPU.

Networks that look at pictures and descents on a clip earn a card; those that listen are quicker
than sound a hundredfold on one core and stay where they are. Stages pass arrays: what goes onto
the card comes back from it within the same file.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

from .exchange.protocol import AVFaceError

if TYPE_CHECKING:
    import torch

_VARIABLE = "AVFACE_DEVICE"  # cpu, cuda, cuda:1: instead of what is found


@cache
def compute_device() -> "torch.device":
    """The device of this process.

    Raises AVFaceError when AVFACE_DEVICE names one that isn't here.
    """
    import torch

    found = torch.cuda.is_available()
    wanted = os.environ.get(_VARIABLE, "") or ("cuda" if found else "cpu")
    count = torch.cuda.device_count() if found else 0
    if wanted in ("cpu", *["cuda"][:count], *(f"cuda:{k}" for k in range(count))):
        return torch.device(wanted)
    raise AVFaceError(
        f"{_VARIABLE} asks for {wanted}, which PyTorch doesn't find here.",
        f"Set {_VARIABLE} to cpu, or to nothing for the best there is.",
    )


def device_name() -> str:
    """What a report says: `cpu`, or the card's name."""
    import torch

    device = compute_device()
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
