"""Convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients, pair, sides


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


PAIRS = {
    "Conv2d": (conv2d, conv2d_backward),
}
