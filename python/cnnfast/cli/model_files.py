"""Model files as the commands use them: which is meant, and what it can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..datasets import ImageDataset
from ..errors import CheckpointError, CnnfastError
from ..nn import Module, serialization
from .errors import note

PATTERN = "cnnfast-*.safetensors"
"""The names `cnnfast train` gives by itself."""

DEFAULT = "the newest model of cnnfast among the *.safetensors in this folder"


def default_name(data: str, model: str) -> str:
    return PATTERN.replace("*", f"{data}-{model}")


def chosen_or_newest(given: str | None) -> str:
    """The file the user names, else the newest one in this folder that is a model of cnnfast, said on
    stderr."""
    if given is not None:
        return given
    files = sorted(Path().glob("*.safetensors"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    name = next((str(file) for file in reversed(files) if _is_model(file)), None)
    if name is None:
        raise CnnfastError(
            "no model given, and no *.safetensors in this folder is a model of cnnfast: name a model file, "
            "or make one with `cnnfast train`"
        )
    note(f"model: {name} (the newest here)")
    return name


def _is_model(path: Path) -> bool:
    try:
        serialization.metadata(path)
    except (CheckpointError, OSError):
        return False
    return True


def training_data(path: str) -> str | None:
    """Name of the data set a model file says it was trained on."""
    training = serialization.metadata(path)["training"]
    name = training.get("data") if isinstance(training, dict) else None
    return name if isinstance(name, str) else None


def check_fits(path: str, model: Module, data: ImageDataset) -> None:
    """Refuses a model made for other images, other classes or another task than those of `data`."""
    if model.input_shape is not None and model.input_shape != data.input_shape:
        raise CheckpointError(
            f"{path}: takes images of {extent(model.input_shape)}, "
            f"but {data.name} has {extent(data.input_shape)}"
        )
    if model.classes is not None and model.classes != data.classes:
        raise CheckpointError(
            f"{path}: knows {class_list(model.classes)}, but {data.name} has {class_list(data.classes)}"
        )
    if model.task not in (None, "multiclass"):
        raise CheckpointError(
            f'{path}: has the task "{model.task}", but {data.name} asks for one of {class_list(data.classes)}'
        )


def class_list(classes: Sequence[str]) -> str:
    """How many classes, and the first and last of them."""
    ends = ", ".join(classes) if len(classes) <= 3 else f"{classes[0]}, {classes[1]} ... {classes[-1]}"
    return f"{len(classes)} classes ({ends})"


def extent(shape: tuple[Any, ...]) -> str:
    return "x".join(map(str, shape))
