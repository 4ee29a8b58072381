"""Soft maxima over channels, axis 1 of two or more."""

from __future__ import annotations

import numpy as np

from .. import _core
from .._types import Array
from ._run import backward, check_floats, check_shape, forward


def softmax(x: Array, *, isa: str | None = None) -> Array:
    """exp(x) / sum of exp(x) along axis 1; see `nn.Softmax`."""
    return _forward("softmax", _core.Softmax(), x, isa)


def softmax_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `softmax`."""
    return _backward("softmax_backward", _core.Softmax(), dy, x, isa)


def log_softmax(x: Array, *, isa: str | None = None) -> Array:
    """x - log of the sum of exp(x) along axis 1; see `nn.LogSoftmax`."""
    return _forward("log_softmax", _core.LogSoftmax(), x, isa)


def log_softmax_backward(dy: Array, x: Array, *, isa: str | None = None) -> Array:
    """dx of `log_softmax`."""
    return _backward("log_softmax_backward", _core.LogSoftmax(), dy, x, isa)


def _forward(who: str, op: _core.Op, x: Array, isa: str | None) -> Array:
    check_floats(who, x=x)
    lines = _lines(who, x)
    return forward(who, op, lines, isa=isa).reshape(x.shape) if x.size else lines.copy()


def _backward(who: str, op: _core.Op, dy: Array, x: Array, isa: str | None) -> Array:
    check_floats(who, x=x, dy=dy)
    check_shape(who, "dy", dy, x.shape, "that of the output")
    lines = _lines(who, x)
    return backward(who, op, _lines(who, dy), lines, isa=isa)[0].reshape(x.shape) if x.size else lines.copy()


def _lines(who: str, x: Array) -> Array:
    """As the engine takes it: axes behind the channels as one, where they are many."""
    if x.ndim < 2:
        raise ValueError(f"{who}: x must have shape (n, c, ...), got {x.shape}")
    x = np.asarray(x)
    return x if x.ndim <= 4 or x.size == 0 else x.reshape(*x.shape[:2], -1)
