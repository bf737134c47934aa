"""A graphics card that is none: tensors know on which side they stand, the CPU does the work.

Where code forgets to carry a tensor over, or reads one that lies on the card as an array, this
fails as a card would; the numbers must be the CPU's own. So one test serves machines without one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from engine.device import compute_device

CARD = torch.device("cuda:0")
# torch's own names, which its stubs don't tell
_SHALLOW = getattr(torch, "_has_compatible_shallow_copy_type")  # noqa: B009
_PARSE_TO = getattr(torch._C, "_nn")._parse_to  # noqa: B009
_DEVICE, _SET_DATA = getattr(Tensor, "device").__get__, getattr(Tensor, "data").__set__  # noqa: B009
_AS_ARRAYS = (Tensor.numpy, Tensor.__array__)
_CARRIES = (Tensor.to, Tensor.copy_, _SHALLOW)
_BY_INDEX = (Tensor.__getitem__, Tensor.__setitem__)


def is_on_card(tensor: Tensor) -> bool:
    """Whether it was carried to the card, or made of what was."""
    return getattr(tensor, "on_card", False)


@contextmanager
def pretend_card(*kept: Callable[[], Any]) -> Iterator[None]:
    """Within, `cuda` is a place for tensors, and the engine's.

    Args:
        kept: Cached functions that keep a network: they load another within, and again after.
    """
    found = torch.cuda.is_available, torch.cuda.device_count
    torch.cuda.is_available, torch.cuda.device_count = (lambda: True), (lambda: 1)
    _forget(kept)
    try:
        with _Card():
            yield
    finally:
        torch.cuda.is_available, torch.cuda.device_count = found
        _forget(kept)


def _forget(kept: tuple[Callable[[], Any], ...]) -> None:
    for function in (compute_device, *kept):
        function.cache_clear()  # type: ignore[attr-defined]


class _Card(TorchFunctionMode):
    """Strips `cuda` from what is asked of torch, and marks what comes back."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is _PARSE_TO:  # a module's own: its tensors come by one by one
            return func(*args, **kwargs)
        if func == _DEVICE:
            return CARD if is_on_card(args[0]) else func(*args)
        if func in _AS_ARRAYS and is_on_card(args[0]):
            raise TypeError("can't convert a tensor on the card to numpy: carry it over first")
        if func is Tensor.cpu:
            return _mark(args[0].clone(), False)
        if func == _SET_DATA:
            func(*args)
            return _mark(args[0], is_on_card(args[1]))
        goal, args, kwargs = _goal(func, args, kwargs)
        if goal is None:
            goal = _side(func, args, kwargs)
        result = func(*args, **kwargs)
        if func is Tensor.to and goal and result is args[0]:
            result = result.clone()  # carried over: another tensor
        return _mark(result, goal)


def _goal(func: Any, args: tuple, kwargs: dict) -> tuple[bool | None, tuple, dict]:
    """The side that a call names, if it does, and the call without the card's name."""
    goal = None
    if func is Tensor.to and len(args) > 1 and isinstance(args[1], Tensor):
        return is_on_card(args[1]), args, kwargs
    rest = []
    for value in args:
        if isinstance(value, torch.device) or (func is Tensor.to and isinstance(value, str)):
            goal = torch.device(value).type == "cuda"
            value = torch.device("cpu")
        rest.append(value)
    if kwargs.get("device") is not None:
        goal = torch.device(kwargs["device"]).type == "cuda"
        kwargs["device"] = torch.device("cpu")
    return goal, tuple(rest), kwargs


def _side(func: Any, args: tuple, kwargs: dict) -> bool:
    """Where a result stands by what it is made of. Raises RuntimeError where sides are mixed."""
    if func in _CARRIES:
        return is_on_card(args[0])
    tensors = list(_tensors((args, kwargs)))
    if func in _BY_INDEX and is_on_card(args[0]):  # an index may lie on the CPU
        tensors = [args[0], *_tensors(args[2:])]
    sides = {is_on_card(tensor) for tensor in tensors if tensor.dim()}
    if len(sides) > 1:
        raise RuntimeError(f"{func.__name__}: tensors on the card and on the CPU at once")
    return any(is_on_card(tensor) for tensor in tensors)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)


def _mark(result: Any, on_card: bool) -> Any:
    for tensor in _tensors(result):
        tensor.on_card = on_card  # type: ignore[attr-defined]
    return result
