"""What determines a training, as plain data: a checkpoint is resumed only with the same."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._json import to_json
from ..optim import Optimizer
from ..optim.lr_scheduler import Schedule
from .callbacks.callback import Callback, stateful
from .samples import Samples
from .settings import Settings
from .trainer import Trainer

#: Bytes of an array up to which all of it is read; of larger ones, rows at equal distances.
_WHOLE = 1 << 28


def describe(
    trainer: Trainer,
    part: Samples,
    held: Samples | None,
    settings: Settings,
    callbacks: Sequence[Callback],
    metrics: Sequence[str],
    arguments: dict[str, Any],
) -> dict[str, Any]:
    """The description of a training before its first step.

    Args:
        arguments: Further arguments of `fit`, plain data.
    """
    model = trainer.model
    described = {
        **arguments,
        "model": {
            "architecture": model.to_config(),
            "dtype": model.dtype.name,
            "preprocessing": model.preprocessing.to_config(),
        },
        "loss": trainer.loss.to_config(),
        "optimizer": _optimizer(trainer.optimizer),
        "micro_batch": settings.micro_batch,
        "ema": settings.ema,
        "history_steps": settings.history_steps,
        "metrics": list(metrics),
        "callbacks": [type(callback).__name__ for callback in stateful(callbacks)],
        "data": _data(part),
        "validation": None if held is None else _data(held),
        "schedule": _schedule(settings),  # last, as its length follows from others
    }
    plain: dict[str, Any] = json.loads(to_json(described))
    return plain


def _optimizer(optimizer: Optimizer) -> dict[str, Any]:
    groups = [group.to_config() for group in optimizer.groups]
    return {"type": type(optimizer).__name__, **optimizer.settings, "groups": groups}


def _schedule(settings: Settings) -> dict[str, Any] | None:
    """The schedule with its length. Without a schedule, a training may be continued for more epochs."""
    schedule: Schedule | None = settings.schedule
    if schedule is None:
        return None
    if settings.time_limit is not None:
        limits = {"time_limit": settings.time_limit, "epochs": settings.epochs}
        return {**schedule.to_config(), **limits}
    assert settings.epochs is not None
    planned = schedule.planned(steps=settings.epochs * len(settings.batches), epochs=settings.epochs)
    config = planned.to_config()
    if planned == schedule:
        return config
    return {"type": config["type"], "epochs": settings.epochs, **config}


def _data(part: Samples) -> dict[str, Any]:
    """Shape and checksum of each array of some samples."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray):
            found[field.name] = {"shape": value.shape, "dtype": value.dtype.name, "sha256": _sha256(value)}
        else:
            found[field.name] = value
    return found


def _sha256(values: np.ndarray[Any, Any]) -> str:
    digest = hashlib.sha256()
    if values.nbytes > _WHOLE:
        values = values[:: -(-values.nbytes // _WHOLE)]
    # by parts, so that an array that is not contiguous is not copied as a whole
    rows = max(1, len(values) * (1 << 22) // max(1, values.nbytes))
    for start in range(0, len(values), rows):
        digest.update(np.ascontiguousarray(values[start : start + rows]).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
