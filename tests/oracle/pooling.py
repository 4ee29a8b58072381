"""Pools."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients, pair, sides


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


PAIRS = {
    "MaxPool2d": (max_pool2d, max_pool2d_backward),
}
