"""Model files of the commands: which one to use, and whether it fits the data."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import models
from ..datasets import ImageDataset
from ..errors import CheckpointError
from ..nn import Module, serialization
from .errors import note

PATTERN = "cnnfast-*.safetensors"
"""The default file names of `cnnfast train`."""

#: The model that comes with cnnfast and is used where there is no other.
_SHIPPED = "letters"

DEFAULT = "the newest model of cnnfast among the *.safetensors in this folder, else letters"


def add_to(command: argparse.ArgumentParser) -> None:
    """Adds MODEL."""
    command.add_argument(
        "model", nargs="?", metavar="MODEL", help=f"model file, or digits or letters (default: {DEFAULT})"
    )


def default_name(data: str, model: str) -> str:
    return PATTERN.replace("*", f"{data}-{model}")


def chosen_or_newest(given: str | None) -> str:
    """The given file or the model of that name that comes with cnnfast; if none is given, the newest cnnfast
    model in this folder, or else the letters that come with cnnfast, which is reported on stderr.
    """
    if given is not None:
        shipped = given in models.pretrained_names() and not Path(given).exists()
        return str(models.pretrained_path(given)) if shipped else given
    files = sorted(Path().glob("*.safetensors"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    name = next((str(file) for file in reversed(files) if _is_model(file)), None)
    if name is None:
        note(f"model: {_SHIPPED}, which comes with cnnfast (no model file is in this folder)")
        return str(models.pretrained_path(_SHIPPED))
    note(f"model: {name} (the newest here)")
    return name


def _is_model(path: Path) -> bool:
    try:
        serialization.metadata(path)
    except (CheckpointError, OSError):
        return False
    return True


def training_data(path: str) -> str | None:
    """Name of the data set a model was trained on, from its file's metadata."""
    training = serialization.metadata(path)["training"]
    name = training.get("data") if isinstance(training, dict) else None
    return name if isinstance(name, str) else None


def training_style(path: str) -> str | None:
    """How images have to be processed for a model, if its file's metadata says so."""
    training = serialization.metadata(path)["training"]
    style = training.get("style") if isinstance(training, dict) else None
    return style if isinstance(style, str) else None


def training_seed(path: str) -> int:
    """The seed a model was trained with, from its file's metadata; 0 if it is not there."""
    training = serialization.metadata(path)["training"]
    seed = training.get("seed") if isinstance(training, dict) else None
    return seed if isinstance(seed, int) and seed >= 0 else 0


def check_fits(path: str, model: Module, data: ImageDataset) -> None:
    """Raises CnnfastError if the model's input shape, classes or task do not match `data`."""
    if model.input_shape is not None and model.input_shape != data.input_shape:
        raise CheckpointError(
            f"{path}: expects images of {extent(model.input_shape)}, "
            f"but {data.name} has {extent(data.input_shape)}"
        )
    if model.classes is not None and model.classes != data.classes:
        raise CheckpointError(
            f"{path}: has {class_list(model.classes)}, but {data.name} has {class_list(data.classes)}"
        )
    if model.task not in (None, "multiclass"):
        raise CheckpointError(
            f'{path}: has the task "{model.task}", but {data.name} has labels of {class_list(data.classes)}'
        )


def class_list(classes: Sequence[str]) -> str:
    """The number of classes, and the first and last of them."""
    ends = ", ".join(classes) if len(classes) <= 3 else f"{classes[0]}, {classes[1]} ... {classes[-1]}"
    return f"{len(classes)} classes ({ends})"


def extent(shape: tuple[Any, ...]) -> str:
    return "x".join(map(str, shape))
