"""Writes a trained network to a file, unless it is no better than chance."""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import _terminal
from .._files import atomic_write, expand
from ..datasets import ImageDataset
from ..errors import CheckpointError, CnnfastError
from ..nn import Module, serialization
from ..training.history import INCOMPLETE
from .errors import describe, tell

#: Number of images below which accuracy is not compared with chance.
_MIN_IMAGES = 100


def check_learned(accuracy: float, data: ImageDataset, count: int, rate: float) -> None:
    """Raises unless a network is significantly better than always predicting the most frequent class.

    Args:
        accuracy: On `count` images of `data`.
        rate: The learning rate, for the message.

    Raises:
        CnnfastError: The accuracy is less than three standard deviations above that baseline.
    """
    if count < _MIN_IMAGES:
        return
    chance = np.bincount(data.labels).max() / len(data)
    margin = 3 * math.sqrt(chance * (1 - chance) / count)
    if accuracy <= chance + margin:
        raise CnnfastError(
            f"nothing learned: accuracy {accuracy:.2%} on {count:,} images, where the most frequent class "
            f"alone gives {chance:.2%}; no file was written; a smaller --lr may help (now {rate:g})"
        )


def write(
    model: Module, out: str, training: Mapping[str, Any], *, complete: bool, half: bool = False
) -> None:
    """Write the model file; if that fails, write it to another folder.

    Args:
        complete: Whether the training finished. If not, an existing file of a finished training is kept under
            another name.
        half: Write the weights as float16.

    Raises:
        CnnfastError: The file could not be written; the message says where the model is instead.
    """
    dtype = "float16" if half else None
    try:
        if not complete:
            _keep_previous(Path(expand(out)))
        serialization.save(model, out, training=training, dtype=dtype)
    except OSError as error:
        place = _save_elsewhere(model, os.path.basename(out), training, dtype)
        if place is None:
            raise
        raise CnnfastError(f"{describe(error)}; the model is in {place} instead") from error
    tell(_terminal.packed([f"written {out}", f"({os.path.getsize(expand(out)) / 1e6:.1f} MB)"], gap=" "))


def _keep_previous(path: Path) -> None:
    if not path.exists() or _is_incomplete(path):
        return
    kept = path.with_name(f"{path.stem}.previous{path.suffix}")
    with atomic_write("train", kept) as file:
        file.write(path.read_bytes())
    stat = path.stat()
    os.utime(
        kept, ns=(stat.st_atime_ns, stat.st_mtime_ns)
    )  # so that it is not the newest model of the folder
    tell(_terminal.packed([f"kept    {kept},", "the previous file"], gap=" "))


def _is_incomplete(path: Path) -> bool:
    """Whether a model file's metadata says that its training was not finished."""
    try:
        training = serialization.metadata(path)["training"]
        return training["history"]["stopped"] in INCOMPLETE
    except (CheckpointError, OSError, TypeError, LookupError):
        return False


def _save_elsewhere(model: Module, name: str, training: Mapping[str, Any], dtype: str | None) -> str | None:
    """Write the file to a new folder in the home directory or the directory for temporary files."""
    for place in (expand("~"), tempfile.gettempdir()):
        with contextlib.suppress(OSError):
            folder = tempfile.mkdtemp(prefix="cnnfast-", dir=place)
            try:
                serialization.save(model, os.path.join(folder, name), training=training, dtype=dtype)
                return os.path.join(folder, name)
            except OSError:
                os.rmdir(folder)
    return None
