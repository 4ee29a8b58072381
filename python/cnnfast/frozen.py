"""`Frozen`: keeps the frozen parameters of a model out of the optimiser's reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .border import Array
from .nn.freezing import between, merged, windows_of

if TYPE_CHECKING:
    from .nn import Module
    from .optim import Optimizer


class Frozen:
    """What no update may change by a bit: frozen parameters, and buffers, which are no parameters at all."""

    def __init__(self, model: Module) -> None:
        self._model = model
        self._seen = -1
        self._frozen: list[slice] = []
        self._kept: list[slice] = []

    def _look(self) -> None:
        """Again only after something was frozen or thawed."""
        changes = self._model._block.frozen_changes
        if changes == self._seen:
            return
        trainable = self._model.trainable_windows()
        if not trainable:
            raise ValueError("Trainer: all parameters of the model are frozen; unfreeze some")
        self._frozen = merged(windows_of(self._model, frozen=True))
        self._kept = between(merged(trainable), self._model._values.size)
        self._seen = changes

    def clear(self, grads: Array) -> None:
        """Gradients of what is frozen are 0, for whoever looks at all of them (a norm, a search for NaN)."""
        self._look()
        for part in self._frozen:
            grads[part] = 0

    @contextmanager
    def kept(self, params: Array, optimizer: Optimizer) -> Iterator[None]:
        """Brings it back to what it was, and what the optimiser remembers of it."""
        self._look()
        if not self._kept:
            yield
            return
        before = {name: [memory[p].copy() for p in self._kept] for name, memory in optimizer._memory.items()}
        values = [params[part].copy() for part in self._kept]
        try:
            yield
        finally:
            for name, memory in optimizer._memory.items():
                for k, part in enumerate(self._kept):
                    memory[part] = before[name][k] if name in before else 0
            for part, value in zip(self._kept, values, strict=True):
                params[part] = value
