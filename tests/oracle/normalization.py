"""Normalization of single images."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients


def _grouped(x: Array, groups: int) -> Array:
    """(n, groups, values of a group)."""
    return x.reshape(len(x), groups, -1) if x.size else x.reshape(0, groups, 1)


def _normal(x: Array, groups: int, eps: float) -> tuple[Array, Array]:
    """(x - mean) / deviation, and the deviation, (n, groups, 1)."""
    parts = _grouped(x, groups)
    if not x.size:
        return x, parts
    deviation = np.sqrt(parts.var(axis=2, keepdims=True) + eps)
    return ((parts - parts.mean(axis=2, keepdims=True)) / deviation).reshape(x.shape), deviation


def _through(d_normal: Array, normal: Array, deviation: Array, groups: int) -> Array:
    """dx from the gradient of the normal values."""
    if not normal.size:
        return normal
    d, v = _grouped(d_normal, groups), _grouped(normal, groups)
    dx = (d - d.mean(axis=2, keepdims=True) - v * (d * v).mean(axis=2, keepdims=True)) / deviation
    return dx.reshape(normal.shape)


def _by_channel(c: Array, x: Array) -> Array:
    return np.asarray(c, np.float64).reshape(-1, *[1] * (x.ndim - 2))


def group_norm(
    x: Array, w: Array | None = None, b: Array | None = None, *, num_groups: int, eps: float = 1e-5
) -> Array:
    """y = (x - mean) / sqrt(var + eps) * w[c] + b[c], mean and var over a group of channels of an image."""
    x = np.asarray(x, np.float64)
    y, _ = _normal(x, num_groups, eps)
    return y if w is None or b is None else y * _by_channel(w, x) + _by_channel(b, x)


def group_norm_backward(
    dy: Array,
    x: Array,
    w: Array | None = None,
    b: Array | None = None,
    *,
    num_groups: int,
    eps: float = 1e-5,
) -> Gradients:
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    normal, deviation = _normal(x, num_groups, eps)
    if w is None:
        return (_through(dy, normal, deviation, num_groups),)
    dx = _through(dy * _by_channel(w, x), normal, deviation, num_groups)
    axes = (0, *range(2, x.ndim))
    return dx, (dy * normal).sum(axes), dy.sum(axes)


def layer_norm(x: Array, w: Array | None = None, b: Array | None = None, *, eps: float = 1e-5) -> Array:
    """y = (x - mean) / sqrt(var + eps) * w + b, mean and var over an image."""
    y, _ = _normal(np.asarray(x, np.float64), 1, eps)
    return y if w is None or b is None else y * np.asarray(w, np.float64) + np.asarray(b, np.float64)


def layer_norm_backward(
    dy: Array, x: Array, w: Array | None = None, b: Array | None = None, *, eps: float = 1e-5
) -> Gradients:
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    normal, deviation = _normal(x, 1, eps)
    if w is None:
        return (_through(dy, normal, deviation, 1),)
    dx = _through(dy * np.asarray(w, np.float64), normal, deviation, 1)
    return dx, (dy * normal).sum(0), dy.sum(0)


def _neighbours(x: Array, size: int) -> Any:
    """(c, slice of the channels in c's window)."""
    for c in range(x.shape[1]):
        yield c, slice(max(c - size // 2, 0), c + (size - 1) // 2 + 1)


def local_response_norm(
    x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Array:
    """y[c] = x[c] / (k + alpha / size * sum of squares over c's window)^beta."""
    x = np.asarray(x, np.float64)
    y = np.empty_like(x)
    for c, window in _neighbours(x, size):
        y[:, c] = x[:, c] / (k + alpha / size * (x[:, window] ** 2).sum(axis=1)) ** beta
    return y


def local_response_norm_backward(
    dy: Array, x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Gradients:
    """dx[c] has a term for y[c], and by the sum of squares one for each y whose window contains c."""
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    dx = np.zeros_like(x)
    for c, window in _neighbours(x, size):
        s = k + alpha / size * (x[:, window] ** 2).sum(axis=1)
        dx[:, c] += dy[:, c] * s**-beta
        ds = dy[:, c] * x[:, c] * -beta * s ** (-beta - 1)
        dx[:, window] += ds[:, None] * alpha / size * 2 * x[:, window]
    return (dx,)


PAIRS = {
    "GroupNorm": (group_norm, group_norm_backward),
    "LayerNorm": (layer_norm, layer_norm_backward),
    "LocalResponseNorm": (local_response_norm, local_response_norm_backward),
}
