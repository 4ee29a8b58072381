"""The task of a network, how it follows from the last layer and the loss, and predictions from outputs."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from .._checks import ieee_arithmetic, warn_caller
from .._names import did_you_mean, find
from .._types import Array
from ..losses import Loss

#: One of several classes, two classes, two classes for each output, values.
Task = Literal["multiclass", "binary", "multilabel", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)

#: Kind of outputs: "sigmoid" is a probability for each output, "logits" is anything else.
OutputKind = Literal["logits", "probabilities", "log_probabilities", "sigmoid"]

_LAYERS = {"probabilities": "Softmax", "log_probabilities": "LogSoftmax", "sigmoid": "Sigmoid"}


def check_task(who: str, task: Any, kind: OutputKind, outputs: int | None) -> Task:
    """The task, checked against the kind and the number of outputs (None: unknown)."""
    found = find(task, TASKS)
    if found is None:
        known = ", ".join(f'"{name}"' for name in TASKS)
        hint = did_you_mean(task, TASKS)
        raise ValueError(f"{who}: task must be one of {known} or None, got {task!r}{hint}")
    task = found
    if task in ("binary", "multilabel") and kind in ("probabilities", "log_probabilities"):
        raise ValueError(
            f'{who}: task "{task}" does not fit a network that ends in {_LAYERS[kind]}, '
            'whose outputs are one class of several: "multiclass"'
        )
    if task == "binary" and outputs is not None and outputs != 1:
        raise ValueError(
            f'{who}: task "binary" needs a network with one output, this one has {outputs}; '
            'for a label for each output use "multilabel"'
        )
    return task  # type: ignore[no-any-return]


def task_by_end(kind: OutputKind, outputs: int | None) -> Task | None:
    """The task by the last layer; None if unknown, or if it depends on an unknown number of outputs."""
    if kind in ("probabilities", "log_probabilities"):
        return "multiclass"
    return _yes_or_no(outputs) if kind == "sigmoid" else None


def task_by_loss(loss: Loss, kind: OutputKind, outputs: int | None) -> Task | None:
    """The task by the loss; None if it depends on an unknown number of outputs."""
    if loss.is_classification or kind in ("probabilities", "log_probabilities"):
        return "multiclass"
    return _yes_or_no(outputs) if loss.takes_probabilities else "regression"


def check_loss(who: str, loss: Loss, kind: OutputKind, task: Task | None, outputs: int | None) -> None:
    """Raises ValueError for a loss that contradicts the last layer, the number of outputs (None: unknown) or
    the task set by the user.
    """
    of_logits = loss.is_classification or loss.takes_probabilities
    if kind in ("probabilities", "sigmoid") and of_logits:
        raise ValueError(
            f'{who}: the loss "{loss.name}" does not take probabilities; '
            f"remove the {_LAYERS[kind]} at the end"
        )
    if loss.name == "nll" and kind == "logits":
        raise ValueError(
            f'{who}: the loss "nll" needs a model that ends in LogSoftmax; use loss="cross_entropy"'
        )
    if kind == "log_probabilities" and of_logits and not loss.is_classification:
        raise ValueError(
            f'{who}: the loss "{loss.name}" does not take log-probabilities; remove the LogSoftmax at '
            'the end, or use loss="nll"'
        )
    fitting = ("multiclass",) if loss.is_classification else ("binary", "multilabel")
    if task is not None and of_logits and task not in fitting:
        cure = {"multiclass": "cross_entropy", "regression": "mse"}.get(task, "bce_with_logits")
        raise ValueError(
            f'{who}: the loss "{loss.name}" does not fit model.task "{task}"; use loss="{cure}", or set '
            f"model.task to {' or '.join(map(repr, fitting))}"
        )
    if loss.is_classification and outputs == 1 and task is None:
        raise ValueError(
            f'{who}: the loss "{loss.name}" needs an output for each class, the network has a single one; '
            'for binary classification use loss="bce_with_logits"'
        )


def warn_of_nan(who: str, x: Array, y: Array) -> None:
    """Warns about rows of outputs that are NaN, for which argmax would return class 0."""
    bad = np.isnan(y).any(axis=tuple(range(1, y.ndim)))
    if bad.any():
        first = int(bad.argmax())
        cause = "although its input is finite" if np.isfinite(x[first]).all() else "whose input is not finite"
        warn_caller(
            f"{who}: the output is NaN in {np.count_nonzero(bad)} of {len(y)} rows, the first is row "
            f"{first}, {cause}; predictions for them are meaningless"
        )


@ieee_arithmetic
def answers(task: Task, kind: OutputKind, y: Array) -> Array:
    """Result of `predict` for outputs y (n, c, ...); y itself for a regression."""
    if task == "regression":
        return y
    if task == "multiclass":
        best: Array = y.argmax(axis=1)
        return best
    yes: Array = (y > (0.5 if kind == "sigmoid" else 0)).astype(np.int64)
    return yes[:, 0] if task == "binary" else yes


@ieee_arithmetic  # a row with an infinite logit gives NaN, as it should
def probabilities(task: Task, kind: OutputKind, y: Array) -> Array:
    """Result of `predict_proba` for outputs y (n, c, ...), which may be overwritten."""
    if task == "multiclass":
        return _of_classes(kind, y)
    yes = y if kind == "sigmoid" else _sigmoid(y)
    if task == "multilabel":
        return yes
    return np.concatenate([1 - yes if kind == "sigmoid" else _sigmoid(-y), yes], axis=1)


def _yes_or_no(outputs: int | None) -> Task | None:
    if outputs is None:
        return None
    return "binary" if outputs == 1 else "multilabel"


def _of_classes(kind: OutputKind, y: Array) -> Array:
    if kind == "probabilities":
        return y
    if kind == "logits":
        y -= y.max(axis=1, keepdims=True)
    if kind != "sigmoid":
        np.exp(y, out=y)
    if kind != "log_probabilities":
        y /= y.sum(axis=1, keepdims=True)  # a sigmoid for each class, one versus rest
    return y


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, x.dtype.type(1), small) / (1 + small)
    return y
