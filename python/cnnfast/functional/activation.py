"""Functions of single elements."""

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


def leaky_relu(x: Array, negative_slope: float = 0.01, *, isa: str | None = None) -> Array:
    """x above 0, negative_slope * x below; see `nn.LeakyReLU`."""
    check_floats("leaky_relu", x=x)
    return forward("leaky_relu", _core.LeakyReLU(negative_slope), x, isa=isa)


def leaky_relu_backward(
    dy: Array, x: Array, negative_slope: float = 0.01, *, isa: str | None = None
) -> Array:
    """dx of `leaky_relu`."""
    check_floats("leaky_relu_backward", x=x, dy=dy)
    return backward("leaky_relu_backward", _core.LeakyReLU(negative_slope), dy, x, isa=isa)[0]


def elu(x: Array, alpha: float = 1.0, *, isa: str | None = None) -> Array:
    """x above 0, alpha * (exp(x) - 1) below; see `nn.ELU`."""
    check_floats("elu", x=x)
    return forward("elu", _core.ELU(alpha), x, isa=isa)


def elu_backward(dy: Array, x: Array, alpha: float = 1.0, *, isa: str | None = None) -> Array:
    """dx of `elu`."""
    check_floats("elu_backward", x=x, dy=dy)
    return backward("elu_backward", _core.ELU(alpha), dy, x, isa=isa)[0]


def selu(x: Array, *, isa: str | None = None) -> Array:
    """ELU with the numbers that keep mean 0 and variance 1; see `nn.SELU`."""
    check_floats("selu", x=x)
    return forward("selu", _core.SELU(), x, isa=isa)


def selu_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `selu`."""
    check_floats("selu_backward", x=x, dy=dy)
    return backward("selu_backward", _core.SELU(), dy, x, isa=isa)[0]


def silu(x: Array, *, isa: str | None = None) -> Array:
    """x / (1 + exp(-x)); see `nn.SiLU`."""
    check_floats("silu", x=x)
    return forward("silu", _core.SiLU(), x, isa=isa)


def silu_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `silu`."""
    check_floats("silu_backward", x=x, dy=dy)
    return backward("silu_backward", _core.SiLU(), dy, x, isa=isa)[0]


def mish(x: Array, *, isa: str | None = None) -> Array:
    """x * tanh(log(1 + exp(x))); see `nn.Mish`."""
    check_floats("mish", x=x)
    return forward("mish", _core.Mish(), x, isa=isa)


def mish_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `mish`."""
    check_floats("mish_backward", x=x, dy=dy)
    return backward("mish_backward", _core.Mish(), dy, x, isa=isa)[0]


def sigmoid(x: Array, *, isa: str | None = None) -> Array:
    """1 / (1 + exp(-x)); see `nn.Sigmoid`."""
    check_floats("sigmoid", x=x)
    return forward("sigmoid", _core.Sigmoid(), x, isa=isa)


def sigmoid_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `sigmoid`."""
    check_floats("sigmoid_backward", x=x, dy=dy)
    return backward("sigmoid_backward", _core.Sigmoid(), dy, x, isa=isa)[0]


def tanh(x: Array, *, isa: str | None = None) -> Array:
    """The hyperbolic tangent; see `nn.Tanh`."""
    check_floats("tanh", x=x)
    return forward("tanh", _core.Tanh(), x, isa=isa)


def tanh_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `tanh`."""
    check_floats("tanh_backward", x=x, dy=dy)
    return backward("tanh_backward", _core.Tanh(), dy, x, isa=isa)[0]


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0, *, isa: str | None = None) -> Array:
    """log(1 + exp(beta * x)) / beta; see `nn.Softplus`."""
    check_floats("softplus", x=x)
    return forward("softplus", _core.Softplus(beta, threshold), x, isa=isa)


def softplus_backward(
    dy: Array, x: Array, beta: float = 1.0, threshold: float = 20.0, *, isa: str | None = None
) -> Array:
    """dx of `softplus`."""
    check_floats("softplus_backward", x=x, dy=dy)
    return backward("softplus_backward", _core.Softplus(beta, threshold), dy, x, isa=isa)[0]


def hardswish(x: Array, *, isa: str | None = None) -> Array:
    """x * min(max(x + 3, 0), 6) / 6; see `nn.Hardswish`."""
    check_floats("hardswish", x=x)
    return forward("hardswish", _core.Hardswish(), x, isa=isa)


def hardswish_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `hardswish`."""
    check_floats("hardswish_backward", x=x, dy=dy)
    return backward("hardswish_backward", _core.Hardswish(), dy, x, isa=isa)[0]


def hardsigmoid(x: Array, *, isa: str | None = None) -> Array:
    """min(max(x + 3, 0), 6) / 6; see `nn.Hardsigmoid`."""
    check_floats("hardsigmoid", x=x)
    return forward("hardsigmoid", _core.Hardsigmoid(), x, isa=isa)


def hardsigmoid_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `hardsigmoid`."""
    check_floats("hardsigmoid_backward", x=x, dy=dy)
    return backward("hardsigmoid_backward", _core.Hardsigmoid(), dy, x, isa=isa)[0]
