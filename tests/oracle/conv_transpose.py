"""Transposed convolutions: every input adds its multiple of the filter to the output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients, pair, sides
from tests.oracle.convolution import on_row, parts, row


def places(
    x: Array, kernel: tuple[int, int], stride: Any, dilation: Any
) -> Iterator[tuple[int, int, slice, slice]]:
    """(i, j, rows, columns): the part of the uncropped output that the input at (i, j) affects."""
    (kh, kw), (sh, sw), (dh, dw) = kernel, pair(stride), pair(dilation)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            rows = slice(i * sh, i * sh + (kh - 1) * dh + 1, dh)
            yield i, j, rows, slice(j * sw, j * sw + (kw - 1) * dw + 1, dw)


def uncut(
    x: Array, kernel: tuple[int, int], stride: Any, dilation: Any, output_padding: Any
) -> tuple[int, ...]:
    """Height and width before padding crops them."""
    settings = zip(x.shape[2:], kernel, pair(stride), pair(dilation), pair(output_padding), strict=True)
    return tuple((size - 1) * s + (k - 1) * d + 1 + extra for size, k, s, d, extra in settings)


def inside(size: tuple[int, ...], padding: Any) -> tuple[slice, slice]:
    (top, bottom), (left, right) = sides(padding)
    return slice(top, size[0] - bottom), slice(left, size[1] - right)


def conv_transpose2d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Array:
    """y[n,o,i*sh+k*dh,j*sw+l*dw] += x[n,c,i,j] * w[c,o,k,l], c and o of one group; then cut, plus b[o]."""
    x, w = np.asarray(x, np.float64), np.asarray(w, np.float64)
    size = uncut(x, w.shape[2:], stride, dilation, output_padding)
    y = np.zeros((len(x), w.shape[1] * groups, *size))
    for ins, outs in zip(parts(len(w), groups), parts(y.shape[1], groups), strict=True):
        for i, j, rows, columns in places(x, w.shape[2:], stride, dilation):
            y[:, outs, rows, columns] += np.tensordot(x[:, ins, i, j], w[ins], axes=([1], [0]))
    y = y[(slice(None), slice(None), *inside(size, padding))]
    return y if b is None else y + np.asarray(b, np.float64)[:, None, None]


def conv_transpose2d_backward(
    dy: Array,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Gradients:
    """dx sums dy * w over the outputs of each x, dw sums dy * x; db[o] = sum of dy over n,i,j."""
    dy, x, w = (np.asarray(a, np.float64) for a in (dy, x, w))
    size = uncut(x, w.shape[2:], stride, dilation, output_padding)
    whole = np.zeros((*dy.shape[:2], *size))
    whole[(slice(None), slice(None), *inside(size, padding))] = dy
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for ins, outs in zip(parts(len(w), groups), parts(dy.shape[1], groups), strict=True):
        for i, j, rows, columns in places(x, w.shape[2:], stride, dilation):
            seen = whole[:, outs, rows, columns]
            dx[:, ins, i, j] = np.tensordot(seen, w[ins], axes=([1, 2, 3], [1, 2, 3]))
            dw[ins] += np.tensordot(x[:, ins, i, j], seen, axes=([0], [0]))
    return (dx, dw) if b is None else (dx, dw, dy.sum(axis=(0, 2, 3)))


def conv_transpose1d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: int = 1,
    padding: Any = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
) -> Array:
    """conv_transpose2d on images of one row."""
    window = {"stride": stride, "padding": padding, "output_padding": output_padding}
    settings = on_row({**window, "groups": groups, "dilation": dilation})
    return conv_transpose2d(row(x), row(w), b, **settings)[:, :, 0]


def conv_transpose1d_backward(
    dy: Array,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: int = 1,
    padding: Any = 0,
    output_padding: int = 0,
    groups: int = 1,
    dilation: int = 1,
) -> Gradients:
    window = {"stride": stride, "padding": padding, "output_padding": output_padding}
    settings = on_row({**window, "groups": groups, "dilation": dilation})
    dx, dw, *db = conv_transpose2d_backward(row(dy), row(x), row(w), b, **settings)
    return (dx[:, :, 0], dw[:, :, 0], *db)


PAIRS = {
    "ConvTranspose1d": (conv_transpose1d, conv_transpose1d_backward),
    "ConvTranspose2d": (conv_transpose2d, conv_transpose2d_backward),
}
