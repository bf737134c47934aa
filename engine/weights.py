"""What the product carries: files named in `weights/registry.toml`, verified before use."""

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .exchange.head_file import HeadFile, file_sha256, head_sha256, load_head_file
from .exchange.protocol import AVFaceError

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = Path(__file__).parent.parent / "weights"

_used: dict[str, str] = {}


@cache
def registry() -> dict[str, dict]:
    """name -> row (file, sha256, bytes, licence, ...)."""
    return tomllib.loads((FOLDER / "registry.toml").read_text(encoding="utf-8"))


def locate(name: str) -> Path:
    """The path of a registered file; its sha256 is checked. Raises AVFaceError."""
    row = registry()[name]
    path = FOLDER / row["file"]
    if not path.is_file() or file_sha256(path) != row["sha256"]:
        raise AVFaceError(
            f"{path} is missing or damaged.", "Install AVFace again: the file comes with it."
        )
    _used[name] = row["sha256"]
    return path


def used_weights() -> dict[str, str]:
    """name -> sha256 of every registered file that this process has asked for."""
    return dict(sorted(_used.items()))


def load_head(path: Path | None = None) -> HeadFile:
    """A head file of the user's, or the default head."""
    return load_head_file(path if path else locate("head_default"))


@cache
def default_head_sha256() -> str:
    """What takes and networks call the default head by."""
    return head_sha256(locate("head_default"))


def load_network(name: str) -> "tuple[dict[str, Tensor], dict[str, str]]":
    """The tensors of a registered safetensors file and what its header says about them.

    Half precision saves room in the file: a network's own numbers stay what they are as it loads
    them. The sha256 is checked. Raises AVFaceError.
    """
    from safetensors import safe_open

    with safe_open(locate(name), framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return tensors, dict(file.metadata() or {})
