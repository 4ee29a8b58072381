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


PAIRS = {
    "Linear": (linear, linear_backward),
    "MatMul": (matmul, matmul_backward),
}
