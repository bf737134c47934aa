"""ONNX's layers: convolutions, pools, normalisations, scaling of pictures."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .setting import Setting

_CONVOLUTIONS = functional.conv1d, functional.conv2d, functional.conv3d
_TRANSPOSED = (
    functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d,
)  # fmt: skip
_POOLS = functional.max_pool1d, functional.max_pool2d, functional.max_pool3d
_MEANS = functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d
_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def _conv(setting: Setting, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    n = x.ndim - 2
    stride, dilation = _ones(setting, "strides", n), _ones(setting, "dilations", n)
    x, pads = _padded(setting, x, list(weight.shape[2:]), stride, dilation)
    return _CONVOLUTIONS[n - 1](x, weight, bias, stride, pads, dilation, setting.get("group", 1))


def _conv_transposed(
    setting: Setting, x: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    n = x.ndim - 2
    stride, dilation = _ones(setting, "strides", n), _ones(setting, "dilations", n)
    if setting.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or setting.get("output_shape"):
        raise ValueError("a transposed convolution whose edges follow its size isn't known here")
    added, pads = setting.get("output_padding") or [0] * n, setting.get("pads") or [0] * 2 * n
    groups, work = setting.get("group", 1), _TRANSPOSED[n - 1]
    out = work(x, weight, bias, stride, 0, 0, groups, dilation)
    # what is added at the end only undoes what would be cut there, and beyond that is the bias
    end = [extra - cut for extra, cut in zip(added, pads[n:], strict=True)]
    if any(extra > 0 for extra in end):
        out = work(x, weight, bias, stride, 0, added, groups, dilation)
        end = [-cut for cut in pads[n:]]
    flat = [size for k in reversed(range(n)) for size in (-pads[k], end[k])]
    return functional.pad(out, flat)


def _max_pool(setting: Setting, x: Tensor) -> Tensor:
    n, kernel = x.ndim - 2, setting.get("kernel_shape")
    stride, dilation = _ones(setting, "strides", n), _ones(setting, "dilations", n)
    if setting.outputs > 1:
        raise ValueError("a maximum's place isn't known here")
    x, pads = _padded(setting, x, kernel, stride, dilation, -math.inf)
    return _POOLS[n - 1](x, kernel, stride, pads, dilation, bool(setting.get("ceil_mode", 0)))


def _mean_pool(setting: Setting, x: Tensor) -> Tensor:
    n, kernel = x.ndim - 2, setting.get("kernel_shape")
    stride = _ones(setting, "strides", n)
    if any(size != 1 for size in setting.get("dilations") or ()):
        raise ValueError("a mean of places apart isn't known here")
    ceil, counts = bool(setting.get("ceil_mode", 0)), bool(setting.get("count_include_pad", 0))
    filled, pads = _padded(setting, x, kernel, stride, [1] * n)
    work = _MEANS[n - 1]
    if any(pads) or filled is x:
        return work(filled, kernel, stride, pads, ceil, counts)
    whole = torch.ones_like(x[:1, :1])
    within, _ = _padded(setting, whole, kernel, stride, [1] * n, float(counts))
    return work(filled, kernel, stride, 0, ceil) / work(within, kernel, stride, 0, ceil)


def _padded(
    setting: Setting,
    x: Tensor,
    kernel: list[int],
    stride: list[int],
    dilation: list[int],
    value: float = 0.0,
) -> tuple[Tensor, list[int]]:
    """A picture with what its layer can't put round it, and what its layer still has to."""
    n, pads = len(kernel), setting.get("pads")
    auto = setting.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        first, last = [], []
        for k in range(n):
            size, reach = x.shape[2 + k], dilation[k] * (kernel[k] - 1) + 1
            total = max((-(-size // stride[k]) - 1) * stride[k] + reach - size, 0)
            less, more = total // 2, total - total // 2
            first.append(less if auto == "SAME_UPPER" else more)
            last.append(more if auto == "SAME_UPPER" else less)
        pads = first + last
    pads = [0] * 2 * n if pads is None or auto == "VALID" else pads
    if pads[:n] == pads[n:] and all(
        2 * pad <= size for pad, size in zip(pads, kernel, strict=False)
    ):
        return x, pads[:n]
    flat = [size for k in reversed(range(n)) for size in (pads[k], pads[n + k])]
    return functional.pad(x, flat, value=value), [0] * n


def _ones(setting: Setting, name: str, n: int) -> list[int]:
    return setting.integers(name) or [1] * n


def _gemm(setting: Setting, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    a = a.t() if setting.get("transA", 0) else a
    b = b.t() if setting.get("transB", 0) else b
    out = setting.get("alpha", 1.0) * (a @ b)
    return out if c is None else out + setting.get("beta", 1.0) * c


def _batch_norm(
    setting: Setting, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    if setting.get("training_mode", 0):
        raise ValueError("it was exported for training")
    epsilon = setting.get("epsilon", 1e-5)
    return functional.batch_norm(x, mean, variance, scale, bias, False, 0.0, epsilon)


def _instance_norm(setting: Setting, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    return functional.instance_norm(x, weight=scale, bias=bias, eps=setting.get("epsilon", 1e-5))


def _layer_norm(setting: Setting, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    if setting.outputs > 1:
        raise ValueError("a normalisation's mean isn't known here")
    axis = setting.get("axis", -1) % x.ndim
    sizes = x.shape[axis:]
    bias = None if bias is None else bias.expand(sizes)
    return functional.layer_norm(x, sizes, scale.expand(sizes), bias, setting.get("epsilon", 1e-5))


def _group_norm(setting: Setting, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    groups, epsilon = setting.get("num_groups"), setting.get("epsilon", 1e-5)
    if setting.opset < 21:  # one number a group
        each = x.shape[1] // groups
        scale, bias = scale.repeat_interleave(each), bias.repeat_interleave(each)
    return functional.group_norm(x, groups, scale, bias, epsilon)


def _global(work: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda _, x: work(x, tuple(range(2, x.ndim)), True)


def _resize(
    setting: Setting,
    x: Tensor,
    region: Tensor | None = None,
    scales: Tensor | None = None,
    sizes: Tensor | None = None,
) -> Tensor:
    """Pictures of another size, as PyTorch's own scaling does it; other ways are refused."""
    if setting.opset < 11:  # Upsample and the first Resize: (x, scales)
        scales = region if scales is None else scales
    mode, opset = setting.get("mode", "nearest"), setting.opset
    where = "half_pixel" if opset >= 11 else "asymmetric"
    where = setting.get("coordinate_transformation_mode", where)
    if setting.get("axes") or setting.get("antialias", 0):
        raise ValueError("a scaling with axes or antialiasing isn't known here")
    if sizes is not None and sizes.numel():
        out, factors = [int(size) for size in sizes.tolist()][2:], None
    else:
        told = setting.get("scales") if scales is None else scales.tolist()
        factors = [float(f) for f in told[2:]]
        out = [math.floor(s * f) for s, f in zip(x.shape[2:], factors, strict=True)]
        if all(f * s == o for f, s, o in zip(factors, x.shape[2:], out, strict=True)):
            factors = None
    if mode == "nearest":
        return _nearest(setting, x, out, where)
    if mode not in ("linear", "cubic") or (mode == "cubic" and x.ndim != 4):
        raise ValueError(f"a scaling {mode} isn't known here")
    corners = where == "align_corners"
    if where not in ("half_pixel", "pytorch_half_pixel", "align_corners") or (corners and factors):
        raise ValueError(f"a scaling by {where} isn't known here")
    if mode == "cubic" and setting.get("cubic_coeff_a", -0.75) != -0.75:
        raise ValueError("a cubic scaling of another kind than PyTorch's isn't known here")
    named = "bicubic" if mode == "cubic" else _LINEAR[x.ndim - 2]
    if factors:
        return functional.interpolate(x, scale_factor=factors, mode=named, align_corners=False)
    return functional.interpolate(x, out, mode=named, align_corners=corners)


def _nearest(setting: Setting, x: Tensor, out: list[int], where: str) -> Tensor:
    """The nearest pixels of (N, C, ...), where all ways of rounding find the same."""
    rounded = setting.get("nearest_mode", "round_prefer_floor" if setting.opset >= 11 else "floor")
    whole = all(size % given == 0 for size, given in zip(out, x.shape[2:], strict=True))
    middles = where in ("half_pixel", "pytorch_half_pixel") and rounded.startswith("round")
    if not (where == "asymmetric" and rounded == "floor") and not (whole and middles):
        raise ValueError(f"nearest pixels by {where} and {rounded} aren't known here")
    return functional.interpolate(x, out, mode="nearest")


LAYERS: dict[str, Callable[..., Any]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transposed,
    "MaxPool": _max_pool,
    "AveragePool": _mean_pool,
    "GlobalAveragePool": _global(torch.mean),
    "GlobalMaxPool": _global(torch.amax),
    "Gemm": _gemm,
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "Resize": _resize,
    "Upsample": _resize,
}
