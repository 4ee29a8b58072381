"""`evaluate`: metrics of a model on labeled data."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import _terminal
from .._checks import check_integer, takes_a_pair, type_of
from .._json import plain
from .._types import Array, Labels
from ..losses import IGNORED, as_class
from ..nn import Module
from ..nn.task import Task
from .metrics import (
    ClassificationMetrics,
    Metrics,
    MultilabelMetrics,
    RegressionMetrics,
    measure,
    metrics_for,
)
from .named_metrics import by_class, check_metrics, named
from .samples import check_not_all_ignored, evaluation_samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..datasets import ImageDataset

Counted = Literal["images", "positions"]

_WORST = 5
_WORST_WITHOUT_MATRIX = 12


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics of a classifier, with two classes if its task is "binary".

    Args:
        loss: Mean cross entropy.
        accuracy: Fraction of correct predictions, 0 to 1.
        top2_accuracy: Fraction of targets among the two most likely classes.
        confusion: (classes, classes) int64; row: true class, column: predicted class.
        n: Number of predictions that are not ignored: one per image, or per position of a map.
        classes: Name of each class; its number if names are unknown.
        seconds: Duration of the evaluation.
        counted: What `n` counts.
        metrics: The metrics that were asked for, by name.
    """

    loss: float
    accuracy: float
    top2_accuracy: float
    confusion: Labels
    n: int
    classes: tuple[str, ...]
    seconds: float
    counted: Counted = "images"
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def precision(self) -> Array:
        """Of each class, the fraction of its predictions that are correct; 0 if it is never predicted."""
        return by_class(self.confusion).precision

    @property
    def recall(self) -> Array:
        """Of each class, the fraction of its targets that are predicted; 0 if there are none."""
        return by_class(self.confusion).recall

    @property
    def f1(self) -> Array:
        """Of each class, the harmonic mean of precision and recall; 0 if both are 0."""
        return by_class(self.confusion).f1

    def most_confused(self, count: int = _WORST) -> list[tuple[str, str, int]]:
        """The most frequent errors: (true class, predicted class, count)."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(wrong, axis=None, kind="stable")[::-1][:count]
        pairs = ((int(i) // len(wrong), int(i) % len(wrong)) for i in order)
        return [(self.classes[t], self.classes[p], int(wrong[t, p])) for t, p in pairs if wrong[t, p] > 0]

    def by_class(self) -> str:
        """A table of precision, recall, F1 and number of targets of each class."""
        lines = [["class", "precision", "recall", "F1", "targets"]]
        targets = self.confusion.sum(axis=1)
        rows = zip(self.classes, self.precision, self.recall, self.f1, targets, strict=True)
        for name, *values, count in rows:
            lines.append([name, *(f"{value:.2%}" for value in values), f"{count:,}"])
        return "\n".join(_terminal.aligned(lines))

    def plot(self, *, ax: Axes | None = None) -> Figure:
        """Draw the confusion matrix; see `cnnfast.plot.confusion_matrix`."""
        from ..plot.confusion_matrix import confusion_matrix

        return confusion_matrix(self, ax=ax)

    def to_dict(self) -> dict[str, Any]:
        """A dict for JSON; values that are not finite become None, and then "finite" is False."""
        return plain(
            {
                "loss": self.loss,
                "accuracy": self.accuracy,
                "top2_accuracy": self.top2_accuracy,
                "confusion": self.confusion.tolist(),
                "n": self.n,
                "classes": list(self.classes),
                "seconds": self.seconds,
                "counted": self.counted,
                "precision": self.precision.tolist(),
                "recall": self.recall.tolist(),
                "f1": self.f1.tolist(),
                "metrics": self.metrics,
            }
        )

    def __str__(self) -> str:
        lines = [
            _terminal.packed(
                [
                    f"accuracy {self.accuracy:.2%}",
                    *([f"top-2 {self.top2_accuracy:.2%}"] if len(self.classes) > 2 else []),
                    f"loss {self.loss:.4f}",
                    *_named(self.metrics),
                    _cost(self.n, self.counted, self.seconds),
                ]
            ),
            *self._matrix(),
        ]
        pairs = self.most_confused(_WORST if len(lines) > 2 else _WORST_WITHOUT_MATRIX)
        worst = [f"{t} as {p} {times:,} times" for t, p, times in pairs] or ["none"]
        texts = [f"{text}," for text in worst[:-1]] + worst[-1:]
        return "\n".join([*lines, _terminal.packed(["most confused:", *texts], gap=" ")])

    def _matrix(self) -> list[str]:
        """The confusion matrix if it fits the terminal, otherwise where to find it."""
        names = [name[:10] for name in self.classes]
        cells = [[str(v) if v else "." for v in row] for row in self.confusion]
        width = max(len(text) for text in [*names, *(cell for row in cells for cell in row)])
        if (len(names) + 1) * (width + 1) - 1 > _terminal.width():
            return [
                _terminal.wrapped(
                    f"confusion matrix: {len(names)} classes are too wide for {_terminal.width()} columns; "
                    "it is in .confusion, and in what `cnnfast evaluate --json` prints"
                )
            ]
        rows = zip(["", *names], [names, *cells], strict=True)
        lines = [" ".join(text.rjust(width) for text in [name, *row]) for name, row in rows]
        return ["confusion (row: true class, column: predicted class)", *lines]


@dataclass(frozen=True, eq=False)
class MultilabelEvaluation:
    """Metrics of a multilabel classifier.

    Args:
        loss: Mean binary cross entropy over all outputs.
        accuracy: Fraction of correct predictions over all outputs, 0 to 1.
        exact_match: Fraction of images (or positions) with all outputs correct.
        accuracy_by_output: Fraction of correct predictions of each output.
        n: Number of images, or of positions of maps.
        classes: Name of each output; its number if names are unknown.
        seconds: Duration of the evaluation.
        counted: What `n` counts.
        metrics: The metrics that were asked for, by name.
    """

    loss: float
    accuracy: float
    exact_match: float
    accuracy_by_output: tuple[float, ...]
    n: int
    classes: tuple[str, ...]
    seconds: float
    counted: Counted = "images"
    metrics: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As `Evaluation.to_dict`."""
        return plain(_fields(self))

    def __str__(self) -> str:
        metrics_text = [
            f"accuracy {self.accuracy:.2%}",
            f"exact match {self.exact_match:.2%}",
            f"loss {self.loss:.4f}",
            *_named(self.metrics),
            _cost(self.n, self.counted, self.seconds),
        ]
        by_output = [
            f"{name} {value:.2%}" for name, value in zip(self.classes, self.accuracy_by_output, strict=True)
        ]
        return "\n".join(
            [_terminal.packed(metrics_text), _terminal.packed(["accuracy by output:", *by_output])]
        )


