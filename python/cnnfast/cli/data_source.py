"""The data that `--data` names: a data set by its name, or a file or folder of the user's own."""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .. import datasets
from .._files import expand
from .._names import did_you_mean, find
from ..datasets import ImageDataset, any_path
from ..datasets.image_folder import ON_ERROR, OnError
from ..datasets.lazy_images import LazyImageDataset
from ..errors import CnnfastError, DataError
from ..models import for_images
from ..models import get as get_model
from ..models.registry import takes_size
from ..nn import Module, Preprocessing
from . import arguments

#: Fraction of each class that is held out for testing, where the data have no test part.
TEST_FRACTION = 0.1
KINDS = "a folder with a folder of images for each class, or a CSV, .npz or idx file, or archive of CIFAR"
_LETTERS = "hello-dl-letters"
#: Small data sets are trained on for more epochs, until so many images have been seen.
_SEEN, _MOST_EPOCHS = 50_000, 30


def name_or_path(names: Sequence[str]) -> Callable[[str], str]:
    """Type of an argument: one of some names, or a path that exists."""

    def convert(text: str) -> str:
        name = find(text, names)
        if name is not None:
            return name
        if not os.path.exists(expand(text)):
            hint = did_you_mean(text, names)
            raise argparse.ArgumentTypeError(
                f"{text!r} is not one of {', '.join(names)}, nor a file or folder{hint}"
            )
        return text

    return convert


def add_to(command: argparse.ArgumentParser, what: str, note: str = "", default: str | None = None) -> None:
    """Adds --data and what belongs to it.

    Args:
        what: Begins the help text, before the names of the data sets.
        note: Ends it.
    """
    names = datasets.names()
    command.add_argument(
        "--data",
        type=name_or_path(names),
        default=default,
        metavar="NAME_OR_PATH",
        help=f"{what}: {', '.join(names)}; or your own data: {KINDS}{note}",
    )
    add_on_error(command)
    arguments.add_root(command)


def add_on_error(command: argparse.ArgumentParser) -> None:
    """Adds --on-error."""
    command.add_argument(
        "--on-error",
        type=arguments.one_of(ON_ERROR),
        default="raise",
        metavar="ACTION",
        help="for image files in a folder that are not readable: raise an error, or skip them with a warning "
        "(default: %(default)s)",
    )


def is_path(data: str) -> bool:
    return data not in datasets.names()


def has_letters_shape(data: str) -> bool:
    """Whether a data set, by its name, has gray images of 28x28; False for a path."""
    return not is_path(data) and not data.startswith("cifar")


def short_name(data: str) -> str:
    """The name of a data set, or of a file or folder, for file names."""
    if not is_path(data):
        return data
    stem = Path(os.path.realpath(expand(data))).name.partition(".")[0]
    return re.sub(r"[^\w-]+", "-", stem).strip("-") or "own"


def load(
    data: str, root: str | None, seed: int, on_error: OnError = "raise", *, lazy: bool = False
) -> tuple[ImageDataset, ImageDataset]:
    """The training and the test part; if the user's data have no test part, a tenth of each class.

    Args:
        on_error, lazy: As of `ImageFolder`.

    Raises:
        OSError, DataError: As the functions of `cnnfast.datasets`.
    """
    if not is_path(data):
        return datasets.load(data, train=True, root=root), datasets.load(data, train=False, root=root)
    train, test = datasets.from_path(data, on_error=on_error, lazy=lazy)
    if test is not None:
        if test.input_shape != train.input_shape:
            raise CnnfastError(
                f"{data}: images to train are {_extent(train)}, but those to test are {_extent(test)}"
            )
        return train, test
    try:
        return train.split(TEST_FRACTION, seed, stratify=True)
    except DataError as error:
        raise DataError(f"{error} ({train.description.rstrip('.')})") from None


def validation_part(data: str, train: ImageDataset, on_error: OnError) -> ImageDataset | None:
    """The images that the user's data have for validation, besides those for training and testing."""
    if not is_path(data):
        return None
    return any_path.validation_part(data, train, on_error=on_error, lazy=True)


def model_for(
    name: str | None, data: str, train: ImageDataset, seed: int, dropout: float | None = None
) -> tuple[str, Module]:
    """The network of that name, built for the size of the images if it has the argument `size`; if None,
    hello-dl-letters for gray images of 28x28, else `for_images`.

    Raises:
        CnnfastError: The network takes images of another shape, or no dropout.
    """
    classes = len(train.classes)
    if name is None and train.input_shape != (1, 28, 28):
        model: Module = for_images(train.input_shape, classes, seed, dropout=dropout or 0.0)
        model.preprocessing = _statistics(train)
        return "for_images", model
    network = name or _LETTERS
    _, height, width = train.input_shape
    size = height if height == width and takes_size(network) else None
    try:
        model = get_model(network, seed=seed, num_classes=classes, dropout=dropout, size=size)
    except ValueError as error:
        cause = str(error)
        if dropout is not None and cause.startswith("models:"):
            raise CnnfastError(cause.replace("models:", "--dropout:", 1)) from None
        raise CnnfastError(
            f"--model {network}, for {data} with images of {_extent(train)}: {cause}"
        ) from None
    if model.input_shape is not None and model.input_shape != train.input_shape:
        expected = "x".join(map(str, model.input_shape))
        raise CnnfastError(
            f"--model {name}: takes images of {expected}, but {data} has {_extent(train)}; "
            "leave out --model for a network that fits"
        )
    return network, model


def epochs_for(data: str, train: ImageDataset) -> int:
    """The default number of epochs: 5, and more for small data of the user's own."""
    if not is_path(data):
        return 5
    return max(5, min(_MOST_EPOCHS, math.ceil(_SEEN / len(train))))


def style_of(data: str, train: ImageDataset) -> str | None:
    """How `predict` has to process images for a model of these data: "plain" if they are color images or
    resized image files; None for characters as in EMNIST or MNIST."""
    is_folder = is_path(data) and train.description.startswith("Images of the folder")
    return "plain" if is_folder or train.input_shape[0] > 1 else None


def _statistics(train: ImageDataset) -> Preprocessing:
    """Mean and standard deviation of each channel, of up to a thousand images."""
    rows = np.arange(0, len(train), max(1, len(train) // 1000))
    if isinstance(train, LazyImageDataset):
        train.pending.finish(rows)  # or they would be decoded twice
    some = train[rows].images / 255.0
    if some.ndim == 3:
        return Preprocessing(float(some.mean()), max(float(some.std()), 1e-3))
    mean, std = some.mean(axis=(0, 2, 3)), some.std(axis=(0, 2, 3)).clip(1e-3)
    return Preprocessing(tuple(mean.tolist()), tuple(std.tolist()))


def _extent(data: ImageDataset) -> str:
    return "x".join(map(str, data.input_shape))
