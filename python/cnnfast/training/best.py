"""`Best`: the weights of the best epoch so far."""

from __future__ import annotations

import math

from .._types import Array


class Best:
    """The weights of the epoch with the highest validation accuracy, then the lowest validation loss.

    Attributes:
        epoch: Number of that epoch; None before the first.
        weights: A copy of its flat parameters.
    """

    def __init__(self) -> None:
        self.epoch: int | None = None
        self.weights: Array | None = None
        self._score = (-math.inf, -math.inf)

    def offer(self, epoch: int, loss: float, accuracy: float | None, weights: Array) -> bool:
        """Keeps a copy of the weights if this epoch is the best so far."""
        score = (accuracy or 0.0, -loss if math.isfinite(loss) else -math.inf)
        if self.weights is not None and score <= self._score:
            return False
        self.epoch, self._score, self.weights = epoch, score, weights.copy()
        return True