@dataclass(frozen=True, eq=False)
class RegressionEvaluation:
    """Metrics of a regression model.

    Args:
        mse, mae: Mean squared and mean absolute error over all outputs.
        r2: Coefficient of determination, averaged over outputs: 1 for perfect predictions, 0 for always
            predicting the mean. 1 or 0 for a constant target; NaN for a single row.
        n: Number of images, or of positions of maps.
        seconds: Duration of the evaluation.
        counted: What `n` counts.
    """

    mse: float
    mae: float
    r2: float
    n: int
    seconds: float
    counted: Counted = "images"

    @property
    def loss(self) -> float:
        """The mean squared error."""
        return self.mse

    def to_dict(self) -> dict[str, Any]:
        """As `Evaluation.to_dict`."""
        return plain({"loss": self.loss, **_fields(self)})

    def __str__(self) -> str:
        metrics_text = [f"MSE {self.mse:.4g}", f"MAE {self.mae:.4g}", f"R2 {self.r2:.4f}"]
        return _terminal.packed([*metrics_text, _cost(self.n, self.counted, self.seconds)])


@takes_a_pair
def evaluate(
    model: Module,
    data: ImageDataset | tuple[Array, Array],
    batch_size: int = 1024,
    *,
    ignore_index: int = IGNORED,
    metrics: Sequence[str] = (),
) -> Evaluation | MultilabelEvaluation | RegressionEvaluation:
    """Evaluate a model on labeled data, with metrics that depend on its `task`.

    Args:
        model: Its `task` defines the meaning of its outputs; if it is unknown and there are several outputs,
            they are class logits.
        data: An ImageDataset or a pair (x, y). For outputs (n, c), or maps of them (n, c, h, w), y is:
            "multiclass": (n,) or (n, h, w), the class index of each row or position, or its name in
                `model.classes`;
            "binary": (n,) or (n, h, w) of 0 and 1, or floats 0 and 1 in the shape of the output;
            "multilabel": 0 and 1, integers or floats, in the shape of the output;
            "regression": floats in the shape and dtype of the output.
        batch_size: Images per batch; does not change the result, but memory grows with it.
        ignore_index: For "multiclass", the label of rows or positions to ignore.
        metrics: More metrics by name, as in `fit`: for classes "top5" (or another number), "precision",
            "recall" and "f1" (means over classes; for "binary", those of the positive class).

    Returns:
        An Evaluation for classes ("multiclass", "binary"), a MultilabelEvaluation or a RegressionEvaluation.

    Raises:
        TypeError, ValueError: Data that does not fit the model; a model with a single output and unknown
            task; all labels are ignored.

    Cost: one inference pass; memory for one batch of outputs and the confusion matrix.

    Example:
        >>> import cnnfast as cf
        >>> result = cf.evaluate(cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(64, seed=1))
        >>> int(result.confusion.sum())
        64
    """
    batch_size = check_integer("evaluate", "batch_size", batch_size, 1)
    if not isinstance(model, Module):
        raise TypeError(f"evaluate: model must be a Module, got {type_of(model)}")
    part, task, loss = evaluation_samples("evaluate", data, model, as_class("evaluate", ignore_index))
    check_not_all_ignored("evaluate: y", part, loss)
    output = model.plan_for(part.x.shape[1:]).output_shape
    names = check_metrics("evaluate", metrics, task, output[0])
    found = metrics_for(task, model.output_kind, loss)
    began = time.perf_counter()
    measure(model, part, found, batch_size)
    seconds = time.perf_counter() - began
    counted: Counted = "positions" if len(output) > 1 else "images"
    result = _result(task, found, part.classes or model.classes, seconds, counted)
    if not names or isinstance(result, RegressionEvaluation):  # which has all of them
        return result
    return replace(result, metrics={name: named(name, found, task) for name in names})


