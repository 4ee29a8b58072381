"""Activations and soft maxima."""

from __future__ import annotations

import math

import numpy as np

from tests.oracle.common import Array, Gradients


def relu(x: Array) -> Array:
    """y = max(x, 0); NaN stays NaN."""
    return np.maximum(np.asarray(x, np.float64), 0.0)


def relu_backward(dy: Array, x: Array) -> Gradients:
    """Nothing where x <= 0 (whatever dy is, even Inf), dy elsewhere, NaN counted as elsewhere."""
    return (np.where(np.asarray(x) <= 0, 0.0, np.asarray(dy, np.float64)),)


def gelu(x: Array, *, approximate: str = "none") -> Array:
    """none: y = x/2 * (1 + erf(x / sqrt 2)); tanh: y = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))."""
    x = np.asarray(x, np.float64)
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    # erfc keeps the digits for x << 0, where 1 + erf cancels
    return x * 0.5 * np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2))


def gelu_backward(dy: Array, x: Array, *, approximate: str = "none") -> Gradients:
    """none: dx = dy * (Phi(x) + x * phi(x)); tanh: the derivative of the formula above by the chain rule."""
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    if approximate == "tanh":
        u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
        return (dy * (0.5 * (1 + np.tanh(u)) + 0.5 * x * du / np.cosh(np.clip(u, -300, 300)) ** 2),)
    cumulative = 0.5 * np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2))
    return (dy * (cumulative + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)),)


def softmax(x: Array) -> Array:
    """y = exp x / sum of exp x over axis 1; the maximum is taken off first so that exp cannot overflow."""
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
    "ReLU": (relu, relu_backward),
    "GELU": (gelu, gelu_backward),
    "Softmax": (softmax, softmax_backward),
    "LogSoftmax": (log_softmax, log_softmax_backward),
}
