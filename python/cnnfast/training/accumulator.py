"""`GradientAccumulator` sums the gradients of the parts of a batch; `BatchResult` is the result of one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._checks import ieee_arithmetic
from .._types import Array


class BatchResult(NamedTuple):
    """Of a batch or a part of one, as the engine returns it.

    Args:
        loss: Weighted mean of the losses; NaN where nothing counts.
        correct: Number of right answers.
        weight: What the mean divides by: the weights of the targets together. 0: no row counts.
        counted: Number of targets that are not ignored.
    """

    loss: float
    correct: int
    weight: float
    counted: int


class GradientAccumulator:
    """Gradients of several parts of a batch, added up; every row counts as in the mean of the batch.

    Args:
        grads: Where a part's mean gradient stands, and where the whole batch's is wanted.
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
        """A part of `rows` rows whose mean gradient stands in `grads`, unless none of them counts."""
        self.parts += 1
        self.rows += rows
        self._correct += part.correct
        self._counted += part.counted
        if part.weight == 0:
            return
        self._grads *= part.weight  # whoever uses the mean has to look whether it is finite
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
        """Of all parts together, their mean gradient in `grads`; then there is nothing left."""
        found = BatchResult(float("nan"), self._correct, self._weight, self._counted)
        if self._weight > 0:
            assert self._sum is not None
            np.divide(self._sum, self._weight, out=self._grads)
            found = found._replace(loss=self._loss / self._weight)
        self.clear()
        return found
