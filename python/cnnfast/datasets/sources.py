"""Where the content of a data file comes from: a path, bytes, or a binary file object."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .._checks import type_of
from .._files import contents, open_regular

#: A path, or the content of the file: bytes, or a binary file object, which is read to its end.
Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]

#: At most this much is read from a file object, which may never end.
_MAX_BYTES = 1 << 33


def name_of(source: Source) -> str:
    """The file's name in messages."""
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "the data in memory"


def stem_of(source: Source) -> str:
    """The name of a data set from this file: without folder and endings."""
    name = name_of(source)
    return "memory" if name == "the data in memory" else Path(name).name.partition(".")[0]


def is_emnist(source: Source) -> bool:
    """Whether a file is called like those of EMNIST, whose images are transposed."""
    return os.path.basename(name_of(source)).lower().startswith("emnist")


@contextlib.contextmanager
def opened(who: str, source: Source) -> Iterator[io.BufferedIOBase]:
    """Context manager: the content as a file that can be rewound. A file object is read from its position to
    its end, and stays open.

    Raises:
        TypeError: Neither a path nor bytes nor a binary file object.
        OSError: The file cannot be opened.
        DataError: A file object with more than 8 GB.
    """
    file: Any = source
    if isinstance(source, str | os.PathLike):
        file = open_regular(who, source)
    elif isinstance(source, bytes | bytearray | memoryview):
        file = io.BytesIO(source)
    elif callable(getattr(source, "read", None)):
        file = io.BytesIO(contents(who, file, _MAX_BYTES))
    else:
        raise TypeError(
            f"{who}: need a path, the content of the file as bytes, or a binary file object, "
            f"got {type_of(source)}"
        )
    with file:
        yield file
