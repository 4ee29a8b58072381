"""What rearranges or joins values."""

from __future__ import annotations

import math

import numpy as np

from tests.oracle.common import Array, Gradients


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


PAIRS = {
    "Add": (add, add_backward),
    "Flatten": (flatten, flatten_backward),
}
