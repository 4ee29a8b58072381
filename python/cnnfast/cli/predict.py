"""`cnnfast predict`: classifies image files with a model."""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _terminal
from .._core import set_num_threads
from .._json import plain, to_json
from .._text import printable
from ..errors import CheckpointError, DataError, require
from ..nn import Module, serialization
from . import arguments, inputs, model_files
from .errors import describe, fail, note, say

TOP = 3
STYLES = ("emnist", "mnist", "plain")
INKS = ("auto", "dark", "light")

NOT_SURE = "not sure"
MIN_PROBABILITY = 0.5
"""Predictions with a lower probability are wrong more often than right: docs/cli.md."""

DESCRIPTION = """\
Classifies images of one letter or digit each and prints the three most likely
classes.

The letter may be dark on light or light on dark, in a photo with uneven
light, a drawing or a scan; PNG, JPEG, BMP, GIF, TIFF, WebP or PNM. It is
cropped and processed like the images the model was trained on (--show prints
the result). The image should contain one letter and little else.

A model for color images gets the colors, resized and cropped to its input.

Exit code: 0 if every image was read, 1 if one could not be or does not
look like one letter.
"""


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image, or why it could not be read.

    Attributes:
        file: As given by the user; "-" is standard input.
        pixels: (c, h, w), the network's input.
        warning: Why the prediction is unreliable.
        is_rejected: The warning is about the image: it does not look like one letter.
        values: By the network's task: the most likely classes, or all labels above 0.5, with their
            probabilities, or the values of a regression.
        error: Why it could not be read.
    """

    file: str
    pixels: NDArray[np.uint8] | None = None
    warning: str = ""
    is_rejected: bool = False
    values: tuple[tuple[str, float], ...] | tuple[float, ...] = ()
    task: str = "multiclass"
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        if self.error:
            return {"file": self.file, "error": self.error}
        key = {"regression": "values", "multilabel": "labels"}.get(self.task, "top")
        return plain(
            {"file": self.file, "warning": self.warning or None, key: [_entry(part) for part in self.values]}
        )

    def cells(self, width: int) -> list[str]:
        """The columns after the file name; `width` is that of the class names."""
        parts = [
            f"{part[0]:<{width}} {part[1]:>6.1%}" if isinstance(part, tuple) else f"{part:.6g}"
            for part in self.values
        ]
        if not self.warning:
            return parts or ["no label above 50%"]
        return [f"{self.warning} (best guess: {parts[0]})" if parts else self.warning]


def _entry(part: tuple[str, float] | float) -> Any:
    return {"class": part[0], "probability": part[1]} if isinstance(part, tuple) else part


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "predict", run, "classify images of letters", DESCRIPTION)
    command.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="image file, a folder (the images in it, by name), or - for standard input",
    )
    command.add_argument("--model", metavar="FILE", help=f"model file (default: {model_files.DEFAULT})")
    add_preparation(command)
    command.add_argument("--show", action="store_true", help="print the network's input as text")
    arguments.add_threads(command)
    arguments.add_json(command, "the predictions")


def add_preparation(command: argparse.ArgumentParser) -> None:
    """The options that `preparation` reads."""
    command.add_argument(
        "--style",
        type=arguments.one_of(STYLES),
        metavar="NAME",
        help="process images as in emnist, as in mnist (smaller, centered by mass), or plain (gray, resized "
        "and center-cropped, as a folder of images in training) (default: as the data the model was trained "
        "on, else emnist)",
    )
    command.add_argument(
        "--ink",
        type=arguments.one_of(INKS),
        default="auto",
        metavar="NAME",
        help="dark (on a light background), light (on a dark one), or auto: decided by image (default)",
    )


def run(options: argparse.Namespace) -> int:
    require("PIL", "reading images")
    from ..vision.single_letter import SEVERAL

    if options.threads is not None:
        set_num_threads(options.threads)
    path = model_files.chosen_or_newest(options.model)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*hold NaN or infinity")  # reported when an output is not finite
        model = serialization.load(path)
    prepared = preparation(path, model, options)
    predictions = [_read(path, model, file, prepared) for file in inputs.files(options.images)]
    if options.json:
        say(to_json({"model": path, "images": [prediction.to_dict() for prediction in predictions]}))
    else:
        _print(predictions, options.show)
    if any(prediction.warning == SEVERAL for prediction in predictions):
        note("note: cnnfast read reads pages of several letters")
    return (
        0
        if predictions and not any(prediction.error or prediction.is_rejected for prediction in predictions)
        else 1
    )


def preparation(path: str, model: Module, options: argparse.Namespace) -> inputs.Preparation:
    """How images become the input of a model."""
    shape = inputs.input_shape(path, model)
    style = (options.style or style_for(path)) if shape[0] == 1 else "emnist"
    return inputs.Preparation(shape, style, options.ink)


def style_for(path: str) -> str:
    """The style of preparation, by the data the model was trained on; prints a note if that is a guess."""
    data = model_files.training_data(path)
    if model_files.training_style(path) == "plain":
        return "plain"
    if data is None:
        note(
            f"note: {path} does not say what it was trained on; images are processed as in EMNIST "
            "(--style mnist for a model of MNIST)"
        )
    if data == "fashion-mnist":
        note(f"note: {path} was trained on clothes; images are processed as handwriting nevertheless")
    return "mnist" if data == "mnist" else "emnist"


def _read(path: str, model: Module, file: str, prepared: inputs.Preparation) -> Prediction:
    try:
        pixels, warning = prepared.input(file)
        task, values = _predict(path, model, pixels)
    except CheckpointError:
        raise  # concerns the model: the same for every image
    except (DataError, OSError) as error:
        text = describe(error)
        fail(text)
        return Prediction(file, error=text)
    unsure = task == "multiclass" and values[0][1] < MIN_PROBABILITY
    return Prediction(file, pixels, warning or (NOT_SURE if unsure else ""), bool(warning), values, task)


def _predict(path: str, model: Module, pixels: NDArray[np.uint8]) -> tuple[str, Any]:
    """The network's task, and the values as in `Prediction`.

    Raises:
        CheckpointError: The network does not accept this image, returns an array per image, or NaN.
    """
    try:
        if not np.isfinite(model(pixels[None])).all():
            raise CheckpointError(
                f"{path}: its outputs are not finite: the weights are damaged or were never finite"
            )
        task = model.task or "multiclass"
        is_regression = task == "regression"
        values = model.predict(pixels[None]) if is_regression else model.predict_proba(pixels[None])
    except CheckpointError:
        raise
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if values.ndim != 2:
        raise CheckpointError(
            f"{path}: outputs {model_files.extent(values.shape[1:])} values per image, "
            "but predict expects one for each class"
        )
    numbers = [float(value) for value in values[0]]
    if is_regression:
        return task, tuple(numbers)
    names = model.classes or (("no", "yes") if task == "binary" else tuple(map(str, range(len(numbers)))))
    order = [int(k) for k in np.argsort(-values[0], kind="stable")]
    chosen = [k for k in order if numbers[k] > 0.5] if task == "multilabel" else order[:TOP]
    return task, tuple((names[k], numbers[k]) for k in chosen)


def _print(predictions: list[Prediction], show: bool) -> None:
    from ..vision import as_text

    good = [prediction for prediction in predictions if not prediction.error]
    if not good:
        return
    names = [part[0] for prediction in good for part in prediction.values if isinstance(part, tuple)]
    name_width = max(map(len, names), default=0)
    files = [printable(prediction.file) for prediction in good]
    cells = [prediction.cells(name_width) for prediction in good]
    for prediction, line in zip(good, _lines(files, cells, _max_width()), strict=True):
        if show and prediction.pixels is not None and len(prediction.pixels) == 1:
            say(as_text(prediction.pixels[0]))
        say(line)


def _max_width() -> int | None:
    """Columns of the terminal; None for a file or a pipe, so that each image is one line."""
    return _terminal.width() if sys.stdout is not None and sys.stdout.isatty() else None


def _lines(files: list[str], cells: list[list[str]], max_width: int | None) -> list[str]:
    """For each file its cells: after its name, or on the lines below if they do not fit for all files."""
    width = max(map(len, files))
    beside = ["   ".join([f"{file:<{width}}", *read]) for file, read in zip(files, cells, strict=True)]
    if max_width is None or max(map(len, beside)) <= max_width:
        return beside
    below = []
    for file, read in zip(files, cells, strict=True):
        text = _terminal.packed(read, hanging="", gap="   ", room=max_width - 4)
        lines = [_terminal.wrapped(line, room=max_width - 4) for line in text.splitlines()]
        below.append("\n".join([file, *lines]).replace("\n", "\n    "))
    return below
