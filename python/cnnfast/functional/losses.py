"""Loss functions, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from .. import _core, losses
from .._checks import check_label_range, ieee_arithmetic
from .._types import Array, Labels
from ..losses import IGNORED, Loss
from ._run import check_floats

Reduction = Literal["mean", "sum", "none"]


def cross_entropy(
    logits: Array,
    target: Labels | Array,
    weight: Sequence[float] | None = None,
    *,
    reduction: Reduction = "mean",
    ignore_index: int = IGNORED,
    label_smoothing: float = 0.0,
    isa: str | None = None,
) -> float | Array:
    """Loss of each row, -log softmax(logits)[target], and their mean or sum; large logits do not overflow.

    Args:
        logits: (n, classes), float32 or float64; or a map (n, classes, ...), each position of which is a row.
        target: (n,) or (n, ...) integers, each 0 .. classes - 1 or `ignore_index`; or probabilities with the
            shape and dtype of the logits.
        weight, ignore_index, label_smoothing: See `losses.CrossEntropy`.
        reduction: "mean", weighted by the rows' classes (NaN if all rows are ignored); "sum"; or "none" for
            the losses of the rows.
        isa: Instruction set to use; None uses the best available.

    Returns:
        A float, or (n,) or (n, ...) with "none".

    Raises:
        TypeError: If an array has another dtype.
        ValueError: If the shapes do not match, or a target is not a class.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> round(functional.cross_entropy(np.zeros((3, 4)), np.array([0, 1, 3])), 4)
        1.3863
        >>> maps, classes = np.zeros((3, 4, 5, 5)), np.ones((3, 5, 5), dtype=int)
        >>> round(functional.cross_entropy(maps, classes), 4)
        1.3863
    """
    loss = losses.CrossEntropy(weight, label_smoothing=label_smoothing, ignore_index=ignore_index)
    return _value("cross_entropy", "logits", logits, target, loss, reduction, isa)


def cross_entropy_backward(
    logits: Array,
    target: Labels | Array,
    weight: Sequence[float] | None = None,
    *,
    reduction: Reduction = "mean",
    ignore_index: int = IGNORED,
    label_smoothing: float = 0.0,
    isa: str | None = None,
) -> Array:
    """d loss / d logits: softmax(logits) - onehot(target), divided by the number of rows if reduction is
    "mean". Arguments as in `cross_entropy`.

    If reduction is "none", row i is the gradient of the loss of row i.
    """
    loss = losses.CrossEntropy(weight, label_smoothing=label_smoothing, ignore_index=ignore_index)
    return _gradient("cross_entropy_backward", "logits", logits, target, loss, reduction, isa)


def nll_loss(
    log_probs: Array,
    target: Labels,
    weight: Sequence[float] | None = None,
    *,
    reduction: Reduction = "mean",
    ignore_index: int = IGNORED,
    isa: str | None = None,
) -> float | Array:
    """Loss of each row, -log_probs[target]; arguments and reductions as in `cross_entropy`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> functional.nll_loss(np.log(np.array([[0.25, 0.75]])), np.array([0]), reduction="none").round(4)
        array([1.3863])
    """
    loss = losses.NLL(weight, ignore_index=ignore_index)
    return _value("nll_loss", "log_probs", log_probs, target, loss, reduction, isa)


def nll_loss_backward(
    log_probs: Array,
    target: Labels,
    weight: Sequence[float] | None = None,
    *,
    reduction: Reduction = "mean",
    ignore_index: int = IGNORED,
    isa: str | None = None,
) -> Array:
    """d loss / d log_probs: -onehot(target), divided by the number of rows if reduction is "mean". Arguments
    as in `cross_entropy`.
    """
    loss = losses.NLL(weight, ignore_index=ignore_index)
    return _gradient("nll_loss_backward", "log_probs", log_probs, target, loss, reduction, isa)


def mse_loss(
    x: Array, target: Array, *, reduction: Reduction = "mean", isa: str | None = None
) -> float | Array:
    """(x - target)^2 of each element, and their mean or sum; with "none" an array of the shape of x. x and
    target have the same shape, of any rank, and the same dtype; the mean of an empty array is NaN.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> functional.mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
        2.0
    """
    return _value("mse_loss", "x", x, target, losses.MSE(), reduction, isa)


def mse_loss_backward(
    x: Array, target: Array, *, reduction: Reduction = "mean", isa: str | None = None
) -> Array:
    """d loss / d x of `mse_loss`."""
    return _gradient("mse_loss_backward", "x", x, target, losses.MSE(), reduction, isa)


def l1_loss(
    x: Array, target: Array, *, reduction: Reduction = "mean", isa: str | None = None
) -> float | Array:
    """|x - target| of each element; otherwise as `mse_loss`."""
    return _value("l1_loss", "x", x, target, losses.L1(), reduction, isa)


def l1_loss_backward(
    x: Array, target: Array, *, reduction: Reduction = "mean", isa: str | None = None
) -> Array:
    """d loss / d x of `l1_loss`; 0 where both are equal."""
    return _gradient("l1_loss_backward", "x", x, target, losses.L1(), reduction, isa)


def smooth_l1_loss(
    x: Array, target: Array, *, reduction: Reduction = "mean", beta: float = 1.0, isa: str | None = None
) -> float | Array:
    """See `losses.SmoothL1`; otherwise as `mse_loss`."""
    return _value("smooth_l1_loss", "x", x, target, losses.SmoothL1(beta=beta), reduction, isa)


def smooth_l1_loss_backward(
    x: Array, target: Array, *, reduction: Reduction = "mean", beta: float = 1.0, isa: str | None = None
) -> Array:
    """d loss / d x of `smooth_l1_loss`."""
    return _gradient("smooth_l1_loss_backward", "x", x, target, losses.SmoothL1(beta=beta), reduction, isa)


def huber_loss(
    x: Array, target: Array, reduction: Reduction = "mean", delta: float = 1.0, *, isa: str | None = None
) -> float | Array:
    """See `losses.Huber`; otherwise as `mse_loss`."""
    return _value("huber_loss", "x", x, target, losses.Huber(delta=delta), reduction, isa)


def huber_loss_backward(
    x: Array, target: Array, reduction: Reduction = "mean", delta: float = 1.0, *, isa: str | None = None
) -> Array:
    """d loss / d x of `huber_loss`."""
    return _gradient("huber_loss_backward", "x", x, target, losses.Huber(delta=delta), reduction, isa)


def binary_cross_entropy_with_logits(
    logits: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    pos_weight: Sequence[float] | None = None,
    isa: str | None = None,
) -> float | Array:
    """See `losses.BCEWithLogits`; otherwise as `mse_loss`. `pos_weight` has one value for each channel
    (axis 1).

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> round(functional.binary_cross_entropy_with_logits(np.zeros((1, 2)), np.array([[0.0, 1.0]])), 4)
        0.6931
    """
    who = "binary_cross_entropy_with_logits"
    return _value(who, "logits", logits, target, losses.BCEWithLogits(pos_weight=pos_weight), reduction, isa)


def binary_cross_entropy_with_logits_backward(
    logits: Array,
    target: Array,
    *,
    reduction: Reduction = "mean",
    pos_weight: Sequence[float] | None = None,
    isa: str | None = None,
) -> Array:
    """d loss / d logits of `binary_cross_entropy_with_logits`."""
    who = "binary_cross_entropy_with_logits_backward"
    return _gradient(
        who, "logits", logits, target, losses.BCEWithLogits(pos_weight=pos_weight), reduction, isa
    )


@ieee_arithmetic
def _value(
    who: str, name: str, x: Array, target: Array, loss: Loss, reduction: str, isa: str | None
) -> float | Array:
    each, _, divisor = _rows(who, name, x, target, loss, reduction, isa)
    if reduction == "none":
        return each
    total = float(each.sum(dtype=np.float64))
    if reduction == "sum":
        return total
    return total / divisor if divisor else float("nan")


@ieee_arithmetic
def _gradient(
    who: str, name: str, x: Array, target: Array, loss: Loss, reduction: str, isa: str | None
) -> Array:
    _, gradient, divisor = _rows(who, name, x, target, loss, reduction, isa)
    if reduction == "mean" and divisor:
        gradient /= divisor
    return gradient


def _rows(
    who: str, name: str, x: Array, target: Array, loss: Loss, reduction: str, isa: str | None
) -> tuple[Array, Array, float]:
    """Losses and their gradients, unreduced, and the divisor of the mean."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'{who}: reduction must be "mean", "sum" or "none", got {reduction!r}')
    check_floats(who, **{name: x})
    if loss.is_classification and x.ndim < 2:
        raise ValueError(f"{who}: {name} must have shape (n, classes, ...), got {x.shape}")
    shape = x.shape
    if x.ndim == 0:
        x, target = x[None], target[None] if isinstance(target, np.ndarray) else target
    target = losses.targets(who, "target", target, loss, x.shape[1:], x.dtype, len(x))
    if target.dtype == np.int64:
        check_label_range(who, "target", target, x.shape[1], getattr(loss, "ignore_index", None))
    each, gradient, divisor = _core.row_losses(loss.engine_loss(), np.ascontiguousarray(x), target, isa)
    return each if loss.is_classification else each.reshape(shape), gradient.reshape(shape), divisor
