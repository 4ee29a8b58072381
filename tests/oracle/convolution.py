"""Convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients, pair, sides


def pad(x: Array, padding: Any) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *sides(padding)))


def positions(
    h: int, w: int, kernel: tuple[int, int], stride: Any, dilation: Any = 1
) -> Iterator[tuple[int, int, slice, slice]]:
    """(i, j, rows, columns): the part of an (h, w) plane in the window of the output at (i, j)."""
    (kh, kw), (sh, sw), (dh, dw) = kernel, pair(stride), pair(dilation)
    rows, columns = (kh - 1) * dh + 1, (kw - 1) * dw + 1
    for i in range((h - rows) // sh + 1):
        for j in range((w - columns) // sw + 1):
            yield i, j, slice(i * sh, i * sh + rows, dh), slice(j * sw, j * sw + columns, dw)


def parts(count: int, groups: int) -> list[slice]:
    """The channels of each group."""
    size = count // groups
    return [slice(g * size, (g + 1) * size) for g in range(groups)]


def conv2d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    """y[n,o,i,j] = b[o] + sum over c,k,l of w[o,c,k,l] * padded x[n,c,i*sh+k*dh,j*sw+l*dw], c of a group."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    xp, kernel = pad(x, padding), w.shape[2:]
    cells = list(positions(*xp.shape[2:], kernel, stride, dilation))
    y = np.zeros((len(x), len(w), cells[-1][0] + 1, cells[-1][1] + 1))
    for ins, outs in zip(parts(x.shape[1], groups), parts(len(w), groups), strict=True):
        for i, j, rows, columns in cells:
            y[:, outs, i, j] = np.tensordot(xp[:, ins, rows, columns], w[outs], axes=([1, 2, 3], [1, 2, 3]))
    return y if b is None else y + np.asarray(b, np.float64)[:, None, None]


def conv2d_backward(
    dy: Array,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Gradients:
    """For each product x * w in y, dx gets dy * w and dw gets dy * x; db[o] = sum of dy over n,i,j."""
    dy, x, w = (np.asarray(a, np.float64) for a in (dy, x, w))
    xp, dw = pad(x, padding), np.zeros(w.shape)
    dxp = np.zeros(xp.shape)
    for ins, outs in zip(parts(x.shape[1], groups), parts(len(w), groups), strict=True):
        for i, j, rows, columns in positions(*xp.shape[2:], w.shape[2:], stride, dilation):
            dw[outs] += np.tensordot(dy[:, outs, i, j], xp[:, ins, rows, columns], axes=([0], [0]))
            dxp[:, ins, rows, columns] += np.tensordot(dy[:, outs, i, j], w[outs], axes=([1], [0]))
    (top, _), (left, _) = sides(padding)
    dx = dxp[:, :, top : top + x.shape[2], left : left + x.shape[3]]
    return (dx, dw) if b is None else (dx, dw, dy.sum(axis=(0, 2, 3)))


def row(x: Array | None) -> Array | None:
    """A sequence as an image of one row."""
    return None if x is None else np.asarray(x)[:, :, None]


def on_row(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of a sequence as those of an image of one row; a single number is for the sequence's axis."""
    settings = dict(settings)
    padding = pair(settings.pop("padding", 0))
    groups = settings.pop("groups", 1)
    neutral = {"output_padding": 0}
    axes = {key: (neutral.get(key, 1), value) for key, value in settings.items()}
    return {**axes, "padding": ((0, 0), padding), "groups": groups}


def conv1d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: int = 1,
    padding: Any = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """y[n,o,i] = b[o] + sum over c,k of w[o,c,k] * padded x[n,c,i*s+k*d]: conv2d on images of one row."""
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return conv2d(row(x), row(w), b, **on_row(settings))[:, :, 0]


def conv1d_backward(
    dy: Array,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: int = 1,
    padding: Any = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Gradients:
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    dx, dw, *db = conv2d_backward(row(dy), row(x), row(w), b, **on_row(settings))
    return (dx[:, :, 0], dw[:, :, 0], *db)


PAIRS = {
    "Conv1d": (conv1d, conv1d_backward),
    "Conv2d": (conv2d, conv2d_backward),
}
