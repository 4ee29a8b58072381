"""How well a network does, counted batch by batch: what validation and `evaluate` both measure with.

A mean loss is the sum over all that counts, divided by what it weighs together, as in training: rows (or
positions of a map) of the class that the loss ignores count neither there nor among the answers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from .. import _core
from .._checks import ieee_arithmetic
from .._types import Array, Labels
from ..losses import IGNORED, Loss
from ..nn import Module
from ..nn.task import OutputKind, Task, answers, probabilities
from .samples import Samples


class Metrics(ABC):
    """Loss and answers of the outputs seen so far.

    Args:
        loss: Takes the targets that come.
        kind: What the network puts out.

    Attributes:
        n: Rows, or positions of maps, that counted.
    """

    def __init__(self, loss: Loss, kind: OutputKind) -> None:
        self._loss, self._kind, self._engine = loss, kind, loss._engine()
        self._sum, self._weight = 0.0, 0.0
        self.n = 0

    def add(self, y: Array, target: Array) -> None:
        """A batch: outputs (n, c, ...) and what they should have been."""
        each, weight = self._losses(y, target)
        self._sum += float(each.sum(dtype=np.float64))
        self._weight += weight
        self._count(y, target)

    @property
    def loss(self) -> float:
        """The mean; NaN where nothing counted."""
        return self._sum / self._weight if self._weight else float("nan")

    @property
    @abstractmethod
    def accuracy(self) -> float | None:
        """Fraction of right answers; None where outputs are numbers."""

    @abstractmethod
    def _count(self, y: Array, target: Array) -> None: ...

    def _losses(self, y: Array, target: Array) -> tuple[Array, float]:
        if self._loss.of_classes and self._kind in ("probabilities", "sigmoid"):
            y = np.log(probabilities("multiclass", self._kind, y.copy()))
        elif self._loss.name == "bce_with_logits" and self._kind == "sigmoid":
            return _cross_entropy_of_answers(y, target), y.size
        each, _, weight = _core.row_losses(self._engine, y, target)
        return each, weight


class ClassificationMetrics(Metrics):
    """Of classes: integers, or as many numbers as classes, of which the largest counts.

    Attributes:
        confusion: (classes, classes); row: the right class, column: the answer.
        right_in_two: How often the right class is one of the two most likely.
    """

    confusion: Labels = np.zeros((0, 0), np.int64)
    right_in_two = 0

    @property
    def accuracy(self) -> float:
        return int(self.confusion.trace()) / self.n if self.n else float("nan")

    def _count(self, y: Array, target: Array) -> None:
        rows, k = _rows(y), y.shape[1]
        if target.dtype == np.int64:
            right = target.reshape(-1)
            known = right != getattr(self._loss, "ignore_index", IGNORED)
            if not known.all():
                rows, right = rows[known], right[known]
        else:
            right = target.argmax(axis=1).reshape(-1)
        said = rows.argmax(axis=1)
        self.n += len(rows)
        self.right_in_two += int(((said == right) | _among_two_largest(rows, right)).sum())
        pairs = np.bincount(right * k + said, minlength=k * k).reshape(k, k)
        self.confusion = pairs if self.confusion.size == 0 else self.confusion + pairs


class MultilabelMetrics(Metrics):
    """Of outputs that each say yes or no; targets above 0.5 are yes.

    Attributes:
        right: For each output, how often it was right.
        all_right: How often all outputs of a row were.
        confusion: (2, 2), of all outputs together; row: no or yes, column: the answer.
    """

    right: Labels = np.zeros(0, np.int64)
    all_right = 0
    confusion: Labels = np.zeros((2, 2), np.int64)

    @property
    def accuracy(self) -> float:
        return int(self.right.sum()) / (self.n * len(self.right)) if self.n else float("nan")

    def _count(self, y: Array, target: Array) -> None:
        said, yes = _rows(answers("multilabel", self._kind, y)), _rows(target) > 0.5
        hit = said == yes
        self.n += len(hit)
        self.right = hit.sum(axis=0) if self.right.size == 0 else self.right + hit.sum(axis=0)
        self.all_right += int(hit.all(axis=1).sum())
        pairs = np.bincount((2 * yes + said).reshape(-1), minlength=4).reshape(2, 2)
        self.confusion = self.confusion + pairs


class RegressionMetrics(Metrics):
    """Of numbers: sums for each output, in float64."""

    accuracy = None

    _first: Array | None = None

    def _count(self, y: Array, target: Array) -> None:
        error = _rows(y).astype(np.float64) - _rows(target)
        if self._first is None:  # as an offset it keeps the digits of a spread beside a large mean
            self._first = _rows(target)[0].astype(np.float64)
            self._sums = np.zeros((4, y.shape[1]))
        offset = _rows(target) - self._first
        self._sums += [(error**2).sum(0), np.abs(error).sum(0), offset.sum(0), (offset**2).sum(0)]
        self.n += len(error)

    @property
    @ieee_arithmetic
    def mse(self) -> float:
        """Mean squared error."""
        return float(self._sums[0].mean() / self.n)

    @property
    @ieee_arithmetic
    def mae(self) -> float:
        """Mean absolute error."""
        return float(self._sums[1].mean() / self.n)

    @property
    @ieee_arithmetic
    def r2(self) -> float:
        """Coefficient of determination, the mean over outputs; of a constant target 1 if it is met, else 0;
        NaN of a single row. As scikit-learn's ``r2_score``.
        """
        if self.n < 2:
            return float("nan")
        residual, _, total, squares = self._sums
        spread = squares - total**2 / self.n
        explained = np.where(spread > 0, 1 - residual / spread, np.where(residual == 0, 1.0, 0.0))
        explained[np.isnan(residual)] = np.nan
        return float(explained.mean())


_KINDS: dict[Task, type[Metrics]] = {
    "multiclass": ClassificationMetrics,
    "binary": MultilabelMetrics,
    "multilabel": MultilabelMetrics,
    "regression": RegressionMetrics,
}


def metrics_for(task: Task, kind: OutputKind, loss: Loss) -> Metrics:
    """An empty metrics of the answers of this task, whose loss may be any that takes the targets."""
    return _KINDS[task](loss, kind)


@ieee_arithmetic
def measure(
    model: Module, part: Samples, metrics: Metrics, batch_size: int, stop: Callable[[], bool] = lambda: False
) -> bool:
    """Adds what the model says of all rows; False if `stop` said so between two batches."""
    for start in range(0, len(part), batch_size):
        if stop():
            return False
        metrics.add(model(part.x[start : start + batch_size]), part.y[start : start + batch_size])
    return True


def _rows(y: Array) -> Array:
    """(n, c, ...) as (n * positions, c)."""
    return np.moveaxis(y, 1, -1).reshape(-1, y.shape[1])


def _cross_entropy_of_answers(p: Array, target: Array) -> Array:
    """-t log p - (1 - t) log(1 - p), where 0 log 0 is 0."""
    yes = np.where(target > 0, target * np.log(p), 0)
    no = np.where(target < 1, (1 - target) * np.log1p(-p), 0)
    each: Array = -(yes + no)
    return each


def _among_two_largest(logits: Array, y: Labels) -> Array:
    """Whether at most one class comes before the right one; the first of equal logits counts as larger."""
    mine = logits[np.arange(len(y)), y][:, None]
    later = np.arange(logits.shape[1]) > y[:, None]
    behind = (mine > logits) | ((mine == logits) & later)
    return behind.sum(axis=1) >= logits.shape[1] - 2  # type: ignore[no-any-return]
