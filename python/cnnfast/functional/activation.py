"""Activations and soft maxima."""

from __future__ import annotations

from typing import Literal

from .. import _core
from ..border import Array
from ..one_op import backward, check_floats, forward


def relu(x: Array, *, isa: str | None = None) -> Array:
    """max(x, 0); see `nn.ReLU`."""
    check_floats("relu", x=x)
    return forward("relu", _core.ReLU(), x, isa=isa)


def relu_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `relu`."""
    check_floats("relu_backward", x=x, dy=dy)
    return backward("relu_backward", _core.ReLU(), dy, x, isa=isa)[0]


def gelu(x: Array, approximate: Literal["none", "tanh"] = "none", *, isa: str | None = None) -> Array:
    """x P(X <= x), X normally distributed; see `nn.GELU`."""
    check_floats("gelu", x=x)
    return forward("gelu", _core.GELU(approximate), x, isa=isa)


def gelu_backward(
    dy: Array, x: Array, approximate: Literal["none", "tanh"] = "none", *, isa: str | None = None
) -> Array:
    """dx of `gelu`."""
    check_floats("gelu_backward", x=x, dy=dy)
    return backward("gelu_backward", _core.GELU(approximate), dy, x, isa=isa)[0]


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
