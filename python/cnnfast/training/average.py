"""`WeightAverage`: an exponential moving average of the weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._checks import ieee_arithmetic
from .._types import Array
from ..nn import Module


class WeightAverage:
    """Exponential moving average of all parameters and running statistics of a model.

    After step t, average += (1 - d) * (weights - average), where d = min(decay, t / (9 + t)): so the average
    forgets the initial weights soon.

    Args:
        model: Averaged as it is after each `update`.
        decay: At least 0 and below 1.

    Attributes:
        values: The average, in the layout of `flat_parameters`.
        updates: Number of updates.

    Source: Polyak and Juditsky 1992; the smaller decay at the start is TensorFlow's
    `ExponentialMovingAverage(num_updates)`.
    """

    def __init__(self, model: Module, decay: float) -> None:
        self._model, self._decay = model, decay
        self.values: Array = model.flat_parameters.copy()
        self.updates = 0
        self._difference = np.empty_like(self.values)

    @ieee_arithmetic
    def update(self) -> None:
        """Include the model's weights; call after each step that changed them."""
        self.updates += 1
        decay = min(self._decay, self.updates / (9 + self.updates))
        np.subtract(self._model.flat_parameters, self.values, out=self._difference)
        self._difference *= 1 - decay
        self.values += self._difference

    def state_dict(self) -> dict[str, Any]:
        """The average and the number of updates."""
        return {"updates": self.updates, "values": self.values}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.updates, self.values = int(state["updates"]), state["values"].copy()

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Context manager: the model has the averaged weights, and afterwards its own again."""
        model = self._model
        own = model.flat_parameters.copy()
        model.flat_parameters[:] = self.values
        model.mark_changed()
        try:
            yield
        finally:
            model.flat_parameters[:] = own
            model.mark_changed()
