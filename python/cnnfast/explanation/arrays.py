"""`Arrays`: the arrays of a page, each stored once, as base64 of the smallest type that loses nothing."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from .._types import Array


class Arrays:
    """Collects arrays; equal ones get the same reference."""

    def __init__(self) -> None:
        self._references: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self.entries: dict[str, dict[str, Any]] = {}

    def add(self, values: Array) -> str:
        """The reference of an array."""
        small = _smallest(np.asarray(values))
        data = np.ascontiguousarray(small, small.dtype.newbyteorder("<")).tobytes()
        key = small.dtype.name, small.shape, data
        reference = self._references.get(key)
        if reference is None:
            reference = self._references[key] = f"a{len(self._references)}"
            text = base64.b64encode(data).decode("ascii")
            self.entries[reference] = {"dtype": small.dtype.name, "shape": list(small.shape), "data": text}
        return reference

    def of(self, value: Any) -> Any:
        """The value with references in place of arrays; tuples become lists, as in JSON."""
        if isinstance(value, np.ndarray):
            return self.add(value)
        if isinstance(value, dict):
            return {name: self.of(entry) for name, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(entry) for entry in value]
        return value.item() if isinstance(value, np.generic) else value


def _smallest(values: Array) -> Array:
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind in "iu":
        return values.astype(np.int32)
    with np.errstate(all="ignore"):
        bytes_, singles = values.astype(np.uint8), values.astype(np.float32)
    if np.array_equal(bytes_, values) and not np.signbit(values).any():
        return bytes_
    return singles if np.array_equal(singles, values) else values.astype(np.float64)
