"""Pools with a given number of windows."""

from __future__ import annotations

from typing import Literal, overload

from .. import _core
from .._types import Array, Pair
from ._run import backward, check_floats, forward, pool_with_indices
from .pooling import Indices


@overload
def adaptive_max_pool2d(
    x: Array, output_size: Pair, return_indices: Literal[False] = False, *, isa: str | None = None
) -> Array: ...
@overload
def adaptive_max_pool2d(
    x: Array, output_size: Pair, return_indices: Literal[True], *, isa: str | None = None
) -> tuple[Array, Indices]: ...
def adaptive_max_pool2d(
    x: Array, output_size: Pair, return_indices: bool = False, *, isa: str | None = None
) -> Array | tuple[Array, Indices]:
    """Largest value of each of `output_size` windows; see `nn.AdaptiveMaxPool2d`.

    With `return_indices` also where it lies: (y, indices), int64 row * w + column on the image (h, w).
    """
    check_floats("adaptive_max_pool2d", x=x)
    op = _core.AdaptiveMaxPool2d(output_size)
    if return_indices:
        return pool_with_indices("adaptive_max_pool2d", op, x, isa)
    return forward("adaptive_max_pool2d", op, x, isa=isa)


def adaptive_max_pool2d_backward(dy: Array, x: Array, output_size: Pair, *, isa: str | None = None) -> Array:
    """dx of `adaptive_max_pool2d`: dy goes to the first largest value of each window."""
    check_floats("adaptive_max_pool2d_backward", x=x, dy=dy)
    return backward("adaptive_max_pool2d_backward", _core.AdaptiveMaxPool2d(output_size), dy, x, isa=isa)[0]


@overload
def adaptive_max_pool1d(
    x: Array, output_size: int, return_indices: Literal[False] = False, *, isa: str | None = None
) -> Array: ...
@overload
def adaptive_max_pool1d(
    x: Array, output_size: int, return_indices: Literal[True], *, isa: str | None = None
) -> tuple[Array, Indices]: ...
def adaptive_max_pool1d(
    x: Array, output_size: int, return_indices: bool = False, *, isa: str | None = None
) -> Array | tuple[Array, Indices]:
    """Largest value of each of `output_size` windows of lines (n, c, l); see `nn.AdaptiveMaxPool1d`.

    With `return_indices` also its place on the line: (y, indices), int64.
    """
    check_floats("adaptive_max_pool1d", x=x)
    op = _core.AdaptiveMaxPool1d(output_size)
    if return_indices:
        return pool_with_indices("adaptive_max_pool1d", op, x, isa)
    return forward("adaptive_max_pool1d", op, x, isa=isa)


def adaptive_max_pool1d_backward(dy: Array, x: Array, output_size: int, *, isa: str | None = None) -> Array:
    """dx of `adaptive_max_pool1d`: dy goes to the first largest value of each window."""
    check_floats("adaptive_max_pool1d_backward", x=x, dy=dy)
    return backward("adaptive_max_pool1d_backward", _core.AdaptiveMaxPool1d(output_size), dy, x, isa=isa)[0]


def adaptive_avg_pool2d(x: Array, output_size: Pair, *, isa: str | None = None) -> Array:
    """Mean of each of `output_size` windows, of the whole image for 1; see `nn.AdaptiveAvgPool2d`."""
    check_floats("adaptive_avg_pool2d", x=x)
    return forward("adaptive_avg_pool2d", _core.AdaptiveAvgPool2d(output_size), x, isa=isa)


def adaptive_avg_pool2d_backward(dy: Array, x: Array, output_size: Pair, *, isa: str | None = None) -> Array:
    """dx of `adaptive_avg_pool2d`: each pixel of a window gets its share of dy."""
    check_floats("adaptive_avg_pool2d_backward", x=x, dy=dy)
    return backward("adaptive_avg_pool2d_backward", _core.AdaptiveAvgPool2d(output_size), dy, x, isa=isa)[0]


def adaptive_avg_pool1d(x: Array, output_size: int, *, isa: str | None = None) -> Array:
    """Mean of each of `output_size` windows of lines (n, c, l); see `nn.AdaptiveAvgPool1d`."""
    check_floats("adaptive_avg_pool1d", x=x)
    return forward("adaptive_avg_pool1d", _core.AdaptiveAvgPool1d(output_size), x, isa=isa)


def adaptive_avg_pool1d_backward(dy: Array, x: Array, output_size: int, *, isa: str | None = None) -> Array:
    """dx of `adaptive_avg_pool1d`: each value of a window gets its share of dy."""
    check_floats("adaptive_avg_pool1d_backward", x=x, dy=dy)
    return backward("adaptive_avg_pool1d_backward", _core.AdaptiveAvgPool1d(output_size), dy, x, isa=isa)[0]
