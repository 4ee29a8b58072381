"""Arguments of `fit`: each function checks some of them and returns what they mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .._checks import check_integer, check_number
from ..losses import IGNORED, Loss
from ..nn import Module
from ..optim.lr_scheduler import Schedule
from .batching import sample_weights
from .checkpoint_folder import CheckpointFolder
from .samples import Samples, as_samples, check_not_all_ignored, split_validation
from .stream import Stream, is_stream

#: Default number of epochs.
_EPOCHS = 5


def weighted(samples: Samples, weights: object, stream: Stream | None) -> Samples:
    """The samples with weights."""
    if weights is None:
        return samples
    if stream is not None:
        raise ValueError("fit: sample_weight needs arrays; an iterable of batches has no rows to weigh")
    checked = sample_weights("fit", weights, len(samples))
    if checked is not None and not checked.any():
        raise ValueError("fit: sample_weight is 0 for all rows")
    return replace(samples, weights=checked)


def stream_of(
    data: Any, steps: object, validation: object, folder: object, model: Module, loss: Loss
) -> Stream | None:
    """The batches, if data are an iterable of them."""
    if not is_stream(data):
        if steps is not None:
            raise ValueError("fit: steps_per_epoch needs an iterable of batches as data; use batch_size=...")
        return None
    if isinstance(validation, float | int | np.number):
        raise ValueError(
            f"fit: validation={validation:g} cannot be held out from an iterable of batches; pass the "
            "validation data"
        )
    if folder is not None:
        raise ValueError("fit: a training on an iterable of batches has no checkpoints; leave out checkpoint")
    return Stream(data, steps, model, loss)


def length_of(epochs: object, time_limit: object) -> tuple[int | None, float | None]:
    """The number of epochs and the time, checked; at least one of them is a limit."""
    if time_limit is None:
        return check_integer("fit", "epochs", _EPOCHS if epochs is None else epochs, 1), None
    seconds = check_number("fit", "time_limit", time_limit, 0, math.inf)
    if seconds == 0:
        raise ValueError("fit: time_limit must be above 0, got 0")
    return None if epochs is None else check_integer("fit", "epochs", epochs, 1), seconds


def folder_of(checkpoint: object, resume: object, keep: object, minutes: object) -> CheckpointFolder | None:
    """The folder of the checkpoints, if there is one."""
    if not isinstance(resume, bool):
        raise TypeError(f"fit: resume must be True or False, got {resume!r}")
    if checkpoint is None and resume:
        raise ValueError("fit: resume needs the folder of the checkpoints; set checkpoint=...")
    return None if checkpoint is None else CheckpointFolder(checkpoint, keep, minutes)


def check_without_validation(schedule: Schedule | None, metrics: Sequence[str]) -> None:
    if metrics:
        raise ValueError("fit: metrics are computed in the validation; set validation=...")
    if schedule is not None and schedule.watches is not None:
        raise ValueError(
            f"fit: the schedule depends on the validation {schedule.watches}; set validation=..."
        )


def training_and_validation(
    model: Module, whole: Samples, validation: Any, seed: int, loss: Loss, stratify: object
) -> tuple[Samples, Samples | None]:
    """The training samples and the validation samples."""
    if not (stratify is None or isinstance(stratify, bool)):
        raise TypeError(f"fit: stratify must be True, False or None, got {stratify!r}")
    is_fraction = isinstance(validation, float | int | np.number)
    if stratify and not is_fraction:
        raise ValueError("fit: stratify=True needs a fraction to hold out; set validation=0.1")
    if validation is None:
        return whole, None
    if is_fraction:
        whole, held = split_validation("fit", whole, float(validation), seed, loss, stratify)
    else:
        held = as_samples("fit: validation", validation, model, loss, whole.classes)
    check_not_all_ignored("fit: validation", held, loss)
    return whole, held


def check_some_counted(part: Samples, loss: Loss) -> None:
    y = part.y if part.rows is None else part.y[part.rows]
    if loss.num_counted(y) == 0:
        raise ValueError(
            "fit: all rows of data are ignored: all labels are the loss's ignore_index "
            f"({getattr(loss, 'ignore_index', IGNORED)}), or of classes of weight 0"
        )
