"""Mozilla DeepSpeech's two released networks, built from their graphs' constants.

0.1.0: three dense layers, a bidirectional LSTM (BasicLSTMCell: forget bias 1 added at run time),
two dense layers. 0.9: the same with one forward LSTM (forget bias 0). Dense layers but the last
end in min(relu, 20). Input: 19 frames of 26 coefficients; output: 29 logits (space, a to z,
apostrophe, blank).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

LETTERS = " abcdefghijklmnopqrstuvwxyz'"  # and the blank after them
INPUTS, OUTPUTS = 494, len(LETTERS) + 1
_LAYERS = (1, 2, 3, 5, 6)
_FORWARD = "bidirectional_rnn/fw/basic_lstm_cell/"
_BACKWARD = "bidirectional_rnn/bw/basic_lstm_cell/"
_CUDNN = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell/"


@dataclass(frozen=True)
class _Layout:
    """What a release calls its weights."""

    dense: tuple[tuple[str, str], ...]
    cells: tuple[str, ...]
    forget_bias: float


_LAYOUTS: dict[str, _Layout] = {
    "0.1": _Layout(tuple((f"h{n}", f"b{n}") for n in _LAYERS), (_FORWARD, _BACKWARD), 1.0),
    "0.9": _Layout(
        tuple((f"layer_{n}/weights", f"layer_{n}/bias") for n in _LAYERS), (_CUDNN,), 0.0
    ),
}


class DeepSpeech(nn.Module):
    """Windows of coefficients -> logits of letters."""

    def __init__(self, constants: dict[str, np.ndarray]) -> None:
        """Raises ValueError with a list of what differs from a released graph."""
        super().__init__()
        self.release: Literal["0.1", "0.9"] = "0.1" if "h1" in constants else "0.9"
        layout = _LAYOUTS[self.release]
        _check(constants, layout)
        self.dense = nn.ModuleList()
        for weight, bias in layout.dense:
            layer = nn.Linear(*constants[weight].shape)
            layer.weight = nn.Parameter(_tensor(constants[weight].T), requires_grad=False)
            layer.bias = nn.Parameter(_tensor(constants[bias]), requires_grad=False)
            self.dense.append(layer)
        kernel = constants[layout.cells[0] + "kernel"]
        width = kernel.shape[1] // 4
        self.lstm = nn.LSTM(len(kernel) - width, width, bidirectional=len(layout.cells) == 2)
        for cell, suffix in zip(layout.cells, ("", "_reverse"), strict=False):
            self._load_cell(
                constants[cell + "kernel"], constants[cell + "bias"], layout.forget_bias, suffix
            )

    @torch.inference_mode()
    def forward(self, windows: Tensor) -> Tensor:
        """(A, 494) -> (A, 29) logits before the softmax."""
        hidden = windows
        for layer in list(self.dense)[:3]:
            hidden = layer(hidden).clamp(0, 20)
        hidden, _ = self.lstm(hidden)
        hidden = self.dense[3](hidden).clamp(0, 20)
        return self.dense[4](hidden)

    def _load_cell(
        self, kernel: np.ndarray, bias: np.ndarray, forget_bias: float, suffix: str
    ) -> None:
        """TensorFlow's gates i, j, f, o of concat([x, h]) become torch's i, f, g, o."""
        i, j, f, o = np.split(np.asarray(kernel, np.float32), 4, 1)
        of_i, of_j, of_f, of_o = np.split(np.asarray(bias, np.float32), 4)
        weights = np.concatenate([i, f, j, o], 1).T  # (4 H, inputs + H)
        inputs = self.lstm.input_size
        values = {
            "weight_ih_l0": weights[:, :inputs],
            "weight_hh_l0": weights[:, inputs:],
            "bias_ih_l0": np.concatenate([of_i, of_f + forget_bias, of_j, of_o]),
            "bias_hh_l0": np.zeros(len(weights)),
        }
        for name, value in values.items():
            parameter = nn.Parameter(_tensor(value), requires_grad=False)
            setattr(self.lstm, name + suffix, parameter)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32, order="C"))


def _check(constants: dict[str, np.ndarray], layout: _Layout) -> None:
    """Every weight is there and fits its neighbours; ValueError says what doesn't."""
    shapes = {name: array.shape for name, array in constants.items()}
    wrong: list[str] = []

    def fits(name: str, *sizes: int | None) -> tuple[int, ...] | None:
        shape = shapes.get(name)
        wanted = " x ".join("any" if s is None else str(s) for s in sizes)
        if shape is None:
            wrong.append(f"{name} is missing ({wanted})")
        elif len(shape) != len(sizes) or any(
            s is not None and s != n for s, n in zip(sizes, shape, strict=True)
        ):
            wrong.append(f"{name} is {' x '.join(map(str, shape))} instead of {wanted}")
            return None
        return shape

    width: int | None = INPUTS
    for place, (weight, bias) in enumerate(layout.dense):
        if place == 3:  # after the recurrent layer
            width = _check_cells(layout, fits, width)
        outputs = OUTPUTS if place == 4 else None
        shape = fits(weight, width, outputs)
        width = shape[1] if shape else None
        fits(bias, width)
    if wrong:
        large = [f"{n} {s}" for n, s in shapes.items() if np.prod(s, dtype=float) > 16][:20]
        raise ValueError("; ".join(wrong) + ". Found: " + (", ".join(large) or "no weights"))


def _check_cells(
    layout: _Layout, fits: Callable[..., tuple[int, ...] | None], width: int | None
) -> int | None:
    """The recurrent layer's checks; the width of what it gives."""
    outputs: int | None = 0
    for cell in layout.cells:
        shape = fits(cell + "kernel", None, None)
        hidden = shape[1] // 4 if shape else None
        if hidden and width:
            fits(cell + "kernel", width + hidden, 4 * hidden)
        fits(cell + "bias", 4 * hidden if hidden else None)
        outputs = outputs + hidden if outputs is not None and hidden else None
    return outputs
