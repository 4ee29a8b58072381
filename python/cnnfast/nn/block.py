"""`Block`: the parameters of a whole network as one flat array, and their gradients as another of equal
length.

Saving is one write, the optimiser one loop, and a layer's weights are windows into it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..border import Array, Shape


class Block:
    """One flat parameter array; the gradients come into being when first asked for."""

    __slots__ = ("_gradients", "values")

    def __init__(self, size: int, dtype: np.dtype[Any]) -> None:
        self.values: Array = np.zeros(size, dtype)
        self._gradients: Array | None = None

    @property
    def gradients(self) -> Array:
        if self._gradients is None:
            self._gradients = np.zeros_like(self.values)
        return self._gradients


def count(shapes: Iterable[Shape]) -> int:
    """Number of elements of all shapes together, as a Python int (no overflow)."""
    return sum(math.prod(shape) for shape in shapes)


def windows(flat: Array, shapes: Iterable[tuple[str, Shape]]) -> Iterator[tuple[str, Array]]:
    """Cuts `flat` into named views that lie one behind the other."""
    start = 0
    for name, shape in shapes:
        stop = start + math.prod(shape)
        yield name, flat[start:stop].reshape(shape)
        start = stop
