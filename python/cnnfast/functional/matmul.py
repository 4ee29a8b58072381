"""Matrix products of two values."""

from __future__ import annotations

from .. import _core
from .._types import Array
from ._run import check_floats, check_shape, joined, joined_backward


def matmul(a: Array, b: Array, *, isa: str | None = None) -> Array:
    """a[k] @ b[k] for each image k; see `nn.MatMul`.

    Args:
        a, b: (n, i, k) and (n, k, j).

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> functional.matmul(np.ones((2, 1, 3)), np.full((2, 3, 1), 2.0)).ravel()
        array([6., 6.])
    """
    _check_matrices("matmul", a, b)
    return joined("matmul", _core.MatMul(), [a, b], isa)


def matmul_backward(dy: Array, a: Array, b: Array, *, isa: str | None = None) -> tuple[Array, Array]:
    """(da, db) of `matmul`: dy @ b.T and a.T @ dy, image by image."""
    who = "matmul_backward"
    _check_matrices(who, a, b)
    check_floats(who, a=a, dy=dy)
    check_shape(who, "dy", dy, (len(a), a.shape[1], b.shape[2]), "that of the output")
    da, db = joined_backward(who, _core.MatMul(), dy, [a, b], isa)
    return da, db


def _check_matrices(who: str, a: Array, b: Array) -> None:
    check_floats(who, a=a, b=b)
    if a.ndim != 3 or b.ndim != 3 or len(a) != len(b) or a.shape[2] != b.shape[1]:
        raise ValueError(
            f"{who}: a and b must have shapes (n, i, k) and (n, k, j), got {a.shape} and {b.shape}"
        )
