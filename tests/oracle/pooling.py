"""Pools."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients, pair, sides

#: the positions of a window along one axis that are on the image, and their number including padding
Places = tuple[list[int], int]


def pooled(h: int, k: int, s: int, before: int, after: int, ceil_mode: bool) -> int:
    """Windows along one axis; rounded up, the last must still start in the image or the padding before it.

    k is the number of positions from the first to the last of a window.
    """
    span = h + before + after - k
    count = (math.ceil(span / s) if ceil_mode else span // s) + 1
    return count - 1 if ceil_mode and (count - 1) * s >= h + before else count


def sliding(
    h: int, k: int, s: int, padding: Sequence[int], ceil_mode: bool, dilation: int = 1
) -> list[Places]:
    """Windows of k positions, s apart. Positions in the padding are included, those beyond it are not."""
    before, after = padding
    windows = []
    for i in range(pooled(h, (k - 1) * dilation + 1, s, before, after, ceil_mode)):
        places = [i * s - before + t * dilation for t in range(k)]
        windows.append(([p for p in places if 0 <= p < h], sum(p < h + after for p in places)))
    return windows


def adaptive(h: int, count: int) -> list[Places]:
    """`count` windows; window i has the positions from floor(i h / count) to ceil((i + 1) h / count)."""
    windows = (list(range(i * h // count, -((i + 1) * h // -count))) for i in range(count))
    return [(places, len(places)) for places in windows]


def cells(rows: list[Places], columns: list[Places]) -> Iterator[tuple[int, int, Any, tuple[int, int]]]:
    """(i, j, index of the window on images, its number of pixels without and with padding)."""
    every = slice(None)
    for i, (down, height) in enumerate(rows):
        for j, (right, width) in enumerate(columns):
            yield i, j, (every, every, *np.ix_(down, right)), (len(down) * len(right), height * width)


def largest(x: Array, rows: list[Places], columns: list[Places]) -> tuple[Array, Array]:
    """Maximum of each window, and its index in the channel: the first in row order, of NaNs the last."""
    n, c, h, w = x.shape
    y, at = np.zeros((n, c, len(rows), len(columns))), np.zeros((n, c, len(rows), len(columns)), np.int64)
    number = np.arange(h * w).reshape(h, w)
    for i, j, window, _ in cells(rows, columns):
        places = number[window[2:]].ravel()
        values = x[window].reshape(n, c, places.size)
        y[:, :, i, j] = values.max(axis=2)
        nan = np.isnan(values)
        last = nan.shape[2] - 1 - nan[:, :, ::-1].argmax(axis=2)
        at[:, :, i, j] = places[np.where(nan.any(axis=2), last, values.argmax(axis=2))]
    return y, at


def to_winners(dy: Array, x: Array, rows: list[Places], columns: list[Places]) -> Gradients:
    n, c, h, w = x.shape
    dx = np.zeros((n, c, h * w))
    _, at = largest(x, rows, columns)
    images, channels = np.ogrid[:n, :c]
    for i in range(len(rows)):
        for j in range(len(columns)):
            np.add.at(dx, (images, channels, at[:, :, i, j]), dy[:, :, i, j])
    return (dx.reshape(x.shape),)


Divisor = Callable[[int, int], int]


def mean(x: Array, rows: list[Places], columns: list[Places], divisor: Divisor) -> Array:
    """`divisor` of the pixels on the image and of those with padding."""
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for i, j, window, counts in cells(rows, columns):
        y[:, :, i, j] = x[window].sum(axis=(2, 3)) / divisor(*counts)
    return y


def to_all(dy: Array, x: Array, rows: list[Places], columns: list[Places], divisor: Divisor) -> Gradients:
    dx = np.zeros(x.shape)
    for i, j, window, counts in cells(rows, columns):
        dx[window] += (dy[:, :, i, j] / divisor(*counts))[:, :, None, None]
    return (dx,)


# --- on images --------------------------------------------------------------------------------------


def both(x: Array, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, dilation: Any = 1) -> Any:
    steps = pair(kernel_size if stride is None else stride)
    axes = zip(x.shape[2:], pair(kernel_size), steps, sides(padding), pair(dilation), strict=True)
    return [sliding(h, k, s, p, ceil_mode, d) for h, k, s, p, d in axes]


def max_pool2d(
    x: Array,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    dilation: Any = 1,
) -> Array:
    """y[n,c,i,j] = max of x[n,c] over the window at (i*sh - top, j*sw - left); NaN wins."""
    x = np.asarray(x, np.float64)
    return largest(x, *both(x, kernel_size, stride, padding, ceil_mode, dilation))[0]


def max_pool2d_backward(
    dy: Array,
    x: Array,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    dilation: Any = 1,
) -> Gradients:
    """Each dy is added at the first position in row order that has the maximum of its window."""
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    return to_winners(dy, x, *both(x, kernel_size, stride, padding, ceil_mode, dilation))


def counting(count_include_pad: bool, divisor_override: int | None) -> Divisor:
    return lambda inside, padded: divisor_override or (padded if count_include_pad else inside)


def avg_pool2d(
    x: Array,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    dilation: Any = 1,
) -> Array:
    """y[n,c,i,j] = sum of x[n,c] over the window at (i*sh - top, j*sw - left) / number of its pixels."""
    x = np.asarray(x, np.float64)
    windows = both(x, kernel_size, stride, padding, ceil_mode, dilation)
    return mean(x, *windows, counting(count_include_pad, divisor_override))


def avg_pool2d_backward(
    dy: Array,
    x: Array,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    dilation: Any = 1,
) -> Gradients:
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    windows = both(x, kernel_size, stride, padding, ceil_mode, dilation)
    return to_all(dy, x, *windows, counting(count_include_pad, divisor_override))


def grid(x: Array, output_size: Any) -> Any:
    return [adaptive(h, count) for h, count in zip(x.shape[2:], pair(output_size), strict=True)]


def adaptive_max_pool2d(x: Array, *, output_size: Any) -> Array:
    x = np.asarray(x, np.float64)
    return largest(x, *grid(x, output_size))[0]


def adaptive_max_pool2d_backward(dy: Array, x: Array, *, output_size: Any) -> Gradients:
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    return to_winners(dy, x, *grid(x, output_size))


def adaptive_avg_pool2d(x: Array, *, output_size: Any) -> Array:
    x = np.asarray(x, np.float64)
    return mean(x, *grid(x, output_size), lambda inside, _: inside)


def adaptive_avg_pool2d_backward(dy: Array, x: Array, *, output_size: Any) -> Gradients:
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    return to_all(dy, x, *grid(x, output_size), lambda inside, _: inside)


# --- on sequences: images of one row --------------------------------------------------------------------


def one_row(kernel_size: int, stride: int | None, padding: Any) -> dict[str, Any]:
    step = kernel_size if stride is None else stride
    return {"kernel_size": (1, kernel_size), "stride": (1, step), "padding": ((0, 0), pair(padding))}


def max_pool1d(
    x: Array,
    *,
    kernel_size: int,
    stride: int | None = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    dilation: int = 1,
) -> Array:
    rows = one_row(kernel_size, stride, padding)
    return max_pool2d(x[:, :, None], **rows, ceil_mode=ceil_mode, dilation=(1, dilation))[:, :, 0]


def max_pool1d_backward(
    dy: Array,
    x: Array,
    *,
    kernel_size: int,
    stride: int | None = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    dilation: int = 1,
) -> Gradients:
    rows = one_row(kernel_size, stride, padding)
    settings = {**rows, "ceil_mode": ceil_mode, "dilation": (1, dilation)}
    return (max_pool2d_backward(dy[:, :, None], x[:, :, None], **settings)[0][:, :, 0],)


def avg_pool1d(
    x: Array,
    *,
    kernel_size: int,
    stride: int | None = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    dilation: int = 1,
) -> Array:
    rows = {**one_row(kernel_size, stride, padding), "dilation": (1, dilation)}
    settings = {**rows, "ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
    return avg_pool2d(x[:, :, None], **settings)[:, :, 0]


def avg_pool1d_backward(
    dy: Array,
    x: Array,
    *,
    kernel_size: int,
    stride: int | None = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    dilation: int = 1,
) -> Gradients:
    rows = {**one_row(kernel_size, stride, padding), "dilation": (1, dilation)}
    settings = {**rows, "ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
    return (avg_pool2d_backward(dy[:, :, None], x[:, :, None], **settings)[0][:, :, 0],)


def adaptive_max_pool1d(x: Array, *, output_size: int) -> Array:
    return adaptive_max_pool2d(x[:, :, None], output_size=(1, output_size))[:, :, 0]


def adaptive_max_pool1d_backward(dy: Array, x: Array, *, output_size: int) -> Gradients:
    size = (1, output_size)
    return (adaptive_max_pool2d_backward(dy[:, :, None], x[:, :, None], output_size=size)[0][:, :, 0],)


def adaptive_avg_pool1d(x: Array, *, output_size: int) -> Array:
    return adaptive_avg_pool2d(x[:, :, None], output_size=(1, output_size))[:, :, 0]


def adaptive_avg_pool1d_backward(dy: Array, x: Array, *, output_size: int) -> Gradients:
    size = (1, output_size)
    return (adaptive_avg_pool2d_backward(dy[:, :, None], x[:, :, None], output_size=size)[0][:, :, 0],)


PAIRS = {
    "MaxPool1d": (max_pool1d, max_pool1d_backward),
    "MaxPool2d": (max_pool2d, max_pool2d_backward),
    "AvgPool1d": (avg_pool1d, avg_pool1d_backward),
    "AvgPool2d": (avg_pool2d, avg_pool2d_backward),
    "AdaptiveMaxPool1d": (adaptive_max_pool1d, adaptive_max_pool1d_backward),
    "AdaptiveMaxPool2d": (adaptive_max_pool2d, adaptive_max_pool2d_backward),
    "AdaptiveAvgPool1d": (adaptive_avg_pool1d, adaptive_avg_pool1d_backward),
    "AdaptiveAvgPool2d": (adaptive_avg_pool2d, adaptive_avg_pool2d_backward),
}
