"""Model files: one safetensors file with the weights and, in its metadata, all that is needed to predict.

Files are written atomically, so that a crash leaves the old file. They are not trusted: a file is data, never
code, and everything in it is checked before anything is built or allocated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import __version__
from .._files import atomic_write
from .._json import to_json
from .._safetensors import DTYPES, check_digest, digest, first_line, opened, write
from .._types import Array, Shape
from ..errors import CheckpointError
from .described import Described
from .finite import warn_of_weights
from .input_scale import check_input_kind
from .preprocessing import Preprocessing
from .registry import blank, parameter_shapes

if TYPE_CHECKING:
    from .module import Module

#: Raised when the meaning of the metadata changes; older files stay readable.
FORMAT_VERSION = 1
#: Value of "format" in the files that `fit(checkpoint=...)` writes.
TRAINING_FORMAT = "cnnfast-training"
#: Characters; the description of a network with hundreds of layers has some ten thousand, half a million
#: losses some ten million.
_MAX_METADATA = 16_000_000
_REQUIRED_JSON = ("architecture", "classes", "preprocessing", "input_shape")
_OPTIONAL_JSON = ("task", "task_is_set", "trained_on")
_REQUIRED = ("format_version", *_REQUIRED_JSON, "sha256")
_KINDS = {
    "classes": list | None,
    "task": str,
    "task_is_set": bool,
    "trained_on": str,
    "preprocessing": dict,
    "input_shape": list | None,
}


def save(
    model: Module,
    path: str | os.PathLike[str],
    *,
    training: Mapping[str, Any] | None = None,
    dtype: str | None = None,
) -> None:
    """Write the model to one safetensors file, atomically.

    Args:
        model: Any module.
        path: The file; its folder must exist. An existing file is replaced and keeps its permissions;
            anything else at the path is an error.
        training: Plain data about the training (history, data set), stored for `metadata`; NaN and infinity
            become None, as JSON does not have them.
        dtype: "float16" stores each weight as the nearest number of 16 bits, in half of the bytes of float32
            (a relative error of up to 1/2048); `load` returns a float32 model. None stores the model's own.

    Raises:
        TypeError: `model` is not a Module, or `training` is not plain data.
        ValueError: `load` could not read the file: `training` is too large, or layers are nested too deeply;
            another dtype; a weight beyond the range of float16 (65,504).
        OSError: The file cannot be written; names it.

    Warns:
        UserWarning: Weights are NaN or infinite; the file is still written, and `load` warns too.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from cnnfast import load, models
        >>> path = Path(tempfile.mkdtemp()) / "d4.safetensors"
        >>> save(models.d4(seed=0), path)
        >>> load(path).num_parameters()
        52138
    """
    if not isinstance(model, Described):
        raise TypeError(f"save: model must be a Module, got {type(model).__name__}")
    warn_of_weights(f"save: {os.fsdecode(path)}", model)
    weights = _as_stored(model, dtype)
    texts = _describe(model, training)
    texts["sha256"] = digest(texts, weights)
    _check_readable(texts, weights)
    with atomic_write("save", path) as file:
        write(file, weights, texts)


def load(path: str | os.PathLike[str]) -> Module:
    """The model that `save` wrote: architecture, weights, classes, task, preprocessing and input shape.

    Raises:
        CheckpointError: Not a safetensors file, truncated, changed, not written by cnnfast, written by a
            newer version, or inconsistent in itself; the message names the file and the reason.
        OSError: The file does not exist or cannot be read.

    Warns:
        UserWarning: Weights are NaN or infinite.
    """
    info, tensors = _read(path, with_tensors=True)
    try:
        model = blank(info["architecture"]).to(_common_dtype(tensors))
        for name, value in {**model.parameters(), **model.buffers()}.items():
            value[...] = tensors[name]
        model.input_shape = None if info["input_shape"] is None else tuple(info["input_shape"])
        model.preprocessing = Preprocessing(**info["preprocessing"])
        model.classes = info["classes"]
        model.task = info.get("task")
        described = model.description()._replace(trained_on=check_input_kind(info.get("trained_on")))
        if not info.get("task_is_set"):
            described = described._replace(task=None, loss_task=described.task)
        model.describe(described)
    except (TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{os.fsdecode(path)}: does not describe a working model: {first_line(error)}"
        ) from None
    warn_of_weights(f"load: {os.fspath(path)}", model)
    return model


def metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The metadata of a model file as plain data, without reading the weights.

    Keys: format_version, cnnfast_version, architecture, classes, preprocessing, input_shape, training; task
    if it is known, and task_is_set if the user has set it; trained_on if it was trained, "uint8" or "float".

    Raises:
        CheckpointError, OSError: As `load`, except for errors in the weights.
    """
    return _read(path, with_tensors=False)[0]


def _as_stored(model: Module, dtype: str | None) -> dict[str, Array]:
    weights = model.state_dict()
    if dtype is None:
        return weights
    if dtype != "float16":
        raise ValueError(f'save: dtype must be "float16" or None, got {dtype!r}')
    most = float(np.finfo(np.float16).max)
    for name, value in weights.items():
        largest = np.abs(value[np.isfinite(value)]).max(initial=0)
        if largest > most:
            raise ValueError(f"save: the weights {name} reach {largest:.3g}, float16 only {most:,.0f}")
    return {name: value.astype(np.float16) for name, value in weights.items()}


