"""Biases."""

from __future__ import annotations

from .. import _core
from .._types import Array
from ._run import backward, check_floats, check_rank, forward


def channel_bias(x: Array, bias: Array, *, isa: str | None = None) -> Array:
    """x + bias[c] for each channel c; see `nn.ChannelBias`."""
    check_floats("channel_bias", x=x, bias=bias)
    check_rank("channel_bias", "bias", bias, ("c",))
    return forward("channel_bias", _core.ChannelBias(len(bias)), x, [bias], isa)


def channel_bias_backward(dy: Array, x: Array, *, isa: str | None = None) -> tuple[Array, Array]:
    """(dx, dbias) of `channel_bias`."""
    check_floats("channel_bias_backward", x=x, dy=dy)
    if x.ndim < 2:
        raise ValueError(f"channel_bias_backward: x must have shape (n, c, ...), got {x.shape}")
    dx, grads = backward("channel_bias_backward", _core.ChannelBias(x.shape[1]), dy, x, isa=isa)
    return dx, grads[0]


def position_bias(x: Array, bias: Array, *, isa: str | None = None) -> Array:
    """x + bias, bias of shape (c, h, w); see `nn.PositionBias`."""
    check_floats("position_bias", x=x, bias=bias)
    check_rank("position_bias", "bias", bias, ("c", "h", "w"))
    return forward("position_bias", _core.PositionBias(*bias.shape), x, [bias], isa)


def position_bias_backward(dy: Array, x: Array, *, isa: str | None = None) -> tuple[Array, Array]:
    """(dx, dbias) of `position_bias`."""
    check_floats("position_bias_backward", x=x, dy=dy)
    check_rank("position_bias_backward", "x", x, ("n", "c", "h", "w"))
    dx, grads = backward("position_bias_backward", _core.PositionBias(*x.shape[1:]), dy, x, isa=isa)
    return dx, grads[0]
