"""What a training leaves in its folder, each file written whole or not at all.

last.pt             everything that a resumed run needs (tensors and plain numbers; read without
                    running code)
last.safetensors    the averaged weights of the last checkpoint
best.safetensors    the averaged weights of the best evaluation so far
log.jsonl           one JSON object a line: "kind" is start, train, evaluate or end
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as as_safetensors
from torch import Tensor, nn

from ..exchange.protocol import AVFaceError
from ..exchange.saving import save, saved

LAST, LOG = "last.pt", "log.jsonl"


def save_state(state: dict[str, Any], folder: Path) -> None:
    """Write `last.pt`."""
    with saved(folder / LAST) as temporary:
        torch.save(state, temporary)


def load_state(folder: Path) -> dict[str, Any] | None:
    """The state in `last.pt`, on the CPU; None where there is none. Raises AVFaceError."""
    path = folder / LAST
    if not path.is_file():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise AVFaceError(
            f"{path} can't be resumed from ({error}).", "Train into another folder."
        ) from error


def save_weights(model: nn.Module, path: Path, metadata: Mapping[str, object]) -> None:
    """A model's parameters and buffers as safetensors, with `metadata` as text."""
    tensors = model.state_dict().items()
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors}
    save_tensors(own, path, metadata)


def load_weights(model: nn.Module, path: Path) -> None:
    """Give a model the parameters in a file. Raises AVFaceError where they aren't its own."""
    try:
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(":")
        raise AVFaceError(
            f"{path} doesn't hold this network's weights ({reason}).",
            "Give what the stage before left, of the same --config.",
        ) from error


def last_weights(folder: Path) -> dict[str, Tensor]:
    """The averaged weights of a run's last checkpoint."""
    return load_file(folder / "last.safetensors")


def save_tensors(
    tensors: dict[str, Tensor], path: Path, metadata: Mapping[str, object], half: bool = False
) -> None:
    """Tensors as safetensors, with `metadata` as text; `half`: in half precision."""
    if half:
        tensors = {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}
    text = {name: str(value) for name, value in metadata.items()}
    save(path, as_safetensors(tensors, text))  # its `save_file` hides files from other users


def append_log(folder: Path, line: Mapping[str, object]) -> None:
    """Add one line to the log."""
    with open(folder / LOG, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log, oldest first. Raises AVFaceError."""
    try:
        text = (folder / LOG).read_text(encoding="utf-8")
    except OSError as error:
        raise AVFaceError(f"{folder} holds no {LOG}.", "Choose a training's folder.") from error
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def rewind_log(folder: Path, step: int) -> None:
    """Drop the lines after `step`: a run that died had gone further than its checkpoint."""
    if (folder / LOG).is_file():
        lines = [line for line in read_log(folder) if line.get("step", 0) <= step]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        save(folder / LOG, text)
