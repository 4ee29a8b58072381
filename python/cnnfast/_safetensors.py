"""safetensors files of float arrays and texts: written byte for byte reproducibly, read with a checksum.

Files are not trusted: a file is data, never code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

import numpy as np

from ._files import expand, open_regular
from ._types import Array, Shape
from .errors import CheckpointError

#: Names of the types in safetensors files.
DTYPES = {"float16": "F16", "float32": "F32", "float64": "F64"}


class Contents(NamedTuple):
    """An open file: its texts, the shape and type of each array, and what reads them."""

    texts: dict[str, str]
    shapes: dict[str, tuple[Shape, str]]
    file: Any
    #: The same file, for what the package does not read.
    raw: IO[bytes]

    def array(self, name: str) -> Array:
        """An array of the file; bfloat16, which NumPy does not have, as float32."""
        if self.shapes[name][1] == "BF16":
            return self._bfloat16(name)
        found: Array = self.file.get_tensor(name)
        return found

    def _bfloat16(self, name: str) -> Array:
        """The upper 16 bits of float32 numbers, which the lower ones follow as zeros."""
        self.raw.seek(0)
        length = int.from_bytes(self.raw.read(8), "little")
        start, end = json.loads(self.raw.read(length))[name]["data_offsets"]
        self.raw.seek(8 + length + start)
        bits = np.frombuffer(self.raw.read(end - start), "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).reshape(self.shapes[name][0])


def write(file: IO[bytes], arrays: Mapping[str, Array], texts: Mapping[str, str]) -> None:
    """Write a file. The package safetensors would write metadata in random order and need the arrays twice
    more in memory: this way the same contents give the same bytes.
    """
    header: dict[str, Any] = {"__metadata__": dict(texts)}
    end = 0
    for name, value in arrays.items():
        span = [end, end + value.nbytes]
        header[name] = {"dtype": DTYPES[value.dtype.name], "shape": value.shape, "data_offsets": span}
        end += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for value in arrays.values():
        file.write(np.ascontiguousarray(value, value.dtype.newbyteorder("<")).data)


@contextlib.contextmanager
def opened(who: str, path: str | os.PathLike[str], wanted: str) -> Iterator[Contents]:
    """Context manager: an open file.

    Raises:
        CheckpointError: Not a safetensors file, or truncated; names the file.
        OSError: The file does not exist or cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    raw = open_regular(who, path, wanted)  # safetensors calls every failure "no such file"
    try:
        with raw, safe_open(expand(path), framework="numpy") as file:
            slices = [(key, file.get_slice(key)) for key in file.keys()]  # noqa: SIM118
            shapes = {key: (tuple(part.get_shape()), part.get_dtype()) for key, part in slices}
            yield Contents(dict(file.metadata() or {}), shapes, file, raw)
    except SafetensorError as error:
        raise CheckpointError(
            f"{os.fsdecode(path)}: is not a safetensors file, or is damaged: {first_line(error)}"
        ) from None


def digest(texts: Mapping[str, str], arrays: Mapping[str, Array]) -> str:
    """SHA-256 over the texts (but for "sha256" itself) and the bytes of all arrays."""
    found = hashlib.sha256()
    found.update(json.dumps(sorted((k, v) for k, v in texts.items() if k != "sha256")).encode())
    for key in sorted(arrays):
        found.update(key.encode())
        found.update(np.ascontiguousarray(arrays[key]).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def check_digest(name: str, texts: Mapping[str, str], arrays: Mapping[str, Array]) -> None:
    """Raises CheckpointError unless the contents have the checksum in texts["sha256"]."""
    if digest(texts, arrays) != texts["sha256"]:
        raise CheckpointError(
            f"{name}: is damaged: its contents do not have the checksum it was written with"
        )


def first_line(error: Exception) -> str:
    """The beginning of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
