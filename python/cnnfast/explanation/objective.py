"""`Objective`: the loss that a backward pass begins with, and what it compares the outputs with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._names import did_you_mean
from .._types import Array
from ..losses import MSE, NLL, BCEWithLogits, CrossEntropy, Loss
from ..nn.task import Task, answers
from .network import Network

#: Layers at the end of a network that the losses contain.
_IN_THE_LOSS = ("Softmax", "Sigmoid")


class Objective(NamedTuple):
    """A loss of one image.

    Attributes:
        loss: Its kind.
        value: The value it reads: the output, or the input of a Softmax or Sigmoid at the end.
        target: With a batch axis.
        class_index: The class, if the target is one.
        name: Of the class; empty if it has none.
    """

    loss: Loss
    value: int
    target: Array
    class_index: int | None
    name: str


def task_of(network: Network) -> Task | None:
    """The task; None if it is unknown for a single output."""
    try:
        return network.model.task_for("explain", len(network.output))
    except ValueError:
        return None


def score_value(network: Network) -> int:
    """The value before a Softmax, LogSoftmax or Sigmoid at the end, else the output."""
    last = network.steps[-1]
    ends = last.op.name in (*_IN_THE_LOSS, "LogSoftmax")
    return last.inputs[0] if ends else len(network.steps)


def prediction(network: Network, task: Task | None) -> Array:
    """As `Module.predict` of the image."""
    kind = network.model.output_kind
    found: Array = answers(task or "regression", kind, network.output[None])[0]
    return found


def class_index(who: str, network: Network, target: object) -> int:
    """A class by its name or number.

    Raises:
        ValueError: There is no such class.
    """
    classes = network.model.classes
    count = len(network.output)
    if isinstance(target, str):
        if classes and target in classes:
            return classes.index(target)
        if not classes and target.isdecimal():
            return class_index(who, network, int(target))
        named = ", ".join(classes) if classes else f"0 to {count - 1}"
        hint = did_you_mean(target, classes or ())
        raise ValueError(f"{who}: target must be one of the classes {named}, got {target!r}{hint}")
    if isinstance(target, bool) or not isinstance(target, int | np.integer):
        raise TypeError(f"{who}: target must be a class or its number, got {target!r}")
    if not 0 <= target < max(count, 2 if count == 1 else 0):
        raise ValueError(f"{who}: target must be from 0 to {count - 1}, the classes, got {target}")
    return int(target)


def class_name(network: Network, index: int) -> str:
    classes = network.model.classes
    return classes[index] if classes and index < len(classes) else str(index)


def objective(who: str, network: Network, target: object) -> Objective:
    """The loss of the network's task.

    Args:
        target: A class by name or number, or an array as of `Module.loss_and_grad`, without batch axis;
            None: the prediction.

    Raises:
        TypeError, ValueError: A target that does not fit; none for a regression.
    """
    model = network.model
    task = model.task_for(who, len(network.output))
    last = network.steps[-1]
    inside = last.op.name in _IN_THE_LOSS
    value = last.inputs[0] if inside else len(network.steps)
    loss: Loss = MSE()
    if task == "multiclass":
        loss = NLL() if model.output_kind == "log_probabilities" else CrossEntropy()
    elif task != "regression":
        loss = BCEWithLogits()
    if not inside:
        model.check_loss(who, loss, len(network.output))
    if target is None and task == "regression":
        raise ValueError(f"{who}: a network for regression needs a target, since its prediction has no loss")
    if target is None:
        target = prediction(network, task)
        target = int(target) if target.ndim == 0 else target
    if isinstance(target, np.ndarray):
        return Objective(loss, value, target[None], None, "")
    index = class_index(who, network, target)
    if task == "multiclass" and network.output.ndim == 1:
        return Objective(loss, value, np.array([index]), index, class_name(network, index))
    if task == "binary":
        return Objective(loss, value, np.full((1, 1), float(index)), index, class_name(network, index))
    raise ValueError(f"{who}: target must be an array of the shape {network.output.shape}, got {target!r}")
