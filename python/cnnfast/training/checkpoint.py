"""The file of a training checkpoint: nested plain data and arrays in one safetensors file.

Arrays are stored by their path in the data, such as "optimizer/memory/exp_avg"; everything else is JSON in
the metadata. It may contain NaN and Infinity, which Python's JSON reads and writes exactly.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._core import __version__
from .._files import atomic_write
from .._safetensors import check_digest, digest, opened, write
from .._types import Array
from ..errors import CheckpointError
from ..nn.serialization import TRAINING_FORMAT

#: Raised when the meaning of the data changes.
FORMAT_VERSION = 1
#: Characters of JSON that are read: that of an epoch has some 300.
_MAX_METADATA = 90_000_000
_TEXTS = ("format_version", "settings", "state", "sha256")


class Checkpoint(NamedTuple):
    """Contents of a checkpoint.

    Args:
        path: Its file.
        settings: What the training was started with, plain data.
        state: The state of the training: nested dicts of plain data and arrays.
    """

    path: Path
    settings: dict[str, Any]
    state: dict[str, Any]


def write_checkpoint(path: Path, settings: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write the file, atomically.

    Raises:
        TypeError: The state has something that is neither plain data nor a float array.
        OSError: The file cannot be written.
    """
    arrays: dict[str, Array] = {}
    texts = {
        "format": TRAINING_FORMAT,
        "format_version": str(FORMAT_VERSION),
        "cnnfast_version": __version__,
        "settings": json.dumps(settings),
        "state": json.dumps(_without_arrays(state, "", arrays)),
    }
    texts["sha256"] = digest(texts, arrays)
    with atomic_write("fit", path) as file:
        write(file, arrays, texts)


def read_checkpoint(path: Path) -> Checkpoint:
    """The contents of a file, which has the checksum it was written with.

    Raises:
        CheckpointError: Not a checkpoint, damaged, or of a newer version; names the file.
        OSError: The file cannot be read.
    """
    name = os.fspath(path)
    with opened("fit", path, "checkpoint") as contents:
        texts = contents.texts
        if texts.get("format") != TRAINING_FORMAT:
            raise CheckpointError(f"{name}: is a safetensors file, but not a checkpoint of a training")
        version = texts.get("format_version", "")
        if version != str(FORMAT_VERSION):
            raise CheckpointError(
                f"{name}: has the format version {version[:20]!r}; "
                f"this cnnfast ({__version__}) reads {FORMAT_VERSION}"
            )
        missing = [key for key in _TEXTS if key not in texts]
        if missing:
            raise CheckpointError(f"{name}: lacks {', '.join(missing)} in its metadata")
        if sum(map(len, texts.values())) > _MAX_METADATA:
            raise CheckpointError(f"{name}: has more than {_MAX_METADATA} characters of metadata")
        if not {kind for _, kind in contents.shapes.values()} <= {"F32", "F64"}:
            raise CheckpointError(f"{name}: has arrays that are neither float32 nor float64")
        arrays = {key: contents.array(key) for key in contents.shapes}
    check_digest(name, texts, arrays)
    try:
        settings, state = json.loads(texts["settings"]), json.loads(texts["state"])
        for key, value in arrays.items():
            _put(state, key.split("/"), value)
    except (ValueError, TypeError, RecursionError):
        raise CheckpointError(f"{name}: its metadata is not that of a checkpoint") from None
    return Checkpoint(path, settings, state)


def differences(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two nested values differ: (path, value before, value now)."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            yield from differences(before.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, pair in enumerate(zip(before, now, strict=True)):
            yield from differences(*pair, f"{path}[{i}]")
    elif before != now:
        yield path, before, now


def _without_arrays(value: Any, path: str, arrays: dict[str, Array]) -> Any:
    """The value without its arrays, which are added to `arrays`."""
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for key, entry in value.items():
        if not isinstance(key, str) or "/" in key:
            raise TypeError(f"checkpoint: names in a state must be texts without '/', got {key!r}")
        place = f"{path}/{key}" if path else key
        if isinstance(entry, np.ndarray):
            if entry.dtype.name not in ("float32", "float64"):
                raise TypeError(f"checkpoint: {place} must be float32 or float64, got {entry.dtype}")
            arrays[place] = entry
        else:
            kept[key] = _without_arrays(entry, place, arrays)
    return kept


def _put(state: dict[str, Any], path: list[str], value: Array) -> None:
    for key in path[:-1]:
        state = state[key]
        if not isinstance(state, dict):
            raise TypeError
    state[path[-1]] = value
