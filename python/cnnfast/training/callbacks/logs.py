"""`CSVLogger` and `JSONLinesLogger`: a line of a file for each epoch.

The first time a training writes, it replaces the file by the records of the history so far: so a resumed
training leaves the same lines as one that was not interrupted.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import IO

from ..._files import atomic_write, check_writable, expand
from ..._json import to_json
from ..history import EpochRecord
from .callback import Callback, Context


class _Lines(Callback):
    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"{type(self).__name__}: path must be the name of a file, got {path!r}")
        self._path = path
        self._file: IO[str] | None = None

    def on_train_begin(self, context: Context) -> None:
        check_writable(type(self).__name__, self._path)
        self._columns = ("epoch", *context.metrics)

    def on_epoch_end(self, context: Context) -> None:
        if self._file is None:
            with atomic_write(type(self).__name__, self._path) as file:
                file.write(self._head().encode())
                file.writelines(self._line(record).encode() for record in context.history.epochs)
            self._file = open(expand(self._path), "a", encoding="utf-8", newline="")  # noqa: SIM115
            return
        self._file.write(self._line(context.history.epochs[-1]))
        self._file.flush()

    def on_train_end(self, context: Context) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _head(self) -> str:
        return ""

    @abstractmethod
    def _line(self, record: EpochRecord) -> str: ...


class CSVLogger(_Lines):
    """Writes a CSV file with a row for each epoch: its number, and all of its metrics.

    Args:
        path: The file; its folder must exist, and a file from before is replaced.

    Raises:
        TypeError: Not a path.
        OSError: The file cannot be written; raised at the start of the training.

    Example:
        >>> import tempfile
        >>> import cnnfast as cf
        >>> path = tempfile.mkdtemp() + "/log.csv"
        >>> model, data = cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(64, seed=0)
        >>> history = cf.fit(model, data, epochs=2, callbacks=[cf.CSVLogger(path)], progress=False)
        >>> with open(path) as file:
        ...     print(file.readline().rstrip())
        epoch,loss,accuracy,lr,seconds,images_per_second,skipped_steps
    """

    def _head(self) -> str:
        return ",".join(self._columns) + "\n"

    def _line(self, record: EpochRecord) -> str:
        values = {"epoch": record.epoch, **record.logs()}
        return ",".join(repr(values[name]) if name in values else "" for name in self._columns) + "\n"


class JSONLinesLogger(_Lines):
    """Writes a file with a JSON object for each epoch: its number, and all of its metrics.

    JSON has no NaN and no infinity; they become null.

    Args, Raises:
        As `CSVLogger`.

    Example:
        >>> import json, tempfile
        >>> import cnnfast as cf
        >>> path = tempfile.mkdtemp() + "/log.jsonl"
        >>> model, data = cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(64, seed=0)
        >>> history = cf.fit(model, data, epochs=2, callbacks=[cf.JSONLinesLogger(path)], progress=False)
        >>> with open(path) as file:
        ...     print([json.loads(line)["epoch"] for line in file])
        [1, 2]
    """

    def _line(self, record: EpochRecord) -> str:
        return to_json({"epoch": record.epoch, **record.logs()}) + "\n"
