"""Row indices of a batch, from an integer or boolean index, and the division of rows into batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._checks import refuse_masked, type_of
from .._types import Array, Labels
from ..losses import Loss


def row_numbers(who: str, index: object, n: int) -> Labels:
    """The int64 row numbers of an index into n rows; a boolean index is a mask.

    Raises:
        TypeError: Neither integers nor booleans.
        ValueError: Not one-dimensional, a mask of another length, or a number that is not a row.
    """
    rows = index if type(index) is np.ndarray else _as_array(who, index)
    if rows.dtype == np.bool_:
        if rows.shape != (n,):
            raise ValueError(
                f"{who}: index is a mask of shape {rows.shape}, but x has {n} rows; "
                f"a mask must have shape ({n},)"
            )
        return np.flatnonzero(rows)
    if rows.ndim != 1:
        raise ValueError(f"{who}: index must have one dimension, got shape {rows.shape}")
    if rows.dtype != np.int64:
        if rows.size > 0 and rows.dtype.kind not in "iu":
            raise TypeError(
                f"{who}: index must hold integers (row numbers) or booleans (a mask), got {rows.dtype}"
            )
        rows = rows.astype(np.int64)
    return rows


def check_rows(who: str, rows: Labels, n: int) -> None:
    """Raises ValueError unless all row numbers are in 0 .. n - 1."""
    wrong = (rows < 0) | (rows >= n)
    if wrong.any():
        at = int(wrong.argmax())
        raise ValueError(
            f"{who}: index must be from 0 to {n - 1} ({n} rows), got {rows[at]} at position {at}"
        )


def batch_slices(who: str, name: str, n: int, size: int, smallest: int) -> list[slice]:
    """Slices of n rows in batches of `size`; a last batch smaller than `smallest` is merged with the previous
    one.

    Raises:
        ValueError: A batch would have fewer rows than `smallest`; `name` is the setting for `size`.
    """
    if min(n, size) < smallest:
        given = f"{name}={size}" if size < smallest else f"a batch of {n} row"
        raise ValueError(
            f"{who}: {given} is too small: batch normalization needs more than one value per channel; "
            f"use at least {smallest} rows"
        )
    starts = [*range(0, n, size)]
    if len(starts) > 1 and n - starts[-1] < smallest:
        starts.pop()
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], n], strict=True)]


def must_copy_rows(x: Array, y: object, loss: Loss) -> bool:
    """Whether the rows of a batch must be copied, as the engine cannot read x and y in place, or as all of y
    would have to be checked for each batch.
    """
    if not isinstance(y, np.ndarray):
        return isinstance(y, Sequence) and len(y) == len(x)
    if y.ndim == 0 or len(y) != len(x):
        return False  # will be rejected
    if not x.flags.c_contiguous or not y.flags.c_contiguous:
        return True
    return y.dtype != np.int64 if y.dtype.kind in "iu" else loss.takes_probabilities


def copied_rows(who: str, x: Array, y: Array | Sequence[object], rows: Labels) -> tuple[Array, Array]:
    """Copies of the given rows of x and y, which must have equal lengths."""
    check_rows(who, rows, len(x))
    return x[rows], y[rows] if isinstance(y, np.ndarray) else np.asarray([y[i] for i in rows.tolist()])


def sample_weights(who: str, value: object, n: int) -> Array | None:
    """Weights of n rows as float64, or None if there are none.

    Raises:
        TypeError: Not numbers.
        ValueError: Another length, or a weight that is negative or not finite.
    """
    if value is None:
        return None
    refuse_masked(who, "sample_weight", value)
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{who}: sample_weight must be numbers, one for each row, got {type_of(value)}")
    if array.shape != (n,):
        raise ValueError(f"{who}: sample_weight must have shape {(n,)}, one for each row, got {array.shape}")
    weights = np.ascontiguousarray(array, np.float64)
    wrong = ~((weights >= 0) & np.isfinite(weights))
    if wrong.any():
        at = int(wrong.argmax())
        raise ValueError(
            f"{who}: sample_weight must be finite and at least 0, got {weights[at]:g} at row {at}"
        )
    return weights


def _as_array(who: str, index: object) -> Array:
    refuse_masked(who, "index", index)
    if not isinstance(index, np.ndarray | list | tuple | range):
        raise TypeError(f"{who}: index must be an array of row numbers or a mask, got {type_of(index)}")
    return np.asarray(index)
