"""Convolutions."""

from __future__ import annotations

from .. import _core
from .._checks import check_integer
from .._types import Array, Ends, Padding, PaddingName, Pair
from ._run import backward, check_floats, check_rank, check_shape, forward

_FILTERS = ("c_out", "c_in / groups", "kernel height", "kernel width")


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair = 1,
    padding: Padding | PaddingName = 0,
    dilation: Pair = 1,
    groups: int = 1,
    exact: bool = False,
    isa: str | None = None,
) -> Array:
    """Convolution of images with filters; see `nn.Conv2d`.

    Args:
        x: (n, c_in, h, w).
        weight: (c_out, c_in / groups, kernel height, kernel width).
        bias: (c_out,), or None.
        exact: True sums the products themselves; False may use Winograd's algorithm for 3x3 and 5x5 filters,
            which is faster and rounds a few times more (docs/performance.md).

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> x = np.ones((1, 1, 3, 3))
        >>> functional.conv2d(x, np.ones((1, 1, 2, 2)), np.array([0.5]))[0, 0]
        array([[4.5, 4.5],
               [4.5, 4.5]])
    """
    check_floats("conv2d", {"bias": bias}, x=x, weight=weight)
    op = _conv2d("conv2d", weight, stride, padding, dilation, groups, bias is not None)
    if bias is None:
        return forward("conv2d", op, x, [weight], isa, exact)
    check_shape("conv2d", "bias", bias, weight.shape[:1], "one for each filter")
    return forward("conv2d", op, x, [weight, bias], isa, exact)


def conv2d_backward(
    dy: Array,
    x: Array,
    weight: Array,
    *,
    stride: Pair = 1,
    padding: Padding | PaddingName = 0,
    dilation: Pair = 1,
    groups: int = 1,
    bias: bool = True,
    exact: bool = False,
    isa: str | None = None,
) -> tuple[Array, Array, Array | None]:
    """(dx, dweight, dbias) of `conv2d`; dbias is None without `bias`."""
    who = "conv2d_backward"
    check_floats(who, x=x, weight=weight, dy=dy)
    op = _conv2d(who, weight, stride, padding, dilation, groups, bias)
    dx, grads = backward(who, op, dy, x, [weight], isa, exact)
    return dx, grads[0], grads[1] if bias else None


def _conv2d(
    who: str,
    weight: Array,
    stride: Pair,
    padding: Padding | PaddingName,
    dilation: Pair,
    groups: int,
    bias: bool,
) -> _core.Op:
    check_rank(who, "weight", weight, _FILTERS)
    c_out, c_in, *kernel = weight.shape
    channels = (c_in * check_integer(who, "groups", groups, 1), c_out)
    return _core.Conv2d(*channels, (kernel[0], kernel[1]), stride, padding, dilation, groups, bias)


def conv1d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: int = 1,
    padding: Ends | PaddingName = 0,
    dilation: int = 1,
    groups: int = 1,
    isa: str | None = None,
) -> Array:
    """Convolution of lines with filters; see `nn.Conv1d`.

    Args:
        x: (n, c_in, l).
        weight: (c_out, c_in / groups, kernel length).
        bias: (c_out,), or None.
    """
    check_floats("conv1d", {"bias": bias}, x=x, weight=weight)
    op = _conv1d("conv1d", weight, stride, padding, dilation, groups, bias is not None)
    if bias is None:
        return forward("conv1d", op, x, [weight], isa)
    check_shape("conv1d", "bias", bias, weight.shape[:1], "one for each filter")
    return forward("conv1d", op, x, [weight, bias], isa)


def conv1d_backward(
    dy: Array,
    x: Array,
    weight: Array,
    *,
    stride: int = 1,
    padding: Ends | PaddingName = 0,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
    isa: str | None = None,
) -> tuple[Array, Array, Array | None]:
    """(dx, dweight, dbias) of `conv1d`; dbias is None without `bias`."""
    who = "conv1d_backward"
    check_floats(who, x=x, weight=weight, dy=dy)
    op = _conv1d(who, weight, stride, padding, dilation, groups, bias)
    dx, grads = backward(who, op, dy, x, [weight], isa)
    return dx, grads[0], grads[1] if bias else None


def _conv1d(
    who: str,
    weight: Array,
    stride: int,
    padding: Ends | PaddingName,
    dilation: int,
    groups: int,
    bias: bool,
) -> _core.Op:
    check_rank(who, "weight", weight, ("c_out", "c_in / groups", "kernel length"))
    c_out, c_in, kernel = weight.shape
    channels = (c_in * check_integer(who, "groups", groups, 1), c_out)
    return _core.Conv1d(*channels, kernel, stride, padding, dilation, groups, bias)
