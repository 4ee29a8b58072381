"""`FiniteSteps`: an optimizer's steps, each undone if it does not leave finite weights and memory.

A step can be undone only from a copy of everything it changes, which would cost as much as the step itself.
So the copy is made only where an overflow is possible. With ordinary settings and no gradient, and nothing
that the optimizer remembers, above `_ORDINARY`, a weight moves by less than

    lr * gradient / (eps * (1 - momentum)) <= 1e3 * 1e10 / (1e-11 * 1e-4) = 1e28

(twice that with a weight decay): less than half the distance of the largest float32, 3.4e38, from its
neighbor, so that a finite weight stays finite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .._core import magnitude
from .._types import Array
from .optimizer import Optimizer

_ORDINARY = 1e10


class FiniteSteps:
    """Makes the steps of one optimizer, which is bound."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        #: The memory that holds nothing above _ORDINARY, and has seen only ordinary steps since.
        self._ordinary_memory: Mapping[str, Array] | None = None

    def step(self, params: Array, grads: Array, largest: float) -> bool:
        """A step, `largest` being the largest magnitude of a gradient. False if it did not leave everything
        finite; then all is as before.
        """
        optimizer = self._optimizer
        if largest <= _ORDINARY and self._ordinary_settings(params) and self._ordinary():
            optimizer.step(params, grads)
            return True
        self._ordinary_memory = None
        before, state = params.copy(), optimizer.state_dict()
        optimizer.step(params, grads)
        if all(math.isfinite(magnitude(values)) for values in (params, *optimizer.memory.values())):
            return True
        params[:] = before
        optimizer.load_state_dict(state)
        return False

    def _ordinary_settings(self, params: Array) -> bool:
        decays = False
        for part in self._optimizer.parts():
            settings = part.settings
            if not _are_ordinary(settings):
                return False
            decays = decays or settings["weight_decay"] > 0
        return not decays or magnitude(params) <= _ORDINARY

    def _ordinary(self) -> bool:
        """Whether nothing in the memory is large; looked up only where it is not known."""
        memory = self._optimizer.memory
        if self._ordinary_memory is not memory:
            if not all(magnitude(values) <= _ORDINARY for values in memory.values()):
                return False
            self._ordinary_memory = memory
        return True


def _are_ordinary(settings: Mapping[str, Any]) -> bool:
    return bool(
        settings["lr"] <= 1e3
        and settings["weight_decay"] <= 1
        and settings.get("eps", 1.0) >= 1e-11
        and settings.get("momentum", 0.0) <= 0.9999
        and settings.get("dampening", 0.0) <= 1
        and settings.get("betas", (0.0,))[0] <= 0.9999
    )
