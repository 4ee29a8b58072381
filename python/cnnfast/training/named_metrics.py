"""Metrics that are asked for by name, computed from counts of predictions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._checks import type_of
from .._names import did_you_mean
from .._types import Array, Labels
from ..nn.task import Task
from .metrics import ClassificationMetrics, Metrics, MultilabelMetrics, RegressionMetrics

_BY_CLASS = ("precision", "recall", "f1")
_NAMES: dict[Task, tuple[str, ...]] = {
    "multiclass": ("accuracy", *_BY_CLASS, "top2", "top3", "top5"),
    "binary": ("accuracy", *_BY_CLASS),
    "multilabel": ("accuracy", "exact_match", *_BY_CLASS),
    "regression": ("mse", "mae", "r2"),
}
_TOP = re.compile(r"top([1-9]\d{0,5})")


class ByClass(NamedTuple):
    """Metrics of each class, float64; 0 where the divisor is 0, as in scikit-learn."""

    precision: Array
    recall: Array
    f1: Array


def by_class(confusion: Labels) -> ByClass:
    """Metrics of each class from a confusion matrix (row: true class, column: predicted class).

    Precision is the fraction of the predictions of a class that are correct, recall the fraction of its
    targets that are predicted, F1 their harmonic mean, 2 TP / (2 TP + FP + FN).

    Example:
        >>> by_class(np.array([[3, 1], [0, 4]])).recall
        array([0.75, 1.  ])
    """
    correct = np.diagonal(confusion, axis1=-2, axis2=-1)
    predicted, targets = confusion.sum(axis=-2), confusion.sum(axis=-1)
    return ByClass(
        _ratio(correct, predicted), _ratio(correct, targets), _ratio(2 * correct, predicted + targets)
    )


def check_list(who: str, names: object) -> None:
    """Raises TypeError for anything but a list of names."""
    if not isinstance(names, list | tuple):
        raise TypeError(f"{who}: metrics must be a list of names, got {type_of(names)}")


def check_metrics(who: str, names: Sequence[str], task: Task, outputs: int) -> tuple[str, ...]:
    """The names, if a task has such metrics.

    Raises:
        TypeError, ValueError: Not a list, an unknown name, or more likely classes than there are.
    """
    check_list(who, names)
    for name in names:
        top = _TOP.fullmatch(name) if isinstance(name, str) and task == "multiclass" else None
        if top is not None and int(top[1]) > outputs:
            raise ValueError(f"{who}: metrics has {name!r}, but the model has {outputs} classes")
        if top is None and name not in _NAMES[task]:
            known = ", ".join(_NAMES[task])
            hint = did_you_mean(str(name), _NAMES[task])
            raise ValueError(f"{who}: metrics has {name!r}; for {task} there are {known}{hint}")
        if names.count(name) > 1:
            raise ValueError(f"{who}: metrics has {name!r} twice")
    return tuple(names)


def named(name: str, metrics: Metrics, task: Task) -> float:
    """The value of a checked name; precision, recall and F1 are those of the positive class for "binary",
    otherwise the mean over classes (or outputs).
    """
    if isinstance(metrics, RegressionMetrics):
        return float(getattr(metrics, name))
    if name == "accuracy":
        assert metrics.accuracy is not None
        return metrics.accuracy
    assert isinstance(metrics, ClassificationMetrics | MultilabelMetrics)
    if name in _BY_CLASS:
        if isinstance(metrics, ClassificationMetrics):
            return float(getattr(by_class(metrics.confusion), name).mean())
        return float(getattr(by_class(metrics.by_output), name)[:, 1].mean())
    if isinstance(metrics, MultilabelMetrics):
        return metrics.all_correct / metrics.n
    top = _TOP.fullmatch(name)
    assert top is not None
    return int(metrics.ranks[: int(top[1])].sum()) / metrics.n


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
