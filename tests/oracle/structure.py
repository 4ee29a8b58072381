"""Operations that rearrange or combine values."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients


def add(a: Array, b: Array) -> Array:
    """y = a + b."""
    return np.asarray(a, np.float64) + np.asarray(b, np.float64)


def add_backward(dy: Array, a: Array, b: Array) -> Gradients:
    dy = np.asarray(dy, np.float64)
    return dy, dy


def mul(a: Array, b: Array) -> Array:
    """y = a * b."""
    return np.asarray(a, np.float64) * np.asarray(b, np.float64)


def mul_backward(dy: Array, a: Array, b: Array) -> Gradients:
    return mul(dy, b), mul(dy, a)


def concat(*xs: Array) -> Array:
    """y[n] = the channels of the first x[n], then those of the second, ..."""
    channels = [x.shape[1] for x in xs]
    y = np.zeros((len(xs[0]), sum(channels), *xs[0].shape[2:]))
    for k, x in enumerate(xs):
        y[:, sum(channels[:k]) : sum(channels[: k + 1])] = x
    return y


def concat_backward(dy: Array, *xs: Array) -> Gradients:
    dy, starts = np.asarray(dy, np.float64), np.cumsum([0, *(x.shape[1] for x in xs)])
    return tuple(dy[:, a:b] for a, b in pairwise(starts))


def reshape(x: Array, *, shape: Any) -> Array:
    """The same numbers, last axis fastest, as (n, *shape)."""
    rest = math.prod(np.shape(x)[1:]) // -math.prod(shape) if -1 in shape else 0
    return np.asarray(x, np.float64).reshape(len(x), *(rest if extent == -1 else extent for extent in shape))


def reshape_backward(dy: Array, x: Array, *, shape: Any) -> Gradients:
    return (np.asarray(dy, np.float64).reshape(np.shape(x)),)


def flatten(x: Array, *, start_dim: int = 1, end_dim: int = -1) -> Array:
    """(n, c, h, w) -> (n, c*h*w), rows before columns, channels outermost; or only some of these axes."""
    shape = np.shape(x)
    end = end_dim % len(shape) + 1
    start = start_dim % len(shape)
    return np.asarray(x, np.float64).reshape(*shape[:start], math.prod(shape[start:end]), *shape[end:])


def flatten_backward(dy: Array, x: Array, *, start_dim: int = 1, end_dim: int = -1) -> Gradients:
    return (np.asarray(dy, np.float64).reshape(np.shape(x)),)


def select_channels(x: Array, *, indices: Any) -> Array:
    """y[n,k] = x[n,indices[k]]."""
    return np.stack([np.asarray(x, np.float64)[:, index] for index in indices], axis=1)


def select_channels_backward(dy: Array, x: Array, *, indices: Any) -> Gradients:
    """dx[n,c] = the sum of dy[n,k] over the k with indices[k] = c."""
    dx = np.zeros(np.shape(x))
    for k, index in enumerate(indices):
        dx[:, index] += np.asarray(dy, np.float64)[:, k]
    return (dx,)


PAIRS = {
    "SelectChannels": (select_channels, select_channels_backward),
    "Add": (add, add_backward),
    "Mul": (mul, mul_backward),
    "Concat": (concat, concat_backward),
    "Reshape": (reshape, reshape_backward),
    "Flatten": (flatten, flatten_backward),
}
