"""ONNX's recurrent layers: GRU and LSTM as PyTorch exports them, one layer, one or two ways."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .setting import Setting

_GRU, _LSTM = 3, 4  # gates


def _gru(setting: Setting, x: Tensor, w: Tensor, r: Tensor, *rest: Tensor | None):
    bias, lengths, first, *_ = *rest, None, None, None
    ways = _ways(setting, w, lengths)
    after = bool(setting.get("linear_before_reset", 0))

    def step(way: int, given: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h = state[0]
        (wz, wr, wh), (rz, rr, rh) = w[way].chunk(_GRU), r[way].chunk(_GRU)
        b = w.new_zeros(2 * len(w[way])) if bias is None else bias[way]
        bz, br, bh, cz, cr, ch = b.chunk(2 * _GRU)
        update = torch.sigmoid(functional.linear(given, wz, bz) + functional.linear(h, rz, cz))
        reset = torch.sigmoid(functional.linear(given, wr, br) + functional.linear(h, rr, cr))
        if after:
            heard = reset * functional.linear(h, rh, ch)
        else:
            heard = functional.linear(reset * h, rh, ch)
        new = torch.tanh(functional.linear(given, wh, bh) + heard)
        return ((1 - update) * new + update * h,)

    return _run(setting, ways, x, step, (_state(first, x, r),))


def _lstm(setting: Setting, x: Tensor, w: Tensor, r: Tensor, *rest: Tensor | None):
    bias, lengths, first, cell, peep, *_ = *rest, None, None, None, None, None
    ways = _ways(setting, w, lengths)
    if peep is not None or setting.get("input_forget", 0):
        raise ValueError("an LSTM with peepholes isn't known here")

    def step(way: int, given: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h, c = state
        told = functional.linear(given, w[way]) + functional.linear(h, r[way])
        if bias is not None:
            told = told + sum(bias[way].chunk(2))
        enter, leave, forget, new = told.chunk(_LSTM, -1)  # ONNX's order
        c = torch.sigmoid(forget) * c + torch.sigmoid(enter) * torch.tanh(new)
        return torch.sigmoid(leave) * torch.tanh(c), c

    return _run(setting, ways, x, step, (_state(first, x, r), _state(cell, x, r)))


def _ways(setting: Setting, w: Tensor, lengths: Tensor | None) -> int:
    """How many directions; refuses what PyTorch doesn't export."""
    known = {"Sigmoid", "Tanh"}
    if set(setting.get("activations") or known) - known or setting.get("clip"):
        raise ValueError("a recurrent layer of other functions isn't known here")
    if lengths is not None or setting.get("layout", 0):
        raise ValueError("a recurrent layer of unlike lengths isn't known here")
    return len(w)


def _state(first: Tensor | None, x: Tensor, r: Tensor) -> Tensor:
    """(ways, B, hidden): what a direction begins with."""
    return x.new_zeros(len(r), x.shape[1], r.shape[-1]) if first is None else first


def _run(
    setting: Setting,
    ways: int,
    x: Tensor,
    step: Callable[[int, Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]],
    first: tuple[Tensor, ...],
) -> tuple[Tensor, ...]:
    """(T, B, C) -> all outputs (T, ways, B, hidden), then the last of each state."""
    heard, last = [], []
    for way in range(ways):
        state, steps = tuple(part[way] for part in first), []
        backwards = way == 1 or setting.get("direction", "forward") == "reverse"
        for given in x.flip(0) if backwards else x:
            state = step(way, given, state)
            steps.append(state[0])
        told = torch.stack(steps)
        heard.append(told.flip(0) if backwards else told)
        last.append(state)
    return torch.stack(heard, 1), *(torch.stack(part) for part in zip(*last, strict=True))


RECURRENT: dict[str, Callable[..., Any]] = {"GRU": _gru, "LSTM": _lstm}
