"""`Block`: the parameters of a whole network as one flat array, and their gradients as another of equal
length.

Saving is one write, an optimizer step one loop, and a layer's weights are views of it.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from .._types import Array


class Block:
    """One flat parameter array; the gradient array is allocated on first use.

    The engine caches packed weights between calls, and must know when the parameters may have changed: after
    `touch`, and as long as an array returned by `lend` is alive.
    """

    __slots__ = ("__weakref__", "_gradients", "_lent", "_version", "frozen_changes", "values")

    def __init__(self, size: int, dtype: np.dtype[Any]) -> None:
        self.values: Array = np.zeros(size, dtype)
        self._gradients: Array | None = None
        self._lent: dict[int, weakref.ref[Array]] = {}
        self._version = 0
        #: Number of freeze and unfreeze calls, to detect changes.
        self.frozen_changes = 0

    def lend(self, part: Array) -> Array:
        """`part` of the values, as an array that is alive as long as any view of it."""
        lent = np.asarray(part.data)  # not a view of `part`, so that `base` of its views is this array
        ref = weakref.ref(lent, self._given_back)
        self._lent[id(ref)] = ref
        return lent

    def _given_back(self, ref: weakref.ref[Array]) -> None:
        self._version += 1  # first, so that no other thread sees the old version without a loan
        self._lent.pop(id(ref), None)

    def touch(self) -> None:
        """Call after changing the values."""
        self._version += 1

    @property
    def version(self) -> int:
        """A number that changes whenever the values may have changed; -1 while a lent array is alive."""
        return -1 if self._lent else self._version

    @property
    def gradients(self) -> Array:
        if self._gradients is None:
            self._gradients = np.zeros_like(self.values)
        return self._gradients
