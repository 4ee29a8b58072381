"""Metrics accumulated batch by batch, for validation and `evaluate`.

The mean loss is the weighted sum divided by the total weight, as in training: rows (or positions of a map)
with the loss's ignore_index are left out of the loss and of the predictions.
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
    """Accumulated loss and predictions.

    Args:
        loss: A loss that accepts the targets.
        kind: Kind of the network's outputs.

    Attributes:
        n: Number of rows, or positions of maps, that are not ignored.
    """

    def __init__(self, loss: Loss, kind: OutputKind) -> None:
        self._loss, self._kind, self.engine_loss = loss, kind, loss.engine_loss()
        self._sum, self._weight = 0.0, 0.0
        self.n = 0

    def add(self, y: Array, target: Array) -> None:
        """Add a batch of outputs (n, c, ...) and targets."""
        each, weight = self._losses(y, target)
        self._sum += float(each.sum(dtype=np.float64))
        self._weight += weight
        self.num_counted(y, target)

    @property
    def loss(self) -> float:
        """The mean loss; NaN if all rows were ignored."""
        return self._sum / self._weight if self._weight else float("nan")

    @property
    @abstractmethod
    def accuracy(self) -> float | None:
        """Fraction of correct predictions; None in regression."""

    @abstractmethod
    def num_counted(self, y: Array, target: Array) -> None: ...

    def _losses(self, y: Array, target: Array) -> tuple[Array, float]:
        if self._loss.is_classification and self._kind in ("probabilities", "sigmoid"):
            y = np.log(probabilities("multiclass", self._kind, y.copy()))
        elif self._loss.name == "bce_with_logits" and self._kind == "sigmoid":
            return _binary_cross_entropy(y, target), y.size
        each, _, weight = _core.row_losses(self.engine_loss, y, target)
        return each, weight


class ClassificationMetrics(Metrics):
    """Metrics of class targets: integers, or probabilities of all classes, of which the largest is the class.

    Attributes:
        confusion: (classes, classes); row: true class, column: predicted class.
        ranks: (classes,); number of targets that are the most likely class, the second most likely, …
    """

    confusion: Labels = np.zeros((0, 0), np.int64)
    ranks: Labels = np.zeros(0, np.int64)

    @property
    def top2_correct(self) -> int:
        """Number of targets among the two most likely classes."""
        return int(self.ranks[:2].sum())

    @property
    def accuracy(self) -> float:
        return int(self.confusion.trace()) / self.n if self.n else float("nan")

    def num_counted(self, y: Array, target: Array) -> None:
        rows, k = _rows(y), y.shape[1]
        if target.dtype == np.int64:
            expected = target.reshape(-1)
            known = expected != getattr(self._loss, "ignore_index", IGNORED)
            if not known.all():
                rows, expected = rows[known], expected[known]
        else:
            expected = target.argmax(axis=1).reshape(-1)
        predicted = rows.argmax(axis=1)
        self.n += len(rows)
        ranks = np.bincount(np.where(predicted == expected, 0, _ranks(rows, expected)), minlength=k)
        self.ranks = ranks if self.ranks.size == 0 else self.ranks + ranks
        pairs = np.bincount(expected * k + predicted, minlength=k * k).reshape(k, k)
        self.confusion = pairs if self.confusion.size == 0 else self.confusion + pairs


class MultilabelMetrics(Metrics):
    """Metrics of binary outputs; targets above 0.5 are positive.

    Attributes:
        correct: Number of correct predictions of each output.
        all_correct: Number of rows with all outputs correct.
        by_output: (outputs, 2, 2), confusion matrix of each output; row: target, column: prediction.
    """

    correct: Labels = np.zeros(0, np.int64)
    all_correct = 0
    by_output: Labels = np.zeros((0, 2, 2), np.int64)

    @property
    def confusion(self) -> Labels:
        """(2, 2), of all outputs together."""
        return self.by_output.sum(axis=0)  # type: ignore[no-any-return]

    @property
    def accuracy(self) -> float:
        return int(self.correct.sum()) / (self.n * len(self.correct)) if self.n else float("nan")

    def num_counted(self, y: Array, target: Array) -> None:
        predicted, expected = _rows(answers("multilabel", self._kind, y)), _rows(target) > 0.5
        is_correct = predicted == expected
        self.n += len(is_correct)
        self.correct = (
            is_correct.sum(axis=0) if self.correct.size == 0 else self.correct + is_correct.sum(axis=0)
        )
        self.all_correct += int(is_correct.all(axis=1).sum())
        outputs = expected.shape[1]
        cells = 4 * np.arange(outputs) + 2 * expected + predicted
        pairs = np.bincount(cells.reshape(-1), minlength=4 * outputs).reshape(outputs, 2, 2)
        self.by_output = pairs if self.by_output.size == 0 else self.by_output + pairs


class RegressionMetrics(Metrics):
    """Metrics of regression: sums for each output, in float64."""

    accuracy = None

    _first: Array | None = None

    def num_counted(self, y: Array, target: Array) -> None:
        error = _rows(y).astype(np.float64) - _rows(target)
        if self._first is None:  # as an offset, against cancellation if the mean is large
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
        """Coefficient of determination, averaged over outputs, as scikit-learn's ``r2_score``; for a constant
        target 1 if the predictions are exact, else 0; NaN for a single row.
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
    """New metrics for a task, with any loss that accepts the targets."""
    return _KINDS[task](loss, kind)


@ieee_arithmetic
def measure(
    model: Module, part: Samples, metrics: Metrics, batch_size: int, stop: Callable[[], bool] = lambda: False
) -> bool:
    """Adds the model's outputs for all rows; returns False if `stop` returned True between two batches."""
    for start in range(0, len(part), batch_size):
        if stop():
            return False
        metrics.add(model(part.x[start : start + batch_size]), part.y[start : start + batch_size])
    return True


def _rows(y: Array) -> Array:
    """(n, c, ...) as (n * positions, c)."""
    return np.moveaxis(y, 1, -1).reshape(-1, y.shape[1])


def _binary_cross_entropy(p: Array, target: Array) -> Array:
    """-t log p - (1 - t) log(1 - p), where 0 log 0 is 0."""
    yes = np.where(target > 0, target * np.log(p), 0)
    no = np.where(target < 1, (1 - target) * np.log1p(-p), 0)
    each: Array = -(yes + no)
    return each


def _ranks(logits: Array, y: Labels) -> Labels:
    """Number of classes that are more likely than the target; of equal logits, the first is."""
    mine = logits[np.arange(len(y)), y][:, None]
    later = np.arange(logits.shape[1]) > y[:, None]
    behind = (mine > logits) | ((mine == logits) & later)
    return logits.shape[1] - 1 - behind.sum(axis=1)  # type: ignore[no-any-return]
