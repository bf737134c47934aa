"""Networks of the user's in the product's slots, TorchScript or ONNX: both give gradients."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..exchange.protocol import AVFaceError

if TYPE_CHECKING:
    from torch import nn


def check_slot(path: Path) -> None:
    """Say in one sentence why a slot can't take a file; nothing is loaded. Raises AVFaceError."""
    if not path.is_file():
        raise AVFaceError(f"There is no network at {path}.", "Correct the path.")
    if _is_onnx(path):
        return
    if not _holds_code(path):
        raise AVFaceError(
            f"{path} is not a TorchScript network.",
            "Save it with torch.jit.script or torch.jit.trace, or as ONNX.",
        )


def _is_onnx(path: Path) -> bool:
    return path.suffix.lower() == ".onnx"


def _holds_code(path: Path) -> bool:
    """Whether it is an archive as torch.jit writes it; torch.save's hold weights alone."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any("/code/" in name for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def load_slot(path: Path | None, what: str) -> "nn.Module | None":
    """A user's network for `what`, fixed; None without a path. Raises AVFaceError."""
    if path is None:
        return None
    import torch

    check_slot(path)
    if _is_onnx(path):
        from .onnx import load_onnx

        return load_onnx(path)
    try:
        network = torch.jit.load(path, map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        why = str(error).partition("\n")[0]
        raise AVFaceError(
            f"{path} is not a TorchScript network for {what} ({why}).",
            "Save it with torch.jit.script or torch.jit.trace, or as ONNX.",
        ) from error
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.eval()
