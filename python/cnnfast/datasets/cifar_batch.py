"""Reads one file of CIFAR: rows of bytes, or a Python pickle, without running code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from . import literal_pickle

_PIXELS = 3 * 32 * 32
#: Images and labels.
Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


def read_batch(name: str, content: bytes, n_classes: int) -> Batch:
    """uint8 images (n, 3, 32, 32) and int64 labels.

    Args:
        name: Name of the file; of a binary file it ends in ".bin".
        content: Its bytes.
        n_classes: 10, or 100 for the fine classes of CIFAR-100.

    Raises:
        DataError: Not such a file; names it.
    """
    read = _binary if name.endswith(".bin") else _pickle
    pixels, labels = read(name, content, n_classes)
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if wrong.size:
        raise DataError(
            f"{name}: label {labels[wrong[0]]} at row {wrong[0]} is outside of 0 .. {n_classes - 1}"
        )
    return pixels.reshape(-1, 3, 32, 32), labels


def _binary(name: str, content: bytes, n_classes: int) -> Batch:
    """Each row: the label (in CIFAR-100 after that of the superclass), then red, green and blue."""
    n_labels = 1 if n_classes == 10 else 2
    size = n_labels + _PIXELS
    if not content or len(content) % size:
        raise DataError(
            f"{name}: {len(content)} bytes, which is not a multiple of {size}, the size of an image"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, size)
    return rows[:, n_labels:], rows[:, n_labels - 1].astype(np.int64)


def _pickle(name: str, content: bytes, n_classes: int) -> Batch:
    try:
        found = literal_pickle.load(content)
    except literal_pickle.UnsafePickle as error:
        raise DataError(f"{name}: not the pickle of a CIFAR batch: {error}") from None
    key = "labels" if n_classes == 10 else "fine_labels"
    data: Any = found.get(b"data", found.get("data"))
    labels: Any = found.get(key.encode(), found.get(key))
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != _PIXELS:
        raise DataError(f"{name}: not the pickle of a CIFAR batch: 'data' is not an array (n, {_PIXELS})")
    if not isinstance(labels, list) or not all(type(label) is int and abs(label) < 2**31 for label in labels):
        raise DataError(f"{name}: not the pickle of a CIFAR batch: {key!r} is not a list of integers")
    if len(labels) != len(data):
        raise DataError(f"{name}: {len(data)} images, but {len(labels)} labels")
    return data, np.array(labels, np.int64)
