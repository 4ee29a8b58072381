"""The fully connected product."""

from __future__ import annotations

import math

import numpy as np

from .. import _core
from .._checks import check_number, ieee_arithmetic
from .._types import Array
from ._run import backward, check_floats, check_rank, check_shape, forward


def linear(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    isa: str | None = None,
) -> Array:
    """alpha * x @ weight.T + beta * bias; see `nn.Linear`.

    Args:
        x: (n, in_features).
        weight: (out_features, in_features).
        bias: (out_features,), or None.
        alpha, beta: Factors of the weight and of the bias, which are rounded to the dtype once multiplied:
            those of ONNX's Gemm.
    """
    who = "linear"
    check_floats(who, {"bias": bias}, x=x, weight=weight)
    op = _linear(who, weight, bias is not None)
    parameters = [_scaled(who, "alpha", alpha, weight)]
    if bias is not None:
        check_shape(who, "bias", bias, weight.shape[:1], "one for each output")
        parameters.append(_scaled(who, "beta", beta, bias))
    return forward(who, op, x, parameters, isa)


def linear_backward(
    dy: Array,
    x: Array,
    weight: Array,
    *,
    bias: bool = True,
    alpha: float = 1.0,
    beta: float = 1.0,
    isa: str | None = None,
) -> tuple[Array, Array, Array | None]:
    """(dx, dweight, dbias) of `linear`; dbias is None without `bias`."""
    who = "linear_backward"
    check_floats(who, x=x, weight=weight, dy=dy)
    op = _linear(who, weight, bias)
    dx, grads = backward(who, op, dy, x, [_scaled(who, "alpha", alpha, weight)], isa)
    dweight = _scaled(who, "alpha", alpha, grads[0])
    return dx, dweight, _scaled(who, "beta", beta, grads[1]) if bias else None


def _linear(who: str, weight: Array, bias: bool) -> _core.Op:
    check_rank(who, "weight", weight, ("out_features", "in_features"))
    return _core.Linear(weight.shape[1], weight.shape[0], bias)


@ieee_arithmetic
def _scaled(who: str, name: str, factor: float, values: Array) -> Array:
    """The values times a factor, in their dtype; themselves where it is 1."""
    factor = check_number(who, name, factor, -math.inf, math.inf)
    return values if factor == 1 else np.multiply(values, values.dtype.type(factor))
