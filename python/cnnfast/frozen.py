"""`Frozen`: what a training must leave alone of a model, told to its optimiser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .border import Array
from .nn.freezing import merged, windows_of

if TYPE_CHECKING:
    from .nn import Module
    from .optim import Optimizer


class Frozen:
    """Keeps an optimiser informed of which parameters of its model are frozen."""

    def __init__(self, model: Module, optimizer: Optimizer) -> None:
        self._model, self._optimizer = model, optimizer
        self._seen = -1
        self._windows: list[slice] = []

    def look(self) -> None:
        """Again only after something was frozen or thawed."""
        changes = self._model._block.frozen_changes
        if changes == self._seen:
            return
        if not self._model.trainable_windows():
            raise ValueError("Trainer: all parameters of the model are frozen; unfreeze some")
        self._windows = merged(windows_of(self._model, frozen=True))
        self._optimizer.frozen = frozenset(self._model.frozen).difference(self._model._buffer_names())
        self._seen = changes

    def clear(self, grads: Array) -> None:
        """Gradients of what is frozen are 0, for whoever looks at all of them (a search for NaN)."""
        self.look()
        for part in self._windows:
            grads[part] = 0
