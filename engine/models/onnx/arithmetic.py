"""ONNX's operators that work number by number, that compare, and that reduce."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .setting import Setting

_TYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32,
    7: torch.int64, 9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip


def together(*values: Tensor) -> tuple[Tensor, ...]:
    """Tensors on one device: sizes and single numbers lie on the CPU, where they are read."""
    device = next((v.device for v in values if v.device.type != "cpu"), values[0].device)
    return tuple(value.to(device) for value in values)


def _plain(work: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """An operator without a setting."""
    return lambda _, *values: work(*together(*values))


def _folded(work: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """An operator on any number of tensors."""
    return lambda _, *values: reduce(work, together(*values))


def _divide(a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def _modulo(setting: Setting, a: Tensor, b: Tensor) -> Tensor:
    a, b = together(a, b)
    return torch.fmod(a, b) if setting.get("fmod", 0) else torch.remainder(a, b)


def _power(_: Setting, a: Tensor, b: Tensor) -> Tensor:
    a, b = together(a, b)
    return torch.pow(a, b).to(a.dtype)


def _clip(
    setting: Setting, x: Tensor, low: Tensor | None = None, high: Tensor | None = None
) -> Tensor:
    least, most = setting.number("min", low, None), setting.number("max", high, None)
    return x if least is None and most is None else x.clamp(least, most)


def _softmax(work: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(setting: Setting, x: Tensor) -> Tensor:
        if setting.opset >= 13:
            return work(x, setting.get("axis", -1))
        axis = setting.get("axis", 1) % x.ndim  # over all from there on
        return work(x.flatten(axis), -1).view_as(x)

    return run


def _gelu(setting: Setting, x: Tensor) -> Tensor:
    return functional.gelu(x, approximate=setting.get("approximate", "none"))


def _hard_sigmoid(setting: Setting, x: Tensor) -> Tensor:
    return (setting.get("alpha", 0.2) * x + setting.get("beta", 0.5)).clamp(0, 1)


def _selu(setting: Setting, x: Tensor) -> Tensor:
    alpha, gamma = setting.get("alpha", 1.6732632), setting.get("gamma", 1.0507010)
    return gamma * functional.elu(x, alpha)


def _prelu(_: Setting, x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x < 0, slope * x, x)


def _where(_: Setting, condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(*together(condition, a, b))


def _cast(setting: Setting, x: Tensor) -> Tensor:
    kind = setting.get("to")
    if kind not in _TYPES:
        raise ValueError(f"numbers of the type {kind}")
    return x.to(_TYPES[kind])


def _cumulate(setting: Setting, x: Tensor, axis: Tensor) -> Tensor:
    along = int(axis.item())
    x = x.flip(along) if setting.get("reverse", 0) else x
    total = x.cumsum(along).to(x.dtype)
    total = total - x if setting.get("exclusive", 0) else total
    return total.flip(along) if setting.get("reverse", 0) else total


def _reduced(work: Callable[..., Tensor], before: Callable[[Tensor], Tensor] | None = None) -> Any:
    """A reduction over axes: attribute or input, all of them where none is named."""

    def run(setting: Setting, x: Tensor, axes: Tensor | None = None) -> Tensor:
        over = setting.integers("axes", axes)
        if not over:
            if setting.get("noop_with_empty_axes", 0):
                return x if before is None else before(x)
            over = list(range(x.ndim))
        x = x if before is None else before(x)
        return work(x, tuple(over), bool(setting.get("keepdims", 1))) if over else x

    return run


def _product(x: Tensor, over: tuple[int, ...], keep: bool) -> Tensor:
    for axis in sorted((a % x.ndim for a in over), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def _sum(x: Tensor, over: tuple[int, ...], keep: bool) -> Tensor:
    return x.sum(over, keep, dtype=x.dtype)


def _found(largest: bool) -> Callable[..., Tensor]:
    """Where the largest or the smallest number lies."""

    def run(setting: Setting, x: Tensor) -> Tensor:
        axis, keep = setting.get("axis", 0), bool(setting.get("keepdims", 1))
        last = bool(setting.get("select_last_index", 0))
        x = x.flip(axis) if last else x
        index = (x.argmax if largest else x.argmin)(axis, keepdim=keep)
        return x.shape[axis] - 1 - index if last else index

    return run


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "Identity": lambda _, x: x,
    "Dropout": lambda _, x, *rest: (x, torch.ones_like(x, dtype=torch.bool)),
    "Relu": _plain(torch.relu), "Sigmoid": _plain(torch.sigmoid), "Tanh": _plain(torch.tanh),
    "Exp": _plain(torch.exp), "Log": _plain(torch.log), "Sqrt": _plain(torch.sqrt),
    "Neg": _plain(torch.neg), "Abs": _plain(torch.abs), "Erf": _plain(torch.erf),
    "Floor": _plain(torch.floor), "Ceil": _plain(torch.ceil), "Round": _plain(torch.round),
    "Sign": _plain(torch.sign), "Sin": _plain(torch.sin), "Cos": _plain(torch.cos),
    "Reciprocal": _plain(torch.reciprocal), "Softplus": _plain(functional.softplus),
    "Softsign": _plain(functional.softsign), "HardSwish": _plain(functional.hardswish),
    "Mish": _plain(functional.mish), "Not": _plain(torch.logical_not),
    "IsNaN": _plain(torch.isnan), "Gelu": _gelu, "HardSigmoid": _hard_sigmoid, "Selu": _selu,
    "LeakyRelu": lambda s, x: functional.leaky_relu(x, s.get("alpha", 0.01)),
    "Elu": lambda s, x: functional.elu(x, s.get("alpha", 1.0)),
    "Celu": lambda s, x: functional.celu(x, s.get("alpha", 1.0)),
    "Clip": _clip, "PRelu": _prelu, "Softmax": _softmax(torch.softmax),
    "LogSoftmax": _softmax(torch.log_softmax), "Where": _where, "Cast": _cast,
    "Add": _plain(torch.add), "Sub": _plain(torch.sub), "Mul": _plain(torch.mul),
    "Div": _plain(_divide), "Pow": _power, "Mod": _modulo,
    "Max": _folded(torch.maximum), "Min": _folded(torch.minimum), "Sum": _folded(torch.add),
    "Mean": lambda _, *values: reduce(torch.add, together(*values)) / len(values),
    "Equal": _plain(torch.eq), "Greater": _plain(torch.gt), "Less": _plain(torch.lt),
    "GreaterOrEqual": _plain(torch.ge), "LessOrEqual": _plain(torch.le),
    "And": _plain(torch.logical_and), "Or": _plain(torch.logical_or),
    "Xor": _plain(torch.logical_xor), "MatMul": _plain(torch.matmul),
    "Einsum": lambda s, *values: torch.einsum(s.get("equation"), *together(*values)),
    "CumSum": _cumulate, "ArgMax": _found(True), "ArgMin": _found(False),
    "ReduceMean": _reduced(torch.mean), "ReduceSum": _reduced(_sum),
    "ReduceMax": _reduced(torch.amax), "ReduceMin": _reduced(torch.amin),
    "ReduceProd": _reduced(_product), "ReduceL1": _reduced(_sum, torch.abs),
    "ReduceL2": _reduced(lambda x, over, keep: _sum(x * x, over, keep) ** 0.5),
    "ReduceSumSquare": _reduced(_sum, torch.square),
    "ReduceLogSumExp": _reduced(torch.logsumexp),
}  # fmt: skip
