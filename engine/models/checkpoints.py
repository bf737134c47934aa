"""Weights that a user brings: DECA's `deca_model.tar`, torchvision's ImageNet files.

A user's pickle never runs code: torch's own restricted reader goes first, then one of ours that
knows tensors and plain containers, and takes settings objects as empty shells. Nothing else loads.
"""

import pickle
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import torch
from torch import Tensor, nn
from torch import _utils as torch_utils

from ..exchange.protocol import AVFaceError
from .backbones import MobileNetV2, ResNet
from .coarse import DECA_PARTS, CoarseEncoder
from .expression import ExpressionEncoder

_COARSE_PARTS = ("shape", "albedo", "pose", "camera", "light")
# Settings that checkpoints carry beside their tensors: read as empty shells, never built.
_SHELLS = {("argparse", "Namespace"), ("yacs.config", "CfgNode"), ("types", "SimpleNamespace")}
_TENSOR_BUILDERS = {
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
}
_STORAGES = {
    f"{kind}Storage"
    for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte",
                 "Bool")
}  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """What was done with a file of weights."""

    used: tuple[str, ...]  # tensors of the file that now stand in a network
    unused: tuple[str, ...]  # tensors of the file that have no place in it
    left: tuple[str, ...]  # parts of the network that the file doesn't have
    sentence: str  # all of that for the user


def load_deca(
    path: Path, coarse: CoarseEncoder, expression: ExpressionEncoder | None = None
) -> Loaded:
    """Start the encoders from DECA's: E_c's picture encoder wholly, E_v's backbone.

    The rows of DECA's last layer that give expression and jaw have no place in E_c: the expression
    branch predicts those (AVFace, 3.1). The detail networks belong to another design.

    Raises:
        AVFaceError: The file isn't DECA's, isn't safe, or doesn't fit the configuration.
    """
    parts = read_checkpoint(path)
    if not isinstance(parts.get("E_flame"), Mapping):
        raise AVFaceError(
            f"{path.name} is not DECA's checkpoint: it has no part E_flame.",
            "Choose the deca_model.tar that DECA's authors publish.",
        )
    flame = _tensors(parts["E_flame"])
    encoder = {_deca_name(name): value for name, value in flame.items()}
    rows = _coarse_rows()
    for name in ("layers.2.weight", "layers.2.bias"):
        if name in encoder and len(encoder[name]) == sum(DECA_PARTS.values()):
            encoder[name] = encoder[name][rows]
    _check_fit(path, encoder, coarse.image)
    coarse.image.load_state_dict(encoder, strict=True)
    also = ""
    seen = {n.removeprefix("backbone."): v for n, v in encoder.items() if n.startswith("backbone.")}
    if expression is not None and _fits(seen, expression.video.backbone):
        expression.video.backbone.load_state_dict(seen)
        also = " and the backbone of E_v"
    unused = tuple(
        f"{part}.{name}"
        for part in parts
        if part != "E_flame" and isinstance(parts[part], Mapping)
        for name in _tensors(parts[part])
    )
    left = tuple(f"temporal.{name}" for name in coarse.temporal.state_dict())
    others = [name for name in parts if name != "E_flame"]
    sentence = (
        f"{path.name}: E_flame starts the picture encoder of E_c{also}; its rows for expression and"
        f" jaw, and {', '.join(others) or 'nothing else'}, are not used."
    )
    return Loaded(tuple(f"E_flame.{name}" for name in flame), unused, left, sentence)


