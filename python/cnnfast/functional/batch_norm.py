"""Batch normalization and dropout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import _core
from .._checks import check_integer, check_number
from .._types import Array
from ._run import as_rows, check_floats, check_shape, plan_of


def batch_norm(
    x: Array,
    running_mean: Array,
    running_var: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    isa: str | None = None,
) -> Array:
    """(x - mean) / sqrt(var + eps) * weight + bias for each channel; see `nn.BatchNorm2d`.

    Args:
        x: (n, c), (n, c, l) or (n, c, h, w).
        running_mean, running_var: (c,). With `training` they are updated in place, and mean and variance are
            those of the batch; otherwise they are used as mean and variance.
        weight, bias: (c,), both or neither.

    Raises:
        TypeError, ValueError: Arrays or settings that do not fit; a negative running_var.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> x = np.array([[1.0], [3.0]])
        >>> functional.batch_norm(x, np.zeros(1), np.ones(1), training=True).round(3)
        array([[-1.],
               [ 1.]])
    """
    who = "batch_norm"
    affine = {"weight": weight, "bias": bias}
    check_floats(who, affine, x=x, running_mean=running_mean, running_var=running_var)
    if momentum is None:
        raise TypeError(
            f"{who}: momentum must be a number, got None; use nn.BatchNorm2d for cumulative means"
        )
    op = _batch_norm(who, x, weight is not None, momentum, eps)
    shape = x.shape[1:2]
    _check_running(who, running_mean, running_var, shape)
    flat = np.concatenate([*_affine(who, weight, bias, shape), running_mean, running_var])
    plan = plan_of(who, op, x, isa, False)
    x = np.ascontiguousarray(x)
    if not training:
        return plan.forward(x, flat)
    y, tape = plan.forward_train(x, flat)
    plan.update_buffers(flat, np.zeros_like(flat), tape)
    running_mean[...], running_var[...] = flat[-2 * len(running_var) :].reshape(2, -1)
    return y


def batch_norm_backward(
    dy: Array,
    x: Array,
    weight: Array | None = None,
    *,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    training: bool = True,
    eps: float = 1e-5,
    isa: str | None = None,
) -> tuple[Array, Array | None, Array | None]:
    """(dx, dweight, dbias) of `batch_norm`; the last two are None without `weight`.

    Args:
        dy, x: The shape of x.
        weight: (c,), or None.
        running_mean, running_var: (c,), mean and variance without `training`, which needs both.
        training: Whether mean and variance are those of the batch, through which gradients flow too.
    """
    who = "batch_norm_backward"
    check_floats(
        who, {"weight": weight, "running_mean": running_mean, "running_var": running_var}, x=x, dy=dy
    )
    op = _batch_norm(who, x, weight is not None, 0.0, eps, use_running_stats=not training)
    check_shape(who, "dy", dy, x.shape, "that of x")
    c = x.shape[1]
    flat = np.zeros(c * (4 if weight is not None else 2), x.dtype)
    if weight is not None:
        check_shape(who, "weight", weight, (c,), "one for each channel")
        flat[:c] = weight
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError(f"{who}: training=False needs running_mean and running_var")
        _check_running(who, running_mean, running_var, (c,))
        flat[-2 * c :] = np.concatenate([running_mean, running_var])
    plan = plan_of(who, op, x, isa, False)
    _, tape = plan.forward_train(np.ascontiguousarray(x), flat)
    grads = np.zeros_like(flat)
    dx = plan.backward(np.ascontiguousarray(dy), tape, flat, grads)
    return (dx, None, None) if weight is None else (dx, grads[:c], grads[c : 2 * c])


def dropout(x: Array, p: float = 0.5, *, seed: int, isa: str | None = None) -> Array:
    """x / (1 - p), or 0 with probability p; see `nn.Dropout`. The same seed gives the same mask.

    Args:
        x: Any shape.
        p: 0 to 1.
        seed: 0 or more.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> y = functional.dropout(np.ones((1, 1000)), 0.25, seed=0)
        >>> bool(0.2 < (y == 0).mean() < 0.3), float(y.max().round(3))
        (True, 1.333)
    """
    return _dropout("dropout", _core.Dropout, p, seed, isa, x=x)


def dropout_backward(dy: Array, p: float = 0.5, *, seed: int, isa: str | None = None) -> Array:
    """dx of `dropout` with the same p and seed: dy / (1 - p), or 0 where x was dropped."""
    return _dropout("dropout_backward", _core.Dropout, p, seed, isa, dy=dy)


def dropout2d(x: Array, p: float = 0.5, *, seed: int, isa: str | None = None) -> Array:
    """`dropout` of whole channels of images (n, c, h, w); see `nn.Dropout2d`."""
    return _dropout("dropout2d", _core.Dropout2d, p, seed, isa, x=x)


def dropout2d_backward(dy: Array, p: float = 0.5, *, seed: int, isa: str | None = None) -> Array:
    """dx of `dropout2d` with the same p and seed."""
    return _dropout("dropout2d_backward", _core.Dropout2d, p, seed, isa, dy=dy)


def _dropout(
    who: str, kind: Callable[[float], _core.Op], p: float, seed: int, isa: str | None, **given: Array
) -> Array:
    """Dropout of the array x or dy, given by keyword."""
    check_floats(who, **given)
    (x,) = given.values()
    op = kind(check_number(who, "p", p, 0, 1))
    seed = check_integer(who, "seed", seed, 0)
    rows = as_rows(x) if kind is _core.Dropout else x
    if rows.size == 0:
        return rows.copy()
    plan = plan_of(who, op, rows, isa, False)
    y = plan.forward_train(np.ascontiguousarray(rows), np.empty(0, x.dtype), seed % 2**64)[0]
    return y.reshape(x.shape)


def _check_running(who: str, mean: Array, var: Array, shape: tuple[int, ...]) -> None:
    check_shape(who, "running_mean", mean, shape, "one for each channel")
    check_shape(who, "running_var", var, shape, "one for each channel")
    if (var < 0).any():
        at = int((var < 0).argmax())
        raise ValueError(f"{who}: running_var must not be negative, got {var[at]} at position {at}")


def _batch_norm(
    who: str, x: Array, affine: bool, momentum: float, eps: float, use_running_stats: bool = False
) -> _core.Op:
    if x.ndim not in (2, 3, 4):
        raise ValueError(f"{who}: x must have shape (n, c), (n, c, l) or (n, c, h, w), got {x.shape}")
    kind = _core.BatchNorm2d if x.ndim == 4 else _core.BatchNorm1d
    return kind(x.shape[1], eps, momentum, affine, use_running_stats)


def _affine(who: str, weight: Array | None, bias: Array | None, shape: tuple[int, ...]) -> list[Array]:
    if (weight is None) != (bias is None):
        raise ValueError(f"{who}: weight and bias go together; give both or neither")
    if weight is None or bias is None:
        return []
    check_shape(who, "weight", weight, shape, "one for each channel")
    check_shape(who, "bias", bias, shape, "one for each channel")
    return [weight, bias]
