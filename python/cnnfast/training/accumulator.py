"""`GradientAccumulator` sums the gradients of the parts of a batch; `BatchResult` is the result of one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._checks import ieee_arithmetic
from .._core import magnitude
from .._types import Array


class BatchResult(NamedTuple):
    """Result of one batch or micro-batch, as the engine returns it.

    Args:
        loss: Weighted mean of the losses; NaN if the total weight is 0.
        correct: Number of correct predictions.
        weight: Total weight of the targets, the divisor of the mean; 0 if all of them are ignored.
        counted: Number of targets that are not ignored.
        largest: Largest magnitude of a gradient; NaN if one is not finite.
    """

    loss: float
    correct: int
    weight: float
    counted: int
    largest: float

    def logs(self, of_classes: bool) -> dict[str, float]:
        """The loss and, if targets are classes, the accuracy by name, for callbacks."""
        known = of_classes and self.counted > 0
        return {"loss": self.loss, **({"accuracy": self.correct / self.counted} if known else {})}


class GradientAccumulator:
    """Accumulates the gradients of the parts of a batch; the result is the mean over all rows of the batch.

    Args:
        grads: Buffer for the mean gradient of a part, and for that of the whole batch.
    """

    def __init__(self, grads: Array) -> None:
        self._grads = grads
        self._sum: Array | None = None
        self.clear()

    def clear(self) -> None:
        self.parts, self.rows = 0, 0
        self._weight, self._loss, self._correct, self._counted = 0.0, 0.0, 0, 0

    @ieee_arithmetic
    def add(self, part: BatchResult, rows: int) -> None:
        """Add a part of `rows` rows, whose mean gradient is in `grads` unless its weight is 0."""
        self.parts += 1
        self.rows += rows
        self._correct += part.correct
        self._counted += part.counted
        if part.weight == 0:
            return
        self._grads *= part.weight  # may overflow: then the mean is not finite
        if self._sum is None:
            self._sum = np.empty_like(self._grads)
        if self._weight == 0:
            self._sum[:] = self._grads
        else:
            self._sum += self._grads
        self._weight += part.weight
        self._loss += part.weight * part.loss

    @ieee_arithmetic
    def mean(self) -> BatchResult:
        """The result of all parts, with their mean gradient in `grads`; then resets."""
        found = BatchResult(float("nan"), self._correct, self._weight, self._counted, 0.0)
        if self._weight > 0:
            assert self._sum is not None
            np.divide(self._sum, self._weight, out=self._grads)
            found = found._replace(loss=self._loss / self._weight, largest=magnitude(self._grads))
        self.clear()
        return found
