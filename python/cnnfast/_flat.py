"""Named arrays that lie one behind the other in a flat array."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from ._types import Array, Shape


def count(shapes: Iterable[Shape]) -> int:
    """Number of elements of all shapes together, as a Python int (no overflow)."""
    return sum(math.prod(shape) for shape in shapes)


def slices(shapes: Iterable[tuple[str, Shape]]) -> Iterator[tuple[str, Shape, slice]]:
    """(name, shape, where in the flat array) of each."""
    start = 0
    for name, shape in shapes:
        stop = start + math.prod(shape)
        yield name, shape, slice(start, stop)
        start = stop


def windows(flat: Array, shapes: Iterable[tuple[str, Shape]]) -> Iterator[tuple[str, Array]]:
    """Cuts `flat` into named views."""
    for name, shape, where in slices(shapes):
        yield name, flat[where].reshape(shape)
