"""`Initializer`: fills an array with initial values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..._checks import ieee_arithmetic, refuse_masked, seed_sequence, type_of
from ..._types import FLOATS, Array, Seed, Shape

INFINITY = float("inf")


class Initializer:
    """Fills arrays with initial values. Draws in float64 and rounds, so that a float32 network gets the
    rounded values of a float64 one.

    Example:
        >>> from cnnfast.nn import init
        >>> init.constant(0.5)(np.empty(2))
        array([0.5, 0.5])
        >>> init.xavier_uniform(gain=2)
        init.xavier_uniform(gain=2.0)
    """

    def __init__(
        self, name: str, settings: Mapping[str, Any], draw: Callable[[Shape, np.random.Generator], Any]
    ) -> None:
        self._name, self._settings, self._draw = name, dict(settings), draw

    def __call__(self, array: Array, seed: Seed = None) -> Array:
        """Fill `array` in place, and return it.

        Args:
            array: float32 or float64, writable; a parameter of a layer is one (`layer.weight`).
            seed: The same seed draws the same values; None uses OS entropy.

        Raises:
            TypeError: Not such an array.
            ValueError: Read-only, or of a shape without defined numbers of inputs and outputs.
        """
        who = f"init.{self._name}"
        refuse_masked(who, "array", array)
        if not isinstance(array, np.ndarray) or array.dtype not in FLOATS:
            raise TypeError(f"{who}: array must be a float32 or float64 array, got {type_of(array)}")
        if not array.flags.writeable:
            raise ValueError(f"{who}: array is read-only")
        self.fill(array, seed_sequence(who, seed))
        return array

    @ieee_arithmetic
    def fill(self, array: Array, seed: np.random.SeedSequence) -> None:
        array[...] = self._draw(array.shape, np.random.default_rng(seed))

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._settings.items())
        return f"init.{self._name}({settings})"
