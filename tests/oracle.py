"""Slow float64 definitions of every operation, forward above backward: the truth kernels are tested against.

Each pair has one shape: `f(*arrays, **settings) -> y` and `f_backward(dy, *arrays, **settings) -> tuple`, one
gradient for each array, in the same order. Letters as in the kernels: x input, w weight, b bias, dy = dL/dy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Gradients = tuple[Array, ...]


def pair(value: Any) -> tuple[int, int]:
    """3 -> (3, 3): one number counts for height and width."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def sides(padding: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """1, (1, 2) or ((0, 1), (2, 3)) -> ((top, bottom), (left, right))."""
    height, width = pair(padding)
    return pair(height), pair(width)


# --- convolution ----------------------------------------------------------------------------------


def pad(x: Array, padding: Any) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *sides(padding)))


def positions(
    h: int, w: int, kernel: tuple[int, int], stride: Any
) -> Iterator[tuple[int, int, slice, slice]]:
    """(i, j, rows, columns): which part of an (h, w) plane the output at (i, j) sees."""
    (kh, kw), (sh, sw) = kernel, pair(stride)
    for i in range((h - kh) // sh + 1):
        for j in range((w - kw) // sw + 1):
            yield i, j, slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw)


def conv2d(x: Array, w: Array, b: Array | None = None, *, stride: Any = 1, padding: Any = 0) -> Array:
    """y[n,o,i,j] = b[o] + sum over c,k,l of w[o,c,k,l] * padded x[n,c,i*sh+k,j*sw+l]."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    xp, (sh, sw), (kh, kw) = pad(x, padding), pair(stride), w.shape[2:]
    y = np.zeros((len(x), len(w), (xp.shape[2] - kh) // sh + 1, (xp.shape[3] - kw) // sw + 1))
    for i, j, rows, columns in positions(*xp.shape[2:], (kh, kw), stride):
        y[:, :, i, j] = np.tensordot(xp[:, :, rows, columns], w, axes=([1, 2, 3], [1, 2, 3]))
    return y if b is None else y + np.asarray(b, np.float64)[:, None, None]


def conv2d_backward(
    dy: Array, x: Array, w: Array, b: Array | None = None, *, stride: Any = 1, padding: Any = 0
) -> Gradients:
    """Each y that saw x * w hands dy * w to dx and dy * x to dw; db[o] = sum of dy over n,i,j."""
    dy, x, w = (np.asarray(a, np.float64) for a in (dy, x, w))
    xp, dw = pad(x, padding), np.zeros(w.shape)
    dxp = np.zeros(xp.shape)
    for i, j, rows, columns in positions(*xp.shape[2:], w.shape[2:], stride):
        dw += np.tensordot(dy[:, :, i, j], xp[:, :, rows, columns], axes=([0], [0]))
        dxp[:, :, rows, columns] += np.tensordot(dy[:, :, i, j], w, axes=([1], [0]))
    (top, _), (left, _) = sides(padding)
    dx = dxp[:, :, top : top + x.shape[2], left : left + x.shape[3]]
    return (dx, dw) if b is None else (dx, dw, dy.sum(axis=(0, 2, 3)))


# --- pooling --------------------------------------------------------------------------------------


def pooled(h: int, k: int, s: int, before: int, after: int, ceil_mode: bool) -> int:
    """Windows along one axis; rounded up, the last must still start in the image or the padding before it."""
    span = h + before + after - k
    count = (math.ceil(span / s) if ceil_mode else span // s) + 1
    return count - 1 if ceil_mode and (count - 1) * s >= h + before else count


def windows(
    h: int, w: int, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool
) -> Iterator[tuple[int, int, slice, slice]]:
    """(i, j, rows, columns), cut off at the image's border: padding never wins, so it is not looked at."""
    (kh, kw), (sh, sw) = pair(kernel_size), pair(kernel_size if stride is None else stride)
    (top, bottom), (left, right) = sides(padding)
    for i in range(pooled(h, kh, sh, top, bottom, ceil_mode)):
        for j in range(pooled(w, kw, sw, left, right, ceil_mode)):
            r, c = i * sh - top, j * sw - left
            yield i, j, slice(max(r, 0), min(r + kh, h)), slice(max(c, 0), min(c + kw, w))


def max_pool2d(
    x: Array, *, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False
) -> Array:
    """y[n,c,i,j] = max of x[n,c] over the window at (i*sh - top, j*sw - left); NaN wins."""
    x = np.asarray(x, np.float64)
    n, c, h, w = x.shape
    cells = list(windows(h, w, kernel_size, stride, padding, ceil_mode))
    y = np.zeros((n, c, cells[-1][0] + 1, cells[-1][1] + 1))
    for i, j, rows, columns in cells:
        y[:, :, i, j] = x[:, :, rows, columns].max(axis=(2, 3))
    return y


def max_pool2d_backward(
    dy: Array, x: Array, *, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False
) -> Gradients:
    """Each dy goes to the first place in row order that holds the maximum of its window."""
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    n, c, h, w = x.shape
    dx = np.zeros(x.shape)
    images, channels = np.ogrid[:n, :c]
    for i, j, rows, columns in windows(h, w, kernel_size, stride, padding, ceil_mode):
        window = x[:, :, rows, columns]
        winner = window.reshape(n, c, math.prod(window.shape[2:])).argmax(axis=2)
        row, column = np.unravel_index(winner, window.shape[2:])
        dx[images, channels, rows.start + row, columns.start + column] += dy[:, :, i, j]
    return (dx,)


# --- products and biases --------------------------------------------------------------------------


def linear(x: Array, w: Array, b: Array | None = None) -> Array:
    """y[n,o] = b[o] + sum over i of w[o,i] * x[n,i]."""
    y = np.asarray(x, np.float64) @ np.asarray(w, np.float64).T
    return y if b is None else y + np.asarray(b, np.float64)


def linear_backward(dy: Array, x: Array, w: Array, b: Array | None = None) -> Gradients:
    """dx = dy w, dw = dy^T x, db = sum of dy over n."""
    dy, x, w = (np.asarray(a, np.float64) for a in (dy, x, w))
    return (dy @ w, dy.T @ x) if b is None else (dy @ w, dy.T @ x, dy.sum(axis=0))


def channel_bias(x: Array, b: Array) -> Array:
    """y[n,c,i,j] = x[n,c,i,j] + b[c]."""
    return np.asarray(x, np.float64) + np.asarray(b, np.float64)[:, None, None]


def channel_bias_backward(dy: Array, x: Array, b: Array) -> Gradients:
    dy = np.asarray(dy, np.float64)
    return dy, dy.sum(axis=(0, 2, 3))


def position_bias(x: Array, b: Array) -> Array:
    """y[n,c,i,j] = x[n,c,i,j] + b[c,i,j]."""
    return np.asarray(x, np.float64) + np.asarray(b, np.float64)


def position_bias_backward(dy: Array, x: Array, b: Array) -> Gradients:
    dy = np.asarray(dy, np.float64)
    return dy, dy.sum(axis=0)


def add(a: Array, b: Array) -> Array:
    """y = a + b."""
    return np.asarray(a, np.float64) + np.asarray(b, np.float64)


def add_backward(dy: Array, a: Array, b: Array) -> Gradients:
    dy = np.asarray(dy, np.float64)
    return dy, dy


def flatten(x: Array) -> Array:
    """(n, c, h, w) -> (n, c*h*w), rows before columns, channels outermost."""
    return np.asarray(x, np.float64).reshape(len(x), math.prod(np.shape(x)[1:]))


def flatten_backward(dy: Array, x: Array) -> Gradients:
    return (np.asarray(dy, np.float64).reshape(np.shape(x)),)


# --- activations ----------------------------------------------------------------------------------


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


# --- losses: unreduced, one number a row ----------------------------------------------------------


def nll(log_probs: Array, target: Array) -> Array:
    """loss[n] = -log_probs[n, target[n]]."""
    return -np.asarray(log_probs, np.float64)[np.arange(len(target)), target]


def nll_backward(log_probs: Array, target: Array) -> Array:
    """-1 at the target, 0 elsewhere: d loss[n] / d log_probs[n]."""
    d = np.zeros(np.shape(log_probs))
    d[np.arange(len(target)), target] = -1
    return d


def cross_entropy(logits: Array, target: Array) -> Array:
    """loss[n] = -log softmax(logits)[n, target[n]]."""
    return nll(log_softmax(logits), target)


def cross_entropy_backward(logits: Array, target: Array) -> Array:
    """softmax(logits) - one at the target."""
    return softmax(logits) + nll_backward(logits, target)


#: name of the Op class in _core -> (forward, backward)
PAIRS: dict[str, tuple[Callable[..., Array], Callable[..., Gradients]]] = {
    "Conv2d": (conv2d, conv2d_backward),
    "MaxPool2d": (max_pool2d, max_pool2d_backward),
    "Linear": (linear, linear_backward),
    "ChannelBias": (channel_bias, channel_bias_backward),
    "PositionBias": (position_bias, position_bias_backward),
    "Add": (add, add_backward),
    "Flatten": (flatten, flatten_backward),
    "ReLU": (relu, relu_backward),
    "GELU": (gelu, gelu_backward),
    "Softmax": (softmax, softmax_backward),
    "LogSoftmax": (log_softmax, log_softmax_backward),
}
