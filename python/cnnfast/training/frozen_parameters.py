"""`FrozenParameters`: the frozen parameters of a model, for training steps."""

from __future__ import annotations

from ..nn import Module
from ..nn.freezing import merged, windows_of
from ..optim import Optimizer


class FrozenParameters:
    """The frozen parameters of a model, passed on to the optimizer."""

    def __init__(self, model: Module, optimizer: Optimizer) -> None:
        self._model, self._optimizer = model, optimizer
        self._seen = -1
        #: Their places in the flat block, (start, end) each.
        self.ranges: list[tuple[int, int]] = []

    def update(self) -> None:
        """Reads them from the model if any were frozen or unfrozen since the last call."""
        changes = self._model.frozen_changes
        if changes == self._seen:
            return
        if not self._model.trainable_windows():
            raise ValueError("Trainer: all parameters of the model are frozen; unfreeze some")
        self.ranges = merged(windows_of(self._model, frozen=True))
        self._optimizer.frozen = frozenset(self._model.frozen).difference(self._model.buffer_names())
        self._seen = changes
