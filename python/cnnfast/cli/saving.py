"""What becomes of a trained network: refused if it has learned nothing, else written, whatever happens."""

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
from .errors import describe, tell

#: Images: the accuracy on fewer says nothing.
_ENOUGH = 100


def check_learned(accuracy: float, data: ImageDataset, count: int, rate: float) -> None:
    """Refuses a network that is no better than naming the most frequent class each time, but for luck.

    Args:
        accuracy: Of `count` images of `data`.
        rate: The learning rate, for the message.

    Raises:
        CnnfastError: Its accuracy is less than three standard deviations above that.
    """
    if count < _ENOUGH:
        return
    chance = np.bincount(data.labels).max() / len(data)
    luck = 3 * math.sqrt(chance * (1 - chance) / count)
    if accuracy <= chance + luck:
        raise CnnfastError(
            f"nothing learned: accuracy {accuracy:.2%} on {count:,} images, where the most frequent class "
            f"alone gives {chance:.2%}; no file was written; a smaller --lr may help (now {rate:g})"
        )


def write(model: Module, out: str, training: Mapping[str, Any], *, complete: bool) -> None:
    """Write the model file; where that fails, somewhere else.

    Args:
        complete: The training came to its end. Otherwise a file of a complete one is kept beside the new one.

    Raises:
        CnnfastError: The file could not be written; the message says where the model is instead.
    """
    try:
        if not complete:
            _keep_previous(Path(expand(out)))
        serialization.save(model, out, training=training)
    except OSError as error:
        place = _save_elsewhere(model, os.path.basename(out), training)
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
    found = path.stat()
    os.utime(kept, ns=(found.st_atime_ns, found.st_mtime_ns))  # not the newest model of the folder
    tell(_terminal.packed([f"kept    {kept},", "the file that was there before"], gap=" "))


def _is_incomplete(path: Path) -> bool:
    """Whether a model file says that its training did not come to its end."""
    try:
        training = serialization.metadata(path)["training"]
        return bool(training["history"]["stopped"] != "finished")
    except (CheckpointError, OSError, TypeError, LookupError):
        return False


def _save_elsewhere(model: Module, name: str, training: Mapping[str, Any]) -> str | None:
    """The file, in a new folder of the home folder or of the one for temporary files."""
    for place in (expand("~"), tempfile.gettempdir()):
        with contextlib.suppress(OSError):
            folder = tempfile.mkdtemp(prefix="cnnfast-", dir=place)
            try:
                serialization.save(model, os.path.join(folder, name), training=training)
                return os.path.join(folder, name)
            except OSError:
                os.rmdir(folder)
    return None
