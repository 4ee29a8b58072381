"""Soft maxima over channels."""

from __future__ import annotations

from .. import _core
from ..border import Array
from ..one_op import backward, check_floats, forward


def softmax(x: Array, *, isa: str | None = None) -> Array:
    """exp(x) / sum of exp(x) along axis 1; see `nn.Softmax`."""
    check_floats("softmax", x=x)
    return forward("softmax", _core.Softmax(), x, isa=isa)


def softmax_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `softmax`."""
    check_floats("softmax_backward", x=x, dy=dy)
    return backward("softmax_backward", _core.Softmax(), dy, x, isa=isa)[0]


def log_softmax(x: Array, *, isa: str | None = None) -> Array:
    """x - log of the sum of exp(x) along axis 1; see `nn.LogSoftmax`."""
    check_floats("log_softmax", x=x)
    return forward("log_softmax", _core.LogSoftmax(), x, isa=isa)


def log_softmax_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `log_softmax`."""
    check_floats("log_softmax_backward", x=x, dy=dy)
    return backward("log_softmax_backward", _core.LogSoftmax(), dy, x, isa=isa)[0]
