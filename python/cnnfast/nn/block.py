"""`Block`: the parameters of a whole network as one flat array, and their gradients as another of equal
length.

Saving is one write, the optimizer one loop, and a layer's weights are windows into it.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from .._types import Array


class Block:
    """One flat parameter array; the gradients come into being when first asked for.

    The engine keeps weights in a layout of its own between calls, and must know when they may have changed:
    after `touch`, and as long as anybody holds an array that `lend` gave out.
    """

    __slots__ = ("__weakref__", "_gradients", "_lent", "_version", "frozen_changes", "values")

    def __init__(self, size: int, dtype: np.dtype[Any]) -> None:
        self.values: Array = np.zeros(size, dtype)
        self._gradients: Array | None = None
        self._lent: dict[int, weakref.ref[Array]] = {}
        self._version = 0
        #: Counts how often parts were frozen or unfrozen, for those who remember which are.
        self.frozen_changes = 0

    def lend(self, part: Array) -> Array:
        """`part` of the values, through an array that lives as long as any view made of it."""
        lent = np.asarray(part.data)  # not a view of `part`: its views lead back to it, and no further
        ref = weakref.ref(lent, self._given_back)
        self._lent[id(ref)] = ref
        return lent

    def _given_back(self, ref: weakref.ref[Array]) -> None:
        self._version += 1  # first, so that no other thread sees the old version without a loan
        self._lent.pop(id(ref), None)

    def touch(self) -> None:
        """The values have been changed."""
        self._version += 1

    @property
    def version(self) -> int:
        """A number that changes whenever the values may have; -1 while somebody could be changing them."""
        return -1 if self._lent else self._version

    @property
    def gradients(self) -> Array:
        if self._gradients is None:
            self._gradients = np.zeros_like(self.values)
        return self._gradients