def _describe(model: Module, training: Mapping[str, Any] | None) -> dict[str, str]:
    """Metadata of safetensors is strings by name; values here are JSON."""
    described = {
        "architecture": model.to_config(),
        "classes": model.classes,
        "preprocessing": model.preprocessing.to_config(),
        "input_shape": model.input_shape,
        "training": None if training is None else dict(training),
        **_learned(model),
    }
    try:
        texts = {name: to_json(value) for name, value in described.items()}
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"save: training must be plain data that JSON can hold: {error}") from None
    return {
        "format": "cnnfast",
        "format_version": str(FORMAT_VERSION),
        "cnnfast_version": __version__,
        **texts,
    }


def _learned(model: Module) -> dict[str, Any]:
    """What the user or training has set: the task, and the type of input."""
    described = model.description()
    known: dict[str, Any] = {
        "task": described.task or described.loss_task,
        "trained_on": described.trained_on,
    }
    if described.task is not None:
        known["task_is_set"] = True
    return {key: value for key, value in known.items() if value is not None}


def _check_readable(texts: Mapping[str, str], weights: Mapping[str, Array]) -> None:
    """Runs the checks of `load` before writing."""
    shapes = {key: (value.shape, DTYPES[value.dtype.name]) for key, value in weights.items()}
    try:
        _check_metadata("save", texts, shapes)
    except CheckpointError as error:
        raise ValueError(f"{error}; such a file could not be loaded") from None


def _check_metadata(
    name: str, texts: Mapping[str, str], shapes: Mapping[str, tuple[Shape, str]]
) -> tuple[dict[str, Any], dict[str, Shape]]:
    """The metadata and the shapes of all weights, checked against those in the file."""
    _check_origin(name, texts)
    info = _parse(name, texts)
    expected = _expected_shapes(name, info["architecture"])
    _check_tensors(name, expected, shapes)
    return info, expected


def _read(path: str | os.PathLike[str], with_tensors: bool) -> tuple[dict[str, Any], dict[str, Array]]:
    """Metadata and tensors, each checked as far as it can be without building the model."""
    name = os.fsdecode(path)
    with opened("load", path, "model file") as contents:
        info, expected = _check_metadata(name, contents.texts, contents.shapes)
        tensors = {key: contents.array(key) for key in expected} if with_tensors else {}
    if with_tensors:
        check_digest(name, contents.texts, tensors)
    return info, tensors


def _check_origin(name: str, texts: Mapping[str, str]) -> None:
    if texts.get("format") == TRAINING_FORMAT:
        raise CheckpointError(
            f"{name}: is a checkpoint of a training, not a model; continue it with "
            "fit(checkpoint=FOLDER, resume=True)"
        )
    if texts.get("format") != "cnnfast":
        raise CheckpointError(
            f"{name}: is a safetensors file, but not a cnnfast model (weights without an architecture); "
            "build the model and use interop.torch.load_safetensors"
        )
    version = texts.get("format_version", "")
    if not version.isdecimal() or len(version) > 9 or int(version) < 1:
        raise CheckpointError(f"{name}: has the format version {version[:20]!r}, which is no version")
    if int(version) > FORMAT_VERSION:
        writer = texts.get("cnnfast_version", "?")[:20]
        raise CheckpointError(
            f"{name}: was written by a newer cnnfast ({writer}, format {version}); "
            f"this one ({__version__}) reads formats up to {FORMAT_VERSION}: pip install --upgrade cnnfast"
        )
    missing = [key for key in _REQUIRED if key not in texts]
    if missing:
        raise CheckpointError(f"{name}: lacks {', '.join(missing)} in its metadata")
    size = sum(map(len, texts.values()))
    if size > _MAX_METADATA:
        raise CheckpointError(f"{name}: has {size} characters of metadata, at most {_MAX_METADATA} are read")


def _parse(name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    info: dict[str, Any] = {"format_version": int(texts["format_version"])}
    info["cnnfast_version"] = texts.get("cnnfast_version")
    for key in (*_REQUIRED_JSON, "training", *(key for key in _OPTIONAL_JSON if key in texts)):
        try:
            info[key] = json.loads(texts.get(key, "null"))
        except (ValueError, RecursionError):
            raise CheckpointError(f"{name}: {key} in its metadata is not JSON") from None
    for key, kinds in _KINDS.items():
        if key in info and not isinstance(info[key], kinds):
            raise CheckpointError(f"{name}: {key} in its metadata must not be {type(info[key]).__name__}")
    return info


def _expected_shapes(name: str, architecture: Any) -> dict[str, Shape]:
    try:
        return dict(parameter_shapes(architecture))
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise CheckpointError(f"{name}: cannot build its architecture: {first_line(error)}") from None


def _check_tensors(name: str, expected: Mapping[str, Shape], found: Mapping[str, tuple[Shape, str]]) -> None:
    """The file must contain exactly the weights of the architecture, so that nothing larger is allocated."""
    for key, shape in expected.items():
        if key not in found:
            raise CheckpointError(f"{name}: lacks the weights {key}")
        if found[key][0] != shape:
            raise CheckpointError(
                f"{name}: the weights {key} have shape {found[key][0]}, the architecture {shape}"
            )
    for key in found:
        if key not in expected:
            raise CheckpointError(f"{name}: holds weights {key[:80]} that its architecture has no place for")
    kinds = sorted({kind for _, kind in found.values()})
    if len(kinds) > 1 or not set(kinds) <= set(DTYPES.values()):
        raise CheckpointError(f"{name}: weights must be all F16, all F32 or all F64, got {', '.join(kinds)}")


def _common_dtype(tensors: Mapping[str, Array]) -> Any:
    """Of the model: the engine computes in float32 or float64."""
    found = next((value.dtype for value in tensors.values()), np.dtype(np.float32))
    return np.dtype(np.float32) if found == np.float16 else found
