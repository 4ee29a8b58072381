"""Transposed convolutions."""

from __future__ import annotations

from .. import _core
from .._checks import check_integer
from .._types import Array, Ends, Padding, Pair
from ._run import backward, check_floats, check_rank, check_shape, forward


def conv_transpose2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair = 1,
    padding: Padding = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    isa: str | None = None,
) -> Array:
    """Transposed convolution of images; see `nn.ConvTranspose2d`.

    Args:
        x: (n, c_in, h, w).
        weight: (c_in, c_out / groups, kernel height, kernel width).
        bias: (c_out,), or None.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> functional.conv_transpose2d(np.ones((1, 1, 1, 2)), np.ones((1, 1, 2, 2)))[0, 0]
        array([[1., 2., 1.],
               [1., 2., 1.]])
    """
    who = "conv_transpose2d"
    check_floats(who, {"bias": bias}, x=x, weight=weight)
    op = _transpose2d(who, weight, stride, padding, output_padding, groups, bias is not None, dilation)
    if bias is None:
        return forward(who, op, x, [weight], isa)
    check_shape(who, "bias", bias, (weight.shape[1] * groups,), "one for each output channel")
    return forward(who, op, x, [weight, bias], isa)


def conv_transpose2d_backward(
    dy: Array,
    x: Array,
    weight: Array,
    *,
    stride: Pair = 1,
    padding: Padding = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    bias: bool = True,
    isa: str | None = None,
) -> tuple[Array, Array, Array | None]:
    """(dx, dweight, dbias) of `conv_transpose2d`; dbias is None without `bias`."""
    who = "conv_transpose2d_backward"
    check_floats(who, x=x, weight=weight, dy=dy)
    op = _transpose2d(who, weight, stride, padding, output_padding, groups, bias, dilation)
    dx, grads = backward(who, op, dy, x, [weight], isa)
    return dx, grads[0], grads[1] if bias else None


def conv_transpose1d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: int = 1,
    padding: Ends = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
    isa: str | None = None,
) -> Array:
    """Transposed convolution of lines; see `nn.ConvTranspose1d`.

    Args:
        x: (n, c_in, l).
        weight: (c_in, c_out / groups, kernel length).
        bias: (c_out,), or None.
    """
    who = "conv_transpose1d"
    check_floats(who, {"bias": bias}, x=x, weight=weight)
    op = _transpose1d(who, weight, stride, padding, output_padding, groups, bias is not None, dilation)
    if bias is None:
        return forward(who, op, x, [weight], isa)
    check_shape(who, "bias", bias, (weight.shape[1] * groups,), "one for each output channel")
    return forward(who, op, x, [weight, bias], isa)


def conv_transpose1d_backward(
    dy: Array,
    x: Array,
    weight: Array,
    *,
    stride: int = 1,
    padding: Ends = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
    bias: bool = True,
    isa: str | None = None,
) -> tuple[Array, Array, Array | None]:
    """(dx, dweight, dbias) of `conv_transpose1d`; dbias is None without `bias`."""
    who = "conv_transpose1d_backward"
    check_floats(who, x=x, weight=weight, dy=dy)
    op = _transpose1d(who, weight, stride, padding, output_padding, groups, bias, dilation)
    dx, grads = backward(who, op, dy, x, [weight], isa)
    return dx, grads[0], grads[1] if bias else None


def _transpose2d(
    who: str,
    weight: Array,
    stride: Pair,
    padding: Padding,
    output_padding: Pair,
    groups: int,
    bias: bool,
    dilation: Pair,
) -> _core.Op:
    check_rank(who, "weight", weight, ("c_in", "c_out / groups", "kernel height", "kernel width"))
    c_in, c_out, *kernel = weight.shape
    channels = (c_in, c_out * check_integer(who, "groups", groups, 1))
    size = (kernel[0], kernel[1])
    return _core.ConvTranspose2d(*channels, size, stride, padding, output_padding, groups, bias, dilation)


def _transpose1d(
    who: str,
    weight: Array,
    stride: int,
    padding: Ends,
    output_padding: int,
    groups: int,
    bias: bool,
    dilation: int,
) -> _core.Op:
    check_rank(who, "weight", weight, ("c_in", "c_out / groups", "kernel length"))
    c_in, c_out, kernel = weight.shape
    channels = (c_in, c_out * check_integer(who, "groups", groups, 1))
    return _core.ConvTranspose1d(*channels, kernel, stride, padding, output_padding, groups, bias, dilation)
