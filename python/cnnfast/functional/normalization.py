"""Normalization within single images."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np

from .. import _core
from .._checks import ieee_arithmetic
from .._types import Array
from ._run import backward, check_floats, check_shape, forward


def group_norm(
    x: Array,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    *,
    isa: str | None = None,
) -> Array:
    """Mean 0 and variance 1 for each group of channels of each image; see `nn.GroupNorm`.

    Args:
        x: (n, c, ...).
        weight, bias: (c,), both or neither.
    """
    who = "group_norm"
    check_floats(who, {"weight": weight, "bias": bias}, x=x)
    op = _group_norm(who, x, num_groups, eps, weight is not None)
    return forward(who, op, x, _affine(who, weight, bias, x.shape[1:2], "one for each channel"), isa)


def group_norm_backward(
    dy: Array,
    x: Array,
    num_groups: int,
    weight: Array | None = None,
    *,
    eps: float = 1e-5,
    isa: str | None = None,
) -> tuple[Array, Array | None, Array | None]:
    """(dx, dweight, dbias) of `group_norm`; the last two are None without `weight`."""
    who = "group_norm_backward"
    check_floats(who, {"weight": weight}, x=x, dy=dy)
    op = _group_norm(who, x, num_groups, eps, weight is not None)
    return _all_three(who, op, dy, x, weight, x.shape[1:2], isa)


@overload
def layer_norm(
    x: Array,
    *,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    return_stats: Literal[False] = False,
    isa: str | None = None,
) -> Array: ...
@overload
def layer_norm(
    x: Array,
    *,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    return_stats: Literal[True],
    isa: str | None = None,
) -> tuple[Array, Array, Array]: ...
def layer_norm(
    x: Array,
    *,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    return_stats: bool = False,
    isa: str | None = None,
) -> Array | tuple[Array, Array, Array]:
    """Mean 0 and variance 1 for each image; see `nn.LayerNorm`.

    With `return_stats` (y, mean, inv_std), the outputs of ONNX's LayerNormalization: inv_std is
    1 / sqrt(var + eps), and both have one number for each image in the shape (n, 1, ...).

    Args:
        x: (n, ...).
        weight, bias: The shape of one image, both or neither.
        return_stats: Whether mean and inverse standard deviation are returned too; they are summed in
            float64 and rounded to the dtype of x.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> y, mean, inv_std = functional.layer_norm(np.array([[1.0, 5.0]]), eps=1e-12, return_stats=True)
        >>> y.round(3), mean, inv_std.round(3)
        (array([[-1.,  1.]]), array([[3.]]), array([[0.5]]))
    """
    who = "layer_norm"
    check_floats(who, {"weight": weight, "bias": bias}, x=x)
    op = _core.LayerNorm(x.shape[1:], eps, weight is not None)
    y = forward(who, op, x, _affine(who, weight, bias, x.shape[1:], "that of one image"), isa)
    return (y, *_statistics(x, eps)) if return_stats else y


def layer_norm_backward(
    dy: Array, x: Array, *, weight: Array | None = None, eps: float = 1e-5, isa: str | None = None
) -> tuple[Array, Array | None, Array | None]:
    """(dx, dweight, dbias) of `layer_norm`; the last two are None without `weight`."""
    who = "layer_norm_backward"
    check_floats(who, {"weight": weight}, x=x, dy=dy)
    op = _core.LayerNorm(x.shape[1:], eps, weight is not None)
    return _all_three(who, op, dy, x, weight, x.shape[1:], isa)


def _group_norm(who: str, x: Array, num_groups: int, eps: float, affine: bool) -> _core.Op:
    if x.ndim < 2:
        raise ValueError(f"{who}: x must have shape (n, c, ...), got {x.shape}")
    return _core.GroupNorm(num_groups, x.shape[1], eps, affine)


@ieee_arithmetic
def _statistics(x: Array, eps: float) -> tuple[Array, Array]:
    """Mean and inverse standard deviation of each image, (n, 1, ...)."""
    values, axes = np.asarray(x, np.float64), tuple(range(1, x.ndim))
    mean, var = values.mean(axes, keepdims=True), values.var(axes, keepdims=True)
    return mean.astype(x.dtype), (1 / np.sqrt(var + eps)).astype(x.dtype)


def _affine(
    who: str, weight: Array | None, bias: Array | None, shape: tuple[int, ...], meaning: str
) -> list[Array]:
    if (weight is None) != (bias is None):
        raise ValueError(f"{who}: weight and bias go together; give both or neither")
    if weight is None or bias is None:
        return []
    check_shape(who, "weight", weight, shape, meaning)
    check_shape(who, "bias", bias, shape, meaning)
    return [weight, bias]


def _all_three(
    who: str, op: _core.Op, dy: Array, x: Array, weight: Array | None, shape: tuple[int, ...], isa: str | None
) -> tuple[Array, Array | None, Array | None]:
    if weight is None:
        return backward(who, op, dy, x, isa=isa)[0], None, None
    check_shape(who, "weight", weight, shape, "that of the parameters")
    dx, grads = backward(who, op, dy, x, [weight], isa)
    return dx, grads[0], grads[1]
