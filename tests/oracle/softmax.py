"""Softmax and log-softmax."""

from __future__ import annotations

import numpy as np

from tests.oracle.common import Array, Gradients


def softmax(x: Array) -> Array:
    """y = exp x / sum of exp x over axis 1; the maximum is subtracted first so that exp cannot overflow."""
    x = np.asarray(x, np.float64)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_backward(dy: Array, x: Array) -> Gradients:
    """dx = y * (dy - sum of dy * y over axis 1)."""
    dy, y = np.asarray(dy, np.float64), softmax(x)
    return (y * (dy - (dy * y).sum(axis=1, keepdims=True)),)


def log_softmax(x: Array) -> Array:
    """y = x - log of sum of exp x over axis 1."""
    x = np.asarray(x, np.float64)
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_softmax_backward(dy: Array, x: Array) -> Gradients:
    """dx = dy - softmax(x) * sum of dy over axis 1."""
    dy = np.asarray(dy, np.float64)
    return (dy - softmax(x) * dy.sum(axis=1, keepdims=True),)


PAIRS = {
    "Softmax": (softmax, softmax_backward),
    "LogSoftmax": (log_softmax, log_softmax_backward),
}
