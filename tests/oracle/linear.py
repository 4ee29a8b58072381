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


def matmul(a: Array, b: Array) -> Array:
    """y[n,i,j] = sum over k of a[n,i,k] * b[n,k,j]."""
    return np.einsum("nik,nkj->nij", np.asarray(a, np.float64), np.asarray(b, np.float64))


def matmul_backward(dy: Array, a: Array, b: Array) -> Gradients:
    """da[n,i,k] = sum over j of dy[n,i,j] * b[n,k,j], db[n,k,j] = sum over i of a[n,i,k] * dy[n,i,j]."""
    dy, a, b = (np.asarray(x, np.float64) for x in (dy, a, b))
    return np.einsum("nij,nkj->nik", dy, b), np.einsum("nik,nij->nkj", a, dy)


def rbf(x: Array, w: Array, *, scale: float = 1.0) -> Array:
    """y[n,o] = scale * sum over i of (x[n,i] - w[o,i])^2."""
    apart = np.asarray(x, np.float64)[:, None] - np.asarray(w, np.float64)
    return scale * (apart**2).sum(axis=2)


def rbf_backward(dy: Array, x: Array, w: Array, *, scale: float = 1.0) -> Gradients:
    """dx[n,i] = sum over o of 2 scale dy[n,o] (x[n,i] - w[o,i]); dw[o,i] = minus the same summed over n."""
    apart = np.asarray(x, np.float64)[:, None] - np.asarray(w, np.float64)
    each = 2 * scale * np.asarray(dy, np.float64)[:, :, None] * apart
    return each.sum(axis=1), -each.sum(axis=0)


PAIRS = {
    "RBF": (rbf, rbf_backward),
    "Linear": (linear, linear_backward),
    "MatMul": (matmul, matmul_backward),
}
