"""Stateless operations on NumPy arrays, forward and backward: for teaching, tests and odd uses.

Each call runs one operation of the engine; to run several in a row fast, compose layers of `cnnfast.nn`. All
arrays of a call have one dtype, float32 or float64; images are (n, c, h, w). `isa` picks an instruction set,
None the best. What an operation computes, and its edge rules, stand with the layer of the same name. Wrong
dtypes raise TypeError, shapes that do not fit ValueError.
"""

from __future__ import annotations

from typing import Literal

from . import _core
from .border import Array, Padding, Pair
from .losses import cross_entropy, cross_entropy_backward, nll_loss, nll_loss_backward
from .one_op import backward, check_floats, check_rank, check_shape, forward

__all__ = [
    "add",
    "add_backward",
    "channel_bias",
    "channel_bias_backward",
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "flatten",
    "flatten_backward",
    "gelu",
    "gelu_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "nll_loss",
    "nll_loss_backward",
    "position_bias",
    "position_bias_backward",
    "relu",
    "relu_backward",
    "softmax",
    "softmax_backward",
]

_FILTERS = ("c_out", "c_in", "kernel height", "kernel width")


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    stride: Pair = 1,
    padding: Padding = 0,
    exact: bool = False,
    isa: str | None = None,
) -> Array:
    """Convolution of images with filters; see `nn.Conv2d`.

    Args:
        x: (n, c_in, h, w).
        weight: (c_out, c_in, kernel height, kernel width).
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
    check_floats("conv2d", x=x, weight=weight, bias=bias)
    op = _conv2d("conv2d", weight, stride, padding, bias is not None)
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
    padding: Padding = 0,
    bias: bool = True,
    exact: bool = False,
    isa: str | None = None,
) -> tuple[Array, Array, Array | None]:
    """(dx, dweight, dbias) of `conv2d`; dbias is None without `bias`."""
    who = "conv2d_backward"
    check_floats(who, x=x, weight=weight, dy=dy)
    op = _conv2d(who, weight, stride, padding, bias)
    dx, grads = backward(who, op, dy, x, [weight], isa, exact)
    return dx, grads[0], grads[1] if bias else None


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


def linear(x: Array, weight: Array, bias: Array | None = None, *, isa: str | None = None) -> Array:
    """x @ weight.T + bias; see `nn.Linear`.

    Args:
        x: (n, in_features).
        weight: (out_features, in_features).
        bias: (out_features,), or None.
    """
    check_floats("linear", x=x, weight=weight, bias=bias)
    op = _linear("linear", weight, bias is not None)
    if bias is None:
        return forward("linear", op, x, [weight], isa)
    check_shape("linear", "bias", bias, weight.shape[:1], "one for each output")
    return forward("linear", op, x, [weight, bias], isa)


def linear_backward(
    dy: Array, x: Array, weight: Array, *, bias: bool = True, isa: str | None = None
) -> tuple[Array, Array, Array | None]:
    """(dx, dweight, dbias) of `linear`; dbias is None without `bias`."""
    check_floats("linear_backward", x=x, weight=weight, dy=dy)
    op = _linear("linear_backward", weight, bias)
    dx, grads = backward("linear_backward", op, dy, x, [weight], isa)
    return dx, grads[0], grads[1] if bias else None


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


def flatten(x: Array, *, isa: str | None = None) -> Array:
    """(n, c, h, w) as (n, c * h * w)."""
    check_floats("flatten", x=x)
    return forward("flatten", _core.Flatten(), x, isa=isa)


def flatten_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `flatten`: dy in the shape of x."""
    check_floats("flatten_backward", x=x, dy=dy)
    return backward("flatten_backward", _core.Flatten(), dy, x, isa=isa)[0]


def add(a: Array, b: Array) -> Array:
    """a + b of one shape, the join of `nn.Residual`; nothing is broadcast."""
    check_floats("add", a=a, b=b)
    check_shape("add", "b", b, a.shape, "that of a")
    return a + b


def add_backward(dy: Array) -> tuple[Array, Array]:
    """(da, db) of `add`: dy, twice."""
    check_floats("add_backward", dy=dy)
    return dy.copy(), dy.copy()


def _conv2d(who: str, weight: Array, stride: Pair, padding: Padding, bias: bool) -> _core.Op:
    check_rank(who, "weight", weight, _FILTERS)
    c_out, c_in, kernel_h, kernel_w = weight.shape
    return _core.Conv2d(c_in, c_out, (kernel_h, kernel_w), stride, padding, bias)


def _linear(who: str, weight: Array, bias: bool) -> _core.Op:
    check_rank(who, "weight", weight, ("out_features", "in_features"))
    return _core.Linear(weight.shape[1], weight.shape[0], bias)
