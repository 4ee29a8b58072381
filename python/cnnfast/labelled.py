"""`Labelled`: inputs and their targets, checked against the model that learns or is judged by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .border import Array, Labels, check_label_range, labels, real_number, type_of
from .class_names import are_names, class_numbers
from .datasets import ImageDataset
from .losses import Loss, targets
from .nn import Module


@dataclass(frozen=True, eq=False)
class Labelled:
    """x and y as the engine takes them (y int64 where it is classes); `rows` are those that count, None means
    all.
    """

    x: Array
    y: Array
    classes: tuple[str, ...] | None = None
    rows: Labels | None = None

    def __len__(self) -> int:
        return len(self.y if self.rows is None else self.rows)


def labelled(
    who: str, data: Any, model: Module, loss: Loss | None = None, names: tuple[str, ...] | None = None
) -> Labelled:
    """Takes an ImageDataset or a pair (x, y); checks dtype, shapes, counts, labels and class names. Without a
    loss, y is classes. Classes by name are numbered as in `model.classes`, else as in `names`, else sorted.

    Raises:
        TypeError: Neither of the two, or a dtype the model does not take.
        ValueError: No rows; shapes or counts that do not fit; labels or classes that are not the model's.
    """
    if isinstance(data, ImageDataset):
        x, y, classes = data.images, data.labels, data.classes
    elif isinstance(data, tuple | list) and len(data) == 2:
        x, y, classes = data[0], data[1], None
    else:
        raise TypeError(f"{who}: data must be an ImageDataset or a pair (x, y), got {type(data).__name__}")
    plan, x = model._prepare(x)
    if len(x) == 0:
        raise ValueError(f"{who}: data has no rows")
    if loss is not None and not loss.of_classes:
        return Labelled(x, targets(who, "y", y, loss, plan.output_shape, model.dtype, len(x)))
    if (loss is None or classes is not None) and len(plan.output_shape) != 1:
        raise ValueError(
            f"{who}: the model must put out one number for each class, got output shape {plan.output_shape}"
        )
    n_classes = plan.output_shape[0]
    known = model.classes or names
    if classes is None and are_names(y):
        if known is None and loss is None:
            raise ValueError(f"{who}: y holds names of classes, but the model has none; set model.classes")
        y, classes = class_numbers(who, "y", y, known)
    if classes is not None:
        _check_classes(who, classes, n_classes, known)
    if loss is not None:
        y = targets(who, "y", y, loss, plan.output_shape, model.dtype, len(x))
    elif isinstance(y, np.ndarray) and y.dtype.kind == "f" and y.ndim > 1:
        raise TypeError(
            f"{who}: y must be integers, the class of each row, got {type_of(y)} of shape {y.shape}; where "
            "targets are numbers, functional.mse_loss(model(x), y) and its like tell how well a model does"
        )
    else:
        y = labels(who, "y", y, len(x))
    if y.dtype == np.int64:
        check_label_range(who, "y", y, n_classes, getattr(loss, "ignore_index", None))
    return Labelled(x, y, classes)


def hold_out(
    who: str, data: Any, whole: Labelled, fraction: float, seed: int, model: Module, loss: Loss
) -> tuple[Labelled, Labelled]:
    """(what is left, what is held out); for an ImageDataset that is `data.split(fraction, seed)`."""
    fraction = real_number(who, "validation", fraction, 0, 1)
    n = len(whole)
    n_held = round(n * fraction)
    if n_held in (0, n):
        raise ValueError(
            f"{who}: validation={fraction:g} of {n} images leaves {n - n_held} for training and {n_held} for "
            "validation; both must have at least 1"
        )
    if isinstance(data, ImageDataset):
        rest, held = data.split(fraction, seed)
        return labelled(who, rest, model, loss), labelled(who, held, model, loss)
    order = np.random.default_rng(seed).permutation(n)
    held_rows, rest_rows = np.sort(order[:n_held]), np.sort(order[n_held:])
    held_part = Labelled(whole.x[held_rows], whole.y[held_rows], whole.classes)
    return Labelled(whole.x, whole.y, whole.classes, rest_rows), held_part


def with_known_class(who: str, part: Labelled, loss: Loss) -> Labelled:
    """Without the rows of the class that the loss ignores: nobody is right or wrong about them. Maps stay
    whole.
    """
    known = part.y != getattr(loss, "ignore_index", None)
    if part.y.dtype != np.int64 or known.all():
        return part
    if not known.any():
        raise ValueError(f"{who}: validation has no row whose class is known")
    if part.y.ndim > 1:
        return part
    return Labelled(part.x[known], part.y[known], part.classes)


def _check_classes(who: str, classes: tuple[str, ...], n_outputs: int, known: tuple[str, ...] | None) -> None:
    if len(classes) != n_outputs:
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
