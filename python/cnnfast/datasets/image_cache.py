"""Decoded images in one file that is mapped into memory, for data sets that do not fit into it.

The file is an array of NumPy's .npy format, followed by the labels (int64), a JSON record and 16 bytes: the
record's length and a magic number. It is written atomically, and valid for a fingerprint of its sources.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._files import PathName, atomic_write, expand, open_regular
from .._json import to_json
from ..errors import DataError

_MAGIC = b"cnnfimg1"
_FOOTER = 8 + len(_MAGIC)
#: Fixed, as the number of images is known only at the end.
_HEADER = 128
#: A larger record is not one of ours.
_MAX_RECORD = 1 << 30


class Cached(NamedTuple):
    """Images mapped from the file, their labels, and a note that was stored with them."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    note: str


#: An image and its label.
Row = tuple[npt.NDArray[np.uint8], int]


def cached(
    who: str,
    path: PathName,
    fingerprint: str,
    make: Callable[[], tuple[tuple[int, ...], Iterable[Row], Callable[[], str]]],
) -> Cached:
    """The images in the file at `path`, written first unless it exists with this fingerprint.

    Args:
        make: Returns the shape of an image, the rows, and a function that is called after the last row for
            the note.

    Raises:
        OSError: The file cannot be read or written.
        DataError: There is another file at `path`, which is left unchanged.
    """
    if os.path.exists(expand(path)):
        found = _read(who, path, fingerprint)
        if found is not None:
            return found
    shape, rows, note = make()
    labels = []
    with atomic_write(who, path) as file:
        file.write(_header((0, *shape)))
        for image, label in rows:
            file.write(image.tobytes())
            labels.append(label)
        file.write(np.array(labels, dtype="<i8").tobytes())
        record = {"fingerprint": fingerprint, "shape": [len(labels), *shape], "note": note()}
        text = to_json(record).encode()
        file.write(text + len(text).to_bytes(8, "little") + _MAGIC)
        file.seek(0)
        file.write(_header((len(labels), *shape)))
    written = _read(who, path, fingerprint)
    if written is None:
        raise DataError(f"{who}: {os.fsdecode(path)}: was replaced by another program while it was written")
    return written


def _header(shape: tuple[int, ...]) -> bytes:
    """The header of a .npy file, of fixed length."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    start = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little")
    return start + text.encode().ljust(_HEADER - 11) + b"\n"


def _read(who: str, path: PathName, fingerprint: str) -> Cached | None:
    """The content; None if it is of another fingerprint."""
    name = os.fsdecode(path)
    with open_regular(who, path) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - _FOOTER))
        footer = file.read()
        length = int.from_bytes(footer[:8], "little")
        if footer[8:] != _MAGIC or length > min(_MAX_RECORD, size - _FOOTER):
            raise DataError(f"{who}: {name} exists and is not an image cache; name another file")
        file.seek(size - _FOOTER - length)
        record = _record(file.read(length))
        if record is None or record["fingerprint"] != fingerprint:
            return None
        shape = tuple(record["shape"])
        n_pixels, n_labels = int(np.prod(shape, dtype=object)), 8 * shape[0]
        if _HEADER + n_pixels + n_labels + length + _FOOTER != size:
            return None
        file.seek(_HEADER + n_pixels)
        labels = np.frombuffer(file.read(n_labels), dtype="<i8").astype(np.int64)
        if n_pixels == 0:
            return Cached(np.empty(shape, np.uint8), labels, record["note"])
        images = np.memmap(file, dtype=np.uint8, mode="r", offset=_HEADER, shape=shape)
    return Cached(np.asarray(images), labels, record["note"])


def _record(text: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    if not all(isinstance(record.get(key), str) for key in ("fingerprint", "note")):
        return None
    shape = record.get("shape")
    if not isinstance(shape, list) or len(shape) not in (3, 4):
        return None
    return record if all(type(extent) is int and extent >= 0 for extent in shape) else None