def _result(
    task: Task, metrics: Metrics, names: tuple[str, ...] | None, seconds: float, counted: Counted
) -> Evaluation | MultilabelEvaluation | RegressionEvaluation:
    if isinstance(metrics, RegressionMetrics):
        return RegressionEvaluation(metrics.mse, metrics.mae, metrics.r2, metrics.n, seconds, counted)
    if isinstance(metrics, MultilabelMetrics) and task == "multilabel":
        by_output = tuple((metrics.correct / metrics.n).tolist())
        exact, names = metrics.all_correct / metrics.n, _names(names, len(by_output))
        return MultilabelEvaluation(
            metrics.loss, metrics.accuracy, exact, by_output, metrics.n, names, seconds, counted
        )
    assert isinstance(metrics, ClassificationMetrics | MultilabelMetrics)
    top2 = metrics.top2_correct / metrics.n if isinstance(metrics, ClassificationMetrics) else 1.0
    names = _names(names, len(metrics.confusion))
    return Evaluation(
        metrics.loss, metrics.accuracy, top2, metrics.confusion, metrics.n, names, seconds, counted
    )


def _named(metrics: Mapping[str, float]) -> list[str]:
    return [f"{name} {value:.4g}" for name, value in metrics.items()]


def _names(known: tuple[str, ...] | None, count: int) -> tuple[str, ...]:
    return known if known is not None and len(known) == count else tuple(map(str, range(count)))


def _fields(result: MultilabelEvaluation | RegressionEvaluation) -> dict[str, Any]:
    return {field.name: getattr(result, field.name) for field in fields(result)}


def _cost(n: int, counted: Counted, seconds: float) -> str:
    return f"({n:,} {counted} in {seconds:.1f} s)"
