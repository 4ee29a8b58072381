"""`Samples`: inputs and targets, checked against the model to train or evaluate."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._checks import check_label_range, check_number, type_of
from .._class_names import are_names, class_numbers
from .._types import Array, Labels, Shape
from ..datasets import ImageDataset
from ..datasets.lazy_images import LazyImageDataset, LazyImages
from ..datasets.sampling import stratified_order
from ..losses import MSE, BCEWithLogits, CrossEntropy, Loss, targets
from ..nn import Module
from ..nn.task import Task

#: Shape of an output, x as the engine takes it, y as passed, class names.
_Unpacked = tuple[Shape, Array, Any, tuple[str, ...] | None]


@dataclass(frozen=True, eq=False)
class Samples:
    """x and y as the engine takes them (y is int64 if it holds classes); `rows` is a subset, None means
    all; `weights` are those of the rows of x in the loss, None means all 1; `pending` decodes x, None if
    that is done."""

    x: Array
    y: Array
    classes: tuple[str, ...] | None = None
    rows: Labels | None = None
    weights: Array | None = None
    pending: LazyImages | None = None

    def __len__(self) -> int:
        return len(self.y if self.rows is None else self.rows)


def as_samples(
    who: str,
    data: Any,
    model: Module,
    loss: Loss,
    names: tuple[str, ...] | None = None,
    *,
    lazy: bool = False,
) -> Samples:
    """Training samples from an ImageDataset or a pair (x, y); checks dtypes, shapes, counts, labels and class
    names. Class names are numbered as in `model.classes`, else as in `names`, else sorted.

    Args:
        lazy: Do not decode images of a `LazyImageDataset`.

    Raises:
        TypeError: Neither of the two, or a dtype that the model or the loss does not support.
        ValueError: No rows; mismatched shapes or counts; labels or classes that are not the model's.
    """
    pending = data.pending if lazy and isinstance(data, LazyImageDataset) else None
    unpacked = _unpacked(who, data, model, pending)
    model.check_loss(who, loss, unpacked[0][0])
    return replace(_checked(who, unpacked, model, loss, model.classes or names), pending=pending)


def evaluation_samples(who: str, data: Any, model: Module, ignore_index: int) -> tuple[Samples, Task, Loss]:
    """Samples for evaluation, with the model's task and the unweighted loss for that task."""
    unpacked = _unpacked(who, data, model)
    output, _, y, _ = unpacked
    task = model.task_for(who, output[0])
    if task == "multiclass" and isinstance(y, np.ndarray) and y.dtype.kind == "f" and y.ndim > 1:
        raise TypeError(
            f"{who}: y must be integers, the class of each row, got {type_of(y)} of shape {y.shape}; "
            "for other targets set model.task to 'regression' or 'multilabel'"
        )
    plain: dict[Task, Loss] = {"multiclass": CrossEntropy(ignore_index=ignore_index), "regression": MSE()}
    loss = plain.get(task, BCEWithLogits())
    if are_names(y) and model.classes is None:
        raise ValueError(f"{who}: y holds names of classes, but the model has none; set model.classes")
    return _checked(who, unpacked, model, loss, model.classes), task, loss


def _unpacked(who: str, data: Any, model: Module, pending: LazyImages | None = None) -> _Unpacked:
    if isinstance(data, ImageDataset):
        x = data.images if pending is None else pending.array
        y, classes = data.labels, data.classes
    elif isinstance(data, tuple | list) and len(data) == 2:
        x, y, classes = data[0], data[1], None
    else:
        cure = "; datasets.from_path reads files and folders" if isinstance(data, str | os.PathLike) else ""
        raise TypeError(f"{who}: data must be an ImageDataset or a pair (x, y), got {type_of(data)}{cure}")
    plan, x = model.prepare(x)
    if len(x) == 0:
        raise ValueError(f"{who}: data has no rows")
    return plan.output_shape, x, y, classes


def _checked(
    who: str, unpacked: _Unpacked, model: Module, loss: Loss, known: tuple[str, ...] | None
) -> Samples:
    output, x, y, classes = unpacked
    if (
        classes is None
        and are_names(y)
        and (loss.is_classification or (loss.takes_probabilities and output[0] == 1))
    ):
        y, classes = class_numbers(who, "y", y, known)
    if classes is not None and (loss.is_classification or loss.takes_probabilities):
        if loss.is_classification and len(output) != 1:
            raise ValueError(f"{who}: the model must output one logit per class, got output shape {output}")
        _check_classes(who, classes, output[0], known, loss)
    y = targets(who, "y", y, loss, output, model.dtype, len(x))
    if y.dtype == np.int64:
        check_label_range(who, "y", y, output[0], getattr(loss, "ignore_index", None))
    return Samples(x, y, classes)


def split_validation(
    who: str, whole: Samples, fraction: float, seed: int, loss: Loss, stratify: bool | None
) -> tuple[Samples, Samples]:
    """(training, validation) samples. Training samples are not copied, so that x may be larger than memory.

    Args:
        stratify: Hold out the same fraction of each class; False holds out those of
            `ImageDataset.split(fraction, seed)`; None is True if there is one class for each row.

    Raises:
        ValueError: One of the two would be empty; or `stratify` without classes.
    """
    fraction = check_number(who, "validation", fraction, 0, 1)
    n = len(whole)
    n_held = round(n * fraction)
    if n_held in (0, n):
        raise ValueError(
            f"{who}: validation={fraction:g} of {n} images leaves {n - n_held} for training and {n_held} for "
            "validation; both must have at least 1"
        )
    classes = None if stratify is False else _class_of_rows(whole.y, loss)
    if classes is not None:
        order = stratified_order(classes, seed)
    elif stratify:
        raise ValueError(f"{who}: stratify=True needs one class for each row as targets")
    else:
        order = np.random.default_rng(seed).permutation(n)  # as `ImageDataset.split`
    held_rows, rest_rows = np.sort(order[:n_held]), np.sort(order[n_held:])
    if whole.pending is not None:
        whole.pending.finish(held_rows)
    held_part = Samples(whole.x[held_rows], whole.y[held_rows], whole.classes)
    return replace(whole, rows=rest_rows), held_part


def _class_of_rows(y: Array, loss: Loss) -> Array | None:
    """(n,), the class of each row; None if rows have several classes, or targets are no classes."""
    if y.dtype == np.int64:
        return y if y.ndim == 1 else None
    is_binary = loss.takes_probabilities and y.size == len(y) and bool(np.isin(y, (0, 1)).all())
    return y.reshape(-1) if is_binary else None


def check_not_all_ignored(what: str, part: Samples, loss: Loss) -> None:
    """Raises ValueError if all labels are the loss's ignore_index."""
    if part.y.dtype == np.int64 and (part.y == getattr(loss, "ignore_index", None)).all():
        raise ValueError(f"{what}: all labels are ignored")


def _check_classes(
    who: str, classes: tuple[str, ...], n_outputs: int, known: tuple[str, ...] | None, loss: Loss
) -> None:
    is_binary = n_outputs == 1 and not loss.is_classification
    if len(classes) != (2 if is_binary else n_outputs):
        raise ValueError(
            f"{who}: the data has {len(classes)} classes but the model has {n_outputs} outputs; "
            f"build the model with {len(classes)} outputs (num_classes={len(classes)})"
        )
    if known is not None and known != classes:
        first = next(i for i, pair in enumerate(zip(classes, known, strict=True)) if pair[0] != pair[1])
        raise ValueError(
            f"{who}: class {first} is {classes[first]!r} in the data but {known[first]!r} in the model; "
            "set model.classes = data.classes if the data's names are right"
        )
