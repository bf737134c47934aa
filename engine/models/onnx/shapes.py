"""ONNX's operators that move numbers: shapes, pieces, places."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .setting import Setting

_MODES = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}


def _shape(setting: Setting, x: Tensor) -> Tensor:
    sizes = list(x.shape)[setting.get("start", 0) : setting.get("end")]
    return torch.tensor(sizes, dtype=torch.int64)


def _reshape(setting: Setting, x: Tensor, shape: Tensor | None = None) -> Tensor:
    sizes = setting.integers("shape", shape)
    assert sizes is not None
    if not setting.get("allowzero", 0):
        sizes = [x.shape[k] if size == 0 else size for k, size in enumerate(sizes)]
    return x.reshape(sizes)


def _flatten(setting: Setting, x: Tensor) -> Tensor:
    axis = setting.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    rows = int(torch.tensor(x.shape[:axis]).prod()) if axis else 1
    return x.reshape(rows, -1)


def _transpose(setting: Setting, x: Tensor) -> Tensor:
    return x.permute(setting.integers("perm") or list(range(x.ndim))[::-1])


def _squeeze(setting: Setting, x: Tensor, axes: Tensor | None = None) -> Tensor:
    over = setting.integers("axes", axes)
    return x.squeeze() if over is None else x.squeeze(tuple(over))


def _unsqueeze(setting: Setting, x: Tensor, axes: Tensor | None = None) -> Tensor:
    over = setting.integers("axes", axes) or []
    for axis in sorted(a % (x.ndim + len(over)) for a in over):
        x = x.unsqueeze(axis)
    return x


def _concat(setting: Setting, *values: Tensor) -> Tensor:
    return torch.cat(values, setting.get("axis"))


def _split(setting: Setting, x: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    axis, parts = setting.get("axis", 0), setting.integers("split", sizes)
    if parts is None:
        count = setting.get("num_outputs", setting.outputs)
        return x.split(-(-x.shape[axis] // count), axis)
    return x.split(parts, axis)


def _slice(setting: Setting, x: Tensor, *given: Tensor | None) -> Tensor:
    starts, ends, axes, steps = (
        setting.integers(name, value)
        for name, value in zip(
            ("starts", "ends", "axes", "steps"), (*given, *[None] * (4 - len(given))), strict=True
        )
    )
    assert starts is not None and ends is not None
    axes = list(range(len(starts))) if axes is None else axes
    for start, end, axis, step in zip(starts, ends, axes, steps or [1] * len(axes), strict=True):
        places = range(x.shape[axis])[slice(start, _end(end, step, x.shape[axis]), step)]
        if places == range(x.shape[axis]):
            continue
        if step > 0:
            x = x[(slice(None),) * (axis % x.ndim) + (slice(places.start, places.stop, step),)]
        else:
            x = x.index_select(axis, torch.tensor(list(places), device=x.device, dtype=torch.long))
    return x


def _end(end: int, step: int, size: int) -> int | None:
    """An end before the first place, told as a number, which Python counts from the back."""
    return None if step < 0 and end < -size else end


def _gather(setting: Setting, x: Tensor, places: Tensor) -> Tensor:
    axis = setting.get("axis", 0) % x.ndim
    places = places.to(x.device, torch.int64)
    places = torch.where(places < 0, places + x.shape[axis], places)
    picked = x.index_select(axis, places.reshape(-1))
    return picked.reshape(x.shape[:axis] + places.shape + x.shape[axis + 1 :])


def _gather_elements(setting: Setting, x: Tensor, places: Tensor) -> Tensor:
    axis = setting.get("axis", 0)
    places = places.to(x.device, torch.int64)
    return x.gather(axis, torch.where(places < 0, places + x.shape[axis], places))


def _expand(_: Setting, x: Tensor, shape: Tensor) -> Tensor:
    return x.expand(torch.broadcast_shapes(x.shape, shape.tolist()))


def _pad(setting: Setting, x: Tensor, *given: Tensor | None) -> Tensor:
    pads, value, axes = (*given, *[None] * (3 - len(given)))
    sizes = setting.integers("pads", pads)
    assert sizes is not None
    over = range(x.ndim) if axes is None else [a % x.ndim for a in axes.tolist()]
    pairs = [(0, 0)] * x.ndim
    for k, axis in enumerate(over):
        pairs[axis] = sizes[k], sizes[k + len(sizes) // 2]
    mode = _MODES[setting.get("mode", "constant")]
    if mode == "constant":
        flat = [size for pair in reversed(pairs) for size in pair]
        return functional.pad(x, flat, value=setting.number("value", value, 0.0))
    kept = sum(pair == (0, 0) for pair in pairs[:2])
    if kept < 2 or any(size < 0 for pair in pairs for size in pair):
        raise ValueError("it pads across channels, which isn't known here")
    return functional.pad(x, [size for pair in reversed(pairs[2:]) for size in pair], mode=mode)


def _range(_: Setting, start: Tensor, limit: Tensor, step: Tensor) -> Tensor:
    return torch.arange(start.item(), limit.item(), step.item(), dtype=start.dtype)


def _constant_of_shape(setting: Setting, shape: Tensor) -> Tensor:
    value = setting.get("value")
    filled = torch.zeros(1) if value is None else torch.from_numpy(value)
    return filled.reshape(()).expand(shape.tolist()).clone()


def _trilu(setting: Setting, x: Tensor, k: Tensor | None = None) -> Tensor:
    offset = 0 if k is None else int(k.item())
    return x.triu(offset) if setting.get("upper", 1) else x.tril(offset)


def _top(setting: Setting, x: Tensor, k: Tensor | None = None) -> tuple[Tensor, Tensor]:
    count = int(setting.number("k", k, None))
    largest, ordered = bool(setting.get("largest", 1)), bool(setting.get("sorted", 1))
    values, places = x.topk(count, setting.get("axis", -1), largest, ordered)
    return values, places


def _depth_to_space(setting: Setting, x: Tensor) -> Tensor:
    count, channels, height, width = x.shape
    side = setting.get("blocksize")
    if setting.get("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(x, side)
    parts = x.reshape(count, side, side, channels // side**2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(count, -1, height * side, width * side)


def _space_to_depth(setting: Setting, x: Tensor) -> Tensor:
    count, channels, height, width = x.shape
    side = setting.get("blocksize")
    if setting.get("mode", "DCR") == "CRD":
        return functional.pixel_unshuffle(x, side)
    parts = x.reshape(count, channels, height // side, side, width // side, side)
    return parts.permute(0, 3, 5, 1, 2, 4).reshape(count, -1, height // side, width // side)


SHAPES: dict[str, Callable[..., Any]] = {
    "Shape": _shape,
    "Size": lambda _, x: torch.tensor(x.numel()),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Expand": _expand,
    "Tile": lambda _, x, repeats: x.repeat(repeats.tolist()),
    "Pad": _pad,
    "Range": _range,
    "ConstantOfShape": _constant_of_shape,
    "Trilu": _trilu,
    "TopK": _top,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
}
