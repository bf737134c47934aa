"""What an ONNX operator is told beside its inputs."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Setting:
    """Attributes of a node, the version of ONNX's operators, and how many outputs are wanted."""

    attributes: dict[str, Any]
    opset: int
    outputs: int = 1

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(name, default)

    def integers(self, name: str, given: Tensor | None = None) -> list[int] | None:
        """Numbers that came in, or the attribute that they were in earlier versions."""
        if given is not None:
            return [int(value) for value in given.reshape(-1).tolist()]
        told = self.attributes.get(name)
        return None if told is None else [int(value) for value in told]

    def number(self, name: str, given: Tensor | None, default: Any) -> Any:
        """One number that came in, or the attribute that it was in earlier versions."""
        return self.attributes.get(name, default) if given is None else given.item()
