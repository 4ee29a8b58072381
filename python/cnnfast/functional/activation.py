"""Functions of single elements; x may have any shape."""

from __future__ import annotations

from typing import Literal

from .. import _core
from .._types import Array
from ._run import elementwise, elementwise_backward


def relu(x: Array, *, isa: str | None = None) -> Array:
    """max(x, 0); see `nn.ReLU`."""
    return elementwise("relu", _core.ReLU(), x, isa)


def relu_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `relu`."""
    return elementwise_backward("relu_backward", _core.ReLU(), dy, x, isa)


def gelu(x: Array, approximate: Literal["none", "tanh"] = "none", *, isa: str | None = None) -> Array:
    """x P(X <= x), X normally distributed; see `nn.GELU`."""
    return elementwise("gelu", _core.GELU(approximate), x, isa)


def gelu_backward(
    dy: Array, x: Array, approximate: Literal["none", "tanh"] = "none", *, isa: str | None = None
) -> Array:
    """dx of `gelu`."""
    return elementwise_backward("gelu_backward", _core.GELU(approximate), dy, x, isa)


def leaky_relu(x: Array, negative_slope: float = 0.01, *, isa: str | None = None) -> Array:
    """x above 0, negative_slope * x below; see `nn.LeakyReLU`."""
    return elementwise("leaky_relu", _core.LeakyReLU(negative_slope), x, isa)


def leaky_relu_backward(
    dy: Array, x: Array, negative_slope: float = 0.01, *, isa: str | None = None
) -> Array:
    """dx of `leaky_relu`."""
    return elementwise_backward("leaky_relu_backward", _core.LeakyReLU(negative_slope), dy, x, isa)


def elu(x: Array, alpha: float = 1.0, *, isa: str | None = None) -> Array:
    """x above 0, alpha * (exp(x) - 1) below; see `nn.ELU`."""
    return elementwise("elu", _core.ELU(alpha), x, isa)


def elu_backward(dy: Array, x: Array, alpha: float = 1.0, *, isa: str | None = None) -> Array:
    """dx of `elu`."""
    return elementwise_backward("elu_backward", _core.ELU(alpha), dy, x, isa)


def selu(x: Array, *, isa: str | None = None) -> Array:
    """ELU with the numbers that keep mean 0 and variance 1; see `nn.SELU`."""
    return elementwise("selu", _core.SELU(), x, isa)


def selu_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `selu`."""
    return elementwise_backward("selu_backward", _core.SELU(), dy, x, isa)


def silu(x: Array, *, isa: str | None = None) -> Array:
    """x / (1 + exp(-x)); see `nn.SiLU`."""
    return elementwise("silu", _core.SiLU(), x, isa)


def silu_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `silu`."""
    return elementwise_backward("silu_backward", _core.SiLU(), dy, x, isa)


def mish(x: Array, *, isa: str | None = None) -> Array:
    """x * tanh(log(1 + exp(x))); see `nn.Mish`."""
    return elementwise("mish", _core.Mish(), x, isa)


def mish_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `mish`."""
    return elementwise_backward("mish_backward", _core.Mish(), dy, x, isa)


def sigmoid(x: Array, *, isa: str | None = None) -> Array:
    """1 / (1 + exp(-x)); see `nn.Sigmoid`."""
    return elementwise("sigmoid", _core.Sigmoid(), x, isa)


def sigmoid_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `sigmoid`."""
    return elementwise_backward("sigmoid_backward", _core.Sigmoid(), dy, x, isa)


def tanh(x: Array, *, isa: str | None = None) -> Array:
    """The hyperbolic tangent; see `nn.Tanh`."""
    return elementwise("tanh", _core.Tanh(), x, isa)


def tanh_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `tanh`."""
    return elementwise_backward("tanh_backward", _core.Tanh(), dy, x, isa)


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0, *, isa: str | None = None) -> Array:
    """log(1 + exp(beta * x)) / beta; see `nn.Softplus`."""
    return elementwise("softplus", _core.Softplus(beta, threshold), x, isa)


def softplus_backward(
    dy: Array, x: Array, beta: float = 1.0, threshold: float = 20.0, *, isa: str | None = None
) -> Array:
    """dx of `softplus`."""
    return elementwise_backward("softplus_backward", _core.Softplus(beta, threshold), dy, x, isa)


def hardswish(x: Array, *, isa: str | None = None) -> Array:
    """x * min(max(x + 3, 0), 6) / 6; see `nn.Hardswish`."""
    return elementwise("hardswish", _core.Hardswish(), x, isa)


def hardswish_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `hardswish`."""
    return elementwise_backward("hardswish_backward", _core.Hardswish(), dy, x, isa)


def hardsigmoid(x: Array, *, isa: str | None = None) -> Array:
    """min(max(x + 3, 0), 6) / 6; see `nn.Hardsigmoid`."""
    return elementwise("hardsigmoid", _core.Hardsigmoid(), x, isa)


def hardsigmoid_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `hardsigmoid`."""
    return elementwise_backward("hardsigmoid_backward", _core.Hardsigmoid(), dy, x, isa)
