"""The history of a training, read from a model file or from a log."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from typing import Any

from .._files import open_regular
from ..errors import CheckpointError, CnnfastError, DataError
from ..nn import serialization
from ..training.history import EpochRecord, History


def read(path: str) -> History:
    """The history in a model file that `cnnfast train` wrote, or in a log of `--log`, by the file's ending.

    Raises:
        OSError, CheckpointError: The file cannot be read.
        CnnfastError: It has no history.
    """
    ending = path.lower().rpartition(".")[2]
    if ending in ("csv", "jsonl"):
        return _log(path, ending)
    try:
        training = serialization.metadata(path)["training"]
    except CheckpointError as error:
        raise CheckpointError(f"{error}; a log must end in .csv or .jsonl") from None
    saved = training.get("history") if isinstance(training, dict) else None
    if not isinstance(saved, dict) or not saved.get("epochs"):
        raise CnnfastError(f"{path}: has no history of a training; `cnnfast train` writes one")
    return History([_record(path, row) for row in saved["epochs"]], best_epoch=saved.get("best_epoch"))


def _log(path: str, ending: str) -> History:
    with open_regular("plot history", path) as file:
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    try:
        rows = list(csv.DictReader(lines)) if ending == "csv" else [json.loads(line) for line in lines]
    except ValueError as error:
        raise DataError(f"{path}: is not a log of a training: {error}") from None
    if not rows:
        raise DataError(f"{path}: has no epochs")
    return History([_record(path, row) for row in rows])


def _record(path: str, row: Any) -> EpochRecord:
    """An epoch from the fields of `EpochRecord`, or from the entries of its `logs`."""
    if not isinstance(row, Mapping) or "epoch" not in row or "loss" not in row:
        raise DataError(f"{path}: is not a log of a training: an epoch needs the entries epoch and loss")
    metrics = dict(row.get("val_metrics") or {})
    named = ("val_loss", "val_accuracy", "val_seconds", "val_metrics")
    metrics |= {key[4:]: value for key, value in row.items() if key.startswith("val_") and key not in named}
    try:
        return EpochRecord(
            epoch=int(row["epoch"]),
            loss=_number(row["loss"], math.nan),
            accuracy=_number(row.get("accuracy")),
            val_loss=_number(row.get("val_loss")),
            val_accuracy=_number(row.get("val_accuracy")),
            seconds=0.0,
            images_per_second=0.0,
            lr=_number(row.get("lr")),
            val_metrics={name: _number(value, math.nan) for name, value in metrics.items()},
        )
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: is not a log of a training: {error}") from None


def _number(value: Any, missing: Any = None) -> Any:
    """As a float; `missing` for null and an empty cell."""
    return missing if value is None or value == "" else float(value)
