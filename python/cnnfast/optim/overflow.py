"""`FiniteSteps`: optimizer steps that are undone if weights or state do not stay finite.

A step can be undone only from a copy of everything it changes, which would cost as much as the step itself.
So the copy is made only if an overflow is possible. With ordinary settings, and with gradients and optimizer
state of at most `_ORDINARY`, a weight changes by less than

    lr * gradient / (eps * (1 - momentum)) <= 1e3 * 1e10 / (1e-11 * 1e-4) = 1e28

(twice that with weight decay): less than half the distance between the largest float32, 3.4e38, and its
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
    """Performs the steps of one bound optimizer."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        #: State with no value above _ORDINARY, and only ordinary steps since that was checked.
        self._ordinary_memory: Mapping[str, Array] | None = None

    def step(self, params: Array, grads: Array, largest: float) -> bool:
        """One step; `largest` is the largest magnitude of a gradient. Returns False, with everything
        restored, if the result is not finite.
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
        """Whether no state value is large; checked only if that is unknown."""
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