def load_imagenet(path: Path, backbone: ResNet | MobileNetV2) -> Loaded:
    """Start a backbone from torchvision's classifier; its last layer is left out.

    Raises:
        AVFaceError: The file is of another network, or isn't safe.
    """
    tensors = _tensors(read_checkpoint(path))
    mine = backbone.state_dict()
    used = {name: value for name, value in tensors.items() if name in mine}
    unused = tuple(name for name in tensors if name not in mine)
    foreign = [name for name in unused if not name.startswith(("fc.", "classifier."))]
    if foreign or not used:
        raise AVFaceError(
            f"{path.name} is not of a {type(backbone).__name__}"
            f" (it holds {foreign[0] if foreign else 'none of its tensors'}).",
            "Choose torchvision's file of the network that the configuration names.",
        )
    _check_fit(path, used, backbone)
    backbone.load_state_dict(used, strict=True)
    sentence = f"{path.name}: {len(used)} tensors used; the classifier is not."
    return Loaded(tuple(used), unused, (), sentence)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's dictionary, by safetensors or a pickle that can build tensors and no more.

    Raises:
        AVFaceError: It can't be read, or it wants to run something.
    """
    if not path.is_file():
        raise AVFaceError(f"There is no file at {path}.", "Check the path.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        content = _read_guarded(path)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _not_weights(path) from error
    if not isinstance(content, Mapping):
        raise _not_weights(path)
    return dict(content)


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise _not_weights(path) from error


def _read_guarded(path: Path) -> Any:
    """By our own unpickler; a tar of torch before 0.1.10 can't be read even so."""
    if tarfile.is_tarfile(path):
        raise AVFaceError(
            f"{path.name} is an archive of a torch older than 0.1.10.",
            "Load it there and save its state dict again, or as safetensors.",
        )
    try:
        guarded = SimpleNamespace(Unpickler=_Unpickler, load=_load, __name__="guarded")
        return torch.load(path, map_location="cpu", weights_only=False, pickle_module=guarded)
    except _RefusedError as error:
        raise AVFaceError(
            f"{path.name} was not opened: it wants to run {error}, which weights have no need of.",
            "Use a file from its authors, or its tensors as safetensors.",
        ) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError,
            AttributeError, TypeError, IndexError, zipfile.BadZipFile) as error:  # fmt: skip
        raise _not_weights(path) from error


class _RefusedError(Exception):
    """A pickle names something that isn't a tensor or a plain container."""


class _Shell:
    """Stands for a settings object: takes anything, does nothing, holds nothing."""

    def __new__(cls, *arguments: Any, **keywords: Any) -> "_Shell":
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """Whatever the pickle passes is dropped."""

    def __setstate__(self, state: Any) -> None:
        """Whatever the pickle passes is dropped."""

    def __setitem__(self, name: Any, value: Any) -> None:
        """Whatever the pickle passes is dropped."""


class _Unpickler(pickle.Unpickler):
    """Finds tensors' builders, storages and ordered dictionaries; refuses the rest."""

    def find_class(self, module: str, name: str) -> Any:
        """The few things that weights are made of."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) in _TENSOR_BUILDERS:
            return getattr(torch_utils, name)
        if module == "torch" and name in _STORAGES:
            return getattr(torch, name)
        if (module, name) == ("torch", "Size"):
            return torch.Size
        if (module, name) in _SHELLS:
            return _Shell
        raise _RefusedError(f"{module}.{name}")


def _load(file: IO[bytes], **keywords: Any) -> Any:
    return _Unpickler(file, **keywords).load()


def _not_weights(path: Path) -> AVFaceError:
    return AVFaceError(
        f"{path.name} is no file of weights that can be read.",
        "Choose a torch checkpoint or a .safetensors file.",
    )


def _tensors(part: Any) -> dict[str, Tensor]:
    if not isinstance(part, Mapping):
        return {}
    if isinstance(part.get("state_dict"), Mapping):
        part = part["state_dict"]
    return {
        str(name).removeprefix("module."): value
        for name, value in part.items()
        if isinstance(value, Tensor)
    }


def _deca_name(name: str) -> str:
    """DECA's ResnetEncoder is (encoder, layers); ours is (backbone, layers)."""
    return f"backbone.{name.removeprefix('encoder.')}" if name.startswith("encoder.") else name


def _coarse_rows() -> Tensor:
    """Rows of DECA's 236 that c has, in c's order."""
    starts, start = {}, 0
    for name, size in DECA_PARTS.items():
        starts[name], start = start, start + size
    return torch.cat([torch.arange(DECA_PARTS[name]) + starts[name] for name in _COARSE_PARTS])


def _check_fit(path: Path, tensors: dict[str, Tensor], network: nn.Module) -> None:
    """Say which tensor is missing, foreign or of another size."""
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in tensors]
    foreign = [name for name in tensors if name not in wanted]
    other = [
        name for name, v in tensors.items() if name in wanted and v.shape != wanted[name].shape
    ]
    for names, words in ((missing, "lacks"), (foreign, "has no place for"), (other, "differs in")):
        if names:
            whose = "the network" if names is foreign else path.name
            raise AVFaceError(
                f"{path.name} doesn't fit: {whose} {words} {names[0]}"
                f"{f' and {len(names) - 1} more' if len(names) > 1 else ''}.",
                "Choose weights of the network that the configuration names.",
            )


def _fits(tensors: dict[str, Tensor], network: nn.Module) -> bool:
    """Whether these are a network's tensors, all of them and no other."""
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    return {name: value.shape for name, value in tensors.items()} == wanted
