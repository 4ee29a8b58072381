"""Loss functions on arrays: cross entropy of logits, and negative log-likelihood of log-probabilities."""

from __future__ import annotations

from typing import Literal

import numpy as np

from . import _core
from .border import Array, Labels, check_label_range, labels
from .one_op import check_floats, check_rank

Reduction = Literal["mean", "sum", "none"]


def cross_entropy(
    logits: Array, target: Labels, reduction: Reduction = "mean", *, isa: str | None = None
) -> float | Array:
    """Loss of each row, -log softmax(logits)[target], safe for large logits; then their mean or sum.

    Args:
        logits: (n, classes), float32 or float64.
        target: (n,) integers, each 0 .. classes - 1.
        reduction: "mean" (NaN if n is 0), "sum", or "none" for the losses of the rows.
        isa: Instruction set to use; None takes the best.

    Returns:
        A float, or (n,) with "none".

    Raises:
        TypeError: Another dtype.
        ValueError: Shapes that do not fit, or a target that is no class.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> round(functional.cross_entropy(np.zeros((3, 4)), np.array([0, 1, 3])), 4)
        1.3863
    """
    target = _checked("cross_entropy", "logits", logits, target, reduction)
    return _reduced(_core.cross_entropy(np.ascontiguousarray(logits), target, isa)[0], reduction)


def cross_entropy_backward(
    logits: Array, target: Labels, reduction: Reduction = "mean", *, isa: str | None = None
) -> Array:
    """d loss / d logits: softmax(logits) - onehot(target), divided by n with "mean". Arguments as
    cross_entropy.

    With "none" row i holds the derivative of the loss of row i.
    """
    target = _checked("cross_entropy_backward", "logits", logits, target, reduction)
    return _shared(_core.cross_entropy(np.ascontiguousarray(logits), target, isa)[1], reduction)


def nll_loss(
    log_probs: Array, target: Labels, reduction: Reduction = "mean", *, isa: str | None = None
) -> float | Array:
    """Loss of each row, -log_probs[target]; arguments and reductions as cross_entropy.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> functional.nll_loss(np.log(np.array([[0.25, 0.75]])), np.array([0]), "none").round(4)
        array([1.3863])
    """
    target = _checked("nll_loss", "log_probs", log_probs, target, reduction)
    return _reduced(_core.nll(np.ascontiguousarray(log_probs), target, isa)[0], reduction)


def nll_loss_backward(
    log_probs: Array, target: Labels, reduction: Reduction = "mean", *, isa: str | None = None
) -> Array:
    """d loss / d log_probs: -onehot(target), divided by n with "mean". Arguments as cross_entropy."""
    target = _checked("nll_loss_backward", "log_probs", log_probs, target, reduction)
    return _shared(_core.nll(np.ascontiguousarray(log_probs), target, isa)[1], reduction)


def _checked(who: str, name: str, rows: Array, target: Labels, reduction: str) -> Labels:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'{who}: reduction must be "mean", "sum" or "none", got {reduction!r}')
    check_floats(who, **{name: rows})
    check_rank(who, name, rows, ("n", "classes"))
    target = labels(who, "target", target, len(rows))
    check_label_range(who, "target", target, rows.shape[1])
    return target


def _reduced(losses: Array, reduction: Reduction) -> float | Array:
    if reduction == "none":
        return losses
    total = float(losses.sum(dtype=np.float64))
    if reduction == "sum":
        return total
    return total / len(losses) if len(losses) else float("nan")


def _shared(gradient: Array, reduction: Reduction) -> Array:
    if reduction == "mean":
        gradient /= max(len(gradient), 1)
    return gradient
