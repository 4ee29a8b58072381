"""Padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients


def sources(size: int, before: int, after: int, mode: str) -> list[int | None]:
    """The input of each output along one axis; None: the constant."""
    places: list[int | None] = []
    for place in range(-before, size + after):
        if 0 <= place < size:
            places.append(place)
        elif mode == "constant":
            places.append(None)
        elif mode == "reflect":
            places.append(-place if place < 0 else 2 * (size - 1) - place)
        else:
            places.append(min(max(place, 0), size - 1))
    return places


def axes(x: Array, padding: Any, mode: str) -> list[list[int | None]]:
    """... of each axis; padding begins with that of the last one."""
    rank = np.ndim(x) - 2
    ends = (padding,) * (2 * rank) if isinstance(padding, int) else padding
    pairs = [ends[2 * i : 2 * i + 2] for i in range(rank)][::-1]
    return [sources(size, *pair, mode) for size, pair in zip(np.shape(x)[2:], pairs, strict=True)]


def padded(x: Array, padding: Any, mode: str, value: float) -> Array:
    y = np.asarray(x, np.float64)
    for axis, places in enumerate(axes(x, padding, mode), 2):
        plane = np.full_like(y.take([0], axis), value)
        y = np.concatenate([plane if p is None else y.take([p], axis) for p in places], axis)
    return y


def unpadded(dy: Array, x: Array, padding: Any, mode: str) -> Gradients:
    dx = np.asarray(dy, np.float64)
    for axis, places in enumerate(axes(x, padding, mode), 2):
        rows = np.moveaxis(dx, axis, 0)
        summed = np.zeros((np.shape(x)[axis], *rows.shape[1:]))
        for row, p in zip(rows, places, strict=True):
            if p is not None:
                summed[p] += row
        dx = np.moveaxis(summed, 0, axis)
    return (dx,)


def pad1d(x: Array, *, padding: Any, mode: str = "constant", value: float = 0.0) -> Array:
    """y[i] = x[i - before] on the line; beyond it `value`, x mirrored at its ends, or its nearest value."""
    return padded(x, padding, mode, value)


def pad1d_backward(
    dy: Array, x: Array, *, padding: Any, mode: str = "constant", value: float = 0.0
) -> Gradients:
    """Each x gets the sum of dy over the places it went to."""
    return unpadded(dy, x, padding, mode)


def pad2d(x: Array, *, padding: Any, mode: str = "constant", value: float = 0.0) -> Array:
    """The same along both axes; padding is (left, right, top, bottom)."""
    return padded(x, padding, mode, value)


def pad2d_backward(
    dy: Array, x: Array, *, padding: Any, mode: str = "constant", value: float = 0.0
) -> Gradients:
    """Each x gets the sum of dy over the places it went to."""
    return unpadded(dy, x, padding, mode)


PAIRS = {"Pad1d": (pad1d, pad1d_backward), "Pad2d": (pad2d, pad2d_backward)}
