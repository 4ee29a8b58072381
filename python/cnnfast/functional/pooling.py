"""Pools that slide over images and lines."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._types import Array, Ends, Padding, Pair
from ._run import backward, check_floats, forward, pool_with_indices

Indices = NDArray[np.int64]


@overload
def max_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
    *,
    isa: str | None = None,
) -> Array: ...
@overload
def max_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
    isa: str | None = None,
) -> tuple[Array, Indices]: ...
def max_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    isa: str | None = None,
) -> Array | tuple[Array, Indices]:
    """Largest value of each window; see `nn.MaxPool2d`.

    With `return_indices` also where it lies: (y, indices), int64 row * w + column on the image (h, w), in the
    shape of y.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> x = np.array([[[[1.0, 5, 2], [3, 4, 7]]]])
        >>> y, indices = functional.max_pool2d(x, (2, 1), return_indices=True)
        >>> y[0, 0], indices[0, 0]
        (array([[3., 5., 7.]]), array([[3, 1, 5]]))
    """
    check_floats("max_pool2d", x=x)
    op = _core.MaxPool2d(kernel_size, stride, padding, ceil_mode, dilation)
    if return_indices:
        return pool_with_indices("max_pool2d", op, x, isa)
    return forward("max_pool2d", op, x, isa=isa)


def max_pool2d_backward(
    dy: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    *,
    isa: str | None = None,
) -> Array:
    """dx of `max_pool2d`: dy goes to the first largest value of each window."""
    check_floats("max_pool2d_backward", x=x, dy=dy)
    op = _core.MaxPool2d(kernel_size, stride, padding, ceil_mode, dilation)
    return backward("max_pool2d_backward", op, dy, x, isa=isa)[0]


@overload
def max_pool1d(
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Ends = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
    *,
    isa: str | None = None,
) -> Array: ...
@overload
def max_pool1d(
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Ends = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
    isa: str | None = None,
) -> tuple[Array, Indices]: ...
def max_pool1d(
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Ends = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    isa: str | None = None,
) -> Array | tuple[Array, Indices]:
    """Largest value of each window of lines (n, c, l); with `return_indices` also its place on the line.

    See `nn.MaxPool1d`.
    """
    check_floats("max_pool1d", x=x)
    op = _core.MaxPool1d(kernel_size, stride, padding, ceil_mode, dilation)
    if return_indices:
        return pool_with_indices("max_pool1d", op, x, isa)
    return forward("max_pool1d", op, x, isa=isa)


def max_pool1d_backward(
    dy: Array,
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Ends = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    *,
    isa: str | None = None,
) -> Array:
    """dx of `max_pool1d`: dy goes to the first largest value of each window."""
    check_floats("max_pool1d_backward", x=x, dy=dy)
    op = _core.MaxPool1d(kernel_size, stride, padding, ceil_mode, dilation)
    return backward("max_pool1d_backward", op, dy, x, isa=isa)[0]


def avg_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    isa: str | None = None,
) -> Array:
    """Mean of each window; see `nn.AvgPool2d`."""
    check_floats("avg_pool2d", x=x)
    op = _core.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return forward("avg_pool2d", op, x, isa=isa)


def avg_pool2d_backward(
    dy: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    isa: str | None = None,
) -> Array:
    """dx of `avg_pool2d`: each pixel of a window gets its share of dy."""
    check_floats("avg_pool2d_backward", x=x, dy=dy)
    op = _core.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return backward("avg_pool2d_backward", op, dy, x, isa=isa)[0]


def avg_pool1d(
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Ends = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    *,
    isa: str | None = None,
) -> Array:
    """Mean of each window of lines (n, c, l); see `nn.AvgPool1d`."""
    check_floats("avg_pool1d", x=x)
    op = _core.AvgPool1d(kernel_size, stride, padding, ceil_mode, count_include_pad)
    return forward("avg_pool1d", op, x, isa=isa)


def avg_pool1d_backward(
    dy: Array,
    x: Array,
    kernel_size: int,
    stride: int | None = None,
    padding: Ends = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    *,
    isa: str | None = None,
) -> Array:
    """dx of `avg_pool1d`: each value of a window gets its share of dy."""
    check_floats("avg_pool1d_backward", x=x, dy=dy)
    op = _core.AvgPool1d(kernel_size, stride, padding, ceil_mode, count_include_pad)
    return backward("avg_pool1d_backward", op, dy, x, isa=isa)[0]
