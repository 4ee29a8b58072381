"""`Gathered`: the gradient of a batch that comes in parts."""

from __future__ import annotations

import numpy as np

from .border import Array, ieee_arithmetic


class Gathered:
    """Gradients of several parts of a batch, added up; every row counts as in the mean of the batch.

    Args:
        grads: Where a part's mean gradient stands, and where the whole batch's is wanted.
    """

    def __init__(self, grads: Array) -> None:
        self._grads = grads
        self._sum: Array | None = None
        self.clear()

    def clear(self) -> None:
        self.parts, self.rows, self._count, self._loss, self._correct = 0, 0, 0.0, 0.0, 0

    @ieee_arithmetic
    def add(self, loss: float, correct: int, rows: int, count: float) -> None:
        """A part of `rows` rows with the mean loss and the gradient that stands in `grads`; `count` is what
        the rows weigh together.
        """
        if self._sum is None:
            self._sum = np.empty_like(self._grads)
        self._grads *= count  # whoever uses the mean has to look whether it is finite
        if self.parts == 0:
            self._sum[:] = self._grads
        else:
            self._sum += self._grads
        self.parts += 1
        self.rows += rows
        self._count += count
        self._loss += count * loss if count else 0.0
        self._correct += correct

    @ieee_arithmetic
    def mean(self) -> tuple[float, int]:
        """(mean loss, number of right answers), the mean gradient in `grads`; then there is nothing left."""
        assert self._sum is not None
        np.divide(self._sum, self._count or 1, out=self._grads)
        found = self._loss / self._count if self._count else float("nan"), self._correct
        self.clear()
        return found
