"""Matrix products."""

from __future__ import annotations

import numpy as np

from tests.oracle.common import Array, Gradients


def linear(x: Array, w: Array, b: Array | None = None) -> Array:
    """y[n,o] = b[o] + sum over i of w[o,i] * x[n,i]."""
    y = np.asarray(x, np.float64) @ np.asarray(w, np.float64).T
    return y if b is None else y + np.asarray(b, np.float64)


def linear_backward(dy: Array, x: Array, w: Array, b: Array | None = None) -> Gradients:
    """dx = dy w, dw = dy^T x, db = sum of dy over n."""
    dy, x, w = (np.asarray(a, np.float64) for a in (dy, x, w))
    return (dy @ w, dy.T @ x) if b is None else (dy @ w, dy.T @ x, dy.sum(axis=0))


PAIRS = {
    "Linear": (linear, linear_backward),
}
