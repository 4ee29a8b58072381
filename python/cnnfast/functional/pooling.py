"""Pools."""

from __future__ import annotations

from .. import _core
from ..border import Array, Padding, Pair
from ..one_op import backward, check_floats, forward


def max_pool2d(
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    *,
    isa: str | None = None,
) -> Array:
    """Largest value of each window; see `nn.MaxPool2d`."""
    check_floats("max_pool2d", x=x)
    return forward("max_pool2d", _core.MaxPool2d(kernel_size, stride, padding, ceil_mode), x, isa=isa)


def max_pool2d_backward(
    dy: Array,
    x: Array,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    *,
    isa: str | None = None,
) -> Array:
    """dx of `max_pool2d`: dy goes to the first largest value of each window."""
    check_floats("max_pool2d_backward", x=x, dy=dy)
    op = _core.MaxPool2d(kernel_size, stride, padding, ceil_mode)
    return backward("max_pool2d_backward", op, dy, x, isa=isa)[0]
