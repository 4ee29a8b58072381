"""ReLU with learned slopes."""

from __future__ import annotations

import numpy as np

from tests.oracle.common import Array, Gradients


def _by_channel(w: Array, x: Array) -> Array:
    return np.asarray(w, np.float64).reshape(-1, *[1] * (x.ndim - 2))


def prelu(x: Array, w: Array) -> Array:
    """y = x above 0, w[c] x (or w[0] x) elsewhere."""
    x = np.asarray(x, np.float64)
    return np.where(x > 0, x, _by_channel(w, x) * x)


def prelu_backward(dy: Array, x: Array, w: Array) -> Gradients:
    """dx = dy above 0, w[c] dy elsewhere; dw = sum of dy x where x is not above 0."""
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    each = np.where(x > 0, 0.0, dy * x).sum(axis=(0, *range(2, x.ndim)))
    return np.where(x > 0, dy, _by_channel(w, x) * dy), each if len(w) > 1 else each.sum(keepdims=True)


PAIRS = {
    "PReLU": (prelu, prelu_backward),
}
