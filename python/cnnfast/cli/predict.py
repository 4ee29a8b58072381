"""`cnnfast predict`: what a model reads in ordinary images."""

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
STYLES = ("emnist", "mnist")
INKS = ("auto", "dark", "light")

NOT_SURE = "not sure"
LEAST = 0.5
"""Below this probability the likeliest of several classes is more often wrong than right: docs/cli.md."""

DESCRIPTION = """\
Reads images of one letter or digit each and prints the three likeliest
classes.

Any ordinary image will do: dark on light or light on dark, a photo with
uneven light, a drawing, a scan; PNG, JPEG, BMP, GIF, TIFF, WebP or PNM. The
letter is cut out and prepared as the images the model was trained on (--show
prints the result). There should be one letter in the image and little else.

A model for color images gets the colors, scaled and cut to its input.

Exit code: 0 if every image was read, 1 if one could not be or does not
look like one letter.
"""


@dataclass(frozen=True)
class Reading:
    """One image: what the network saw and made of it, or why it could not be read.

    Attributes:
        file: As the user named it; "-" is standard input.
        pixels: (c, h, w), what the network saw.
        doubt: Why the answer should not be relied upon.
        refused: The doubt is about the image: it does not look like one letter.
        answer: By the network's task: the likeliest classes or all labels above 0.5 with their probabilities,
            or the numbers of a regression.
        error: Why it could not be read.
    """

    file: str
    pixels: NDArray[np.uint8] | None = None
    doubt: str = ""
    refused: bool = False
    answer: tuple[tuple[str, float], ...] | tuple[float, ...] = ()
    task: str = "multiclass"
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        if self.error:
            return {"file": self.file, "error": self.error}
        key = {"regression": "values", "multilabel": "labels"}.get(self.task, "top")
        return plain(
            {"file": self.file, "doubt": self.doubt or None, key: [_entry(part) for part in self.answer]}
        )

    def cells(self, width: int) -> list[str]:
        """The columns behind the name of the file; `width` is that of names of classes."""
        parts = [
            f"{part[0]:<{width}} {part[1]:>6.1%}" if isinstance(part, tuple) else f"{part:.6g}"
            for part in self.answer
        ]
        if not self.doubt:
            return parts or ["no label above 50%"]
        return [f"{self.doubt} (best guess: {parts[0]})" if parts else self.doubt]


def _entry(part: tuple[str, float] | float) -> Any:
    return {"class": part[0], "probability": part[1]} if isinstance(part, tuple) else part


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "predict", run, "read images of letters", DESCRIPTION)
    command.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE",
        help="image file, a folder (the images in it, by name), or - for standard input",
    )
    command.add_argument("--model", metavar="FILE", help=f"model file (default: {model_files.DEFAULT})")
    command.add_argument(
        "--style",
        type=arguments.one_of(STYLES),
        metavar="NAME",
        help="prepare images as emnist or as mnist (smaller, centered by mass) does (default: as the data "
        "the model was trained on, else emnist)",
    )
    command.add_argument(
        "--ink",
        type=arguments.one_of(INKS),
        default="auto",
        metavar="NAME",
        help="dark (on a light page), light (on a dark one), or auto: found out (default)",
    )
    command.add_argument(
        "--show", action="store_true", help="print the small image the network sees, as text"
    )
    arguments.add_threads(command)
    arguments.add_json(command, "the readings")


def run(options: argparse.Namespace) -> int:
    require("PIL", "reading images")
    if options.threads is not None:
        set_num_threads(options.threads)
    path = model_files.chosen_or_newest(options.model)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*hold NaN or infinity")  # said once an output is not finite
        model = serialization.load(path)
    shape = inputs.input_shape(path, model)
    style = (options.style or _style_for(path)) if shape[0] == 1 else "emnist"
    preparation = inputs.Preparation(shape, style, options.ink)
    readings = [_read(path, model, file, preparation) for file in inputs.files(options.images)]
    if options.json:
        say(to_json({"model": path, "images": [reading.to_dict() for reading in readings]}))
    else:
        _print(readings, options.show)
    return 0 if readings and not any(reading.error or reading.refused for reading in readings) else 1


def _style_for(path: str) -> str:
    """How to prepare images for a model, by what it was trained on; what is guessed is said."""
    data = model_files.training_data(path)
    if data is None:
        note(
            f"note: {path} does not say what it was trained on; the image is prepared as EMNIST's "
            "(--style mnist for a model of MNIST)"
        )
    if data == "fashion-mnist":
        note(f"note: {path} knows clothes; the image is prepared as handwriting all the same")
    return "mnist" if data == "mnist" else "emnist"


def _read(path: str, model: Module, file: str, preparation: inputs.Preparation) -> Reading:
    try:
        pixels, doubt = preparation.input(file)
        task, answer = _answer(path, model, pixels)
    except CheckpointError:
        raise  # about the model: the same for every image
    except (DataError, OSError) as error:
        text = describe(error)
        fail(text)
        return Reading(file, error=text)
    unsure = task == "multiclass" and answer[0][1] < LEAST
    return Reading(file, pixels, doubt or (NOT_SURE if unsure else ""), bool(doubt), answer, task)


def _answer(path: str, model: Module, pixels: NDArray[np.uint8]) -> tuple[str, Any]:
    """The network's task, and the answer as `Reading` has it.

    Raises:
        CheckpointError: The network does not take this image, has no single answer, or gives NaN.
    """
    try:
        if not np.isfinite(model(pixels[None])).all():
            raise CheckpointError(
                f"{path}: its outputs are not finite: the weights are damaged or were never finite"
            )
        task = model.task or "multiclass"
        of_numbers = task == "regression"
        values = model.predict(pixels[None]) if of_numbers else model.predict_proba(pixels[None])
    except CheckpointError:
        raise
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if values.ndim != 2:
        raise CheckpointError(
            f"{path}: gives {model_files.extent(values.shape[1:])} values, "
            "but predict wants one for each class"
        )
    numbers = [float(value) for value in values[0]]
    if of_numbers:
        return task, tuple(numbers)
    names = model.classes or (("no", "yes") if task == "binary" else tuple(map(str, range(len(numbers)))))
    order = [int(k) for k in np.argsort(-values[0], kind="stable")]
    chosen = [k for k in order if numbers[k] > 0.5] if task == "multilabel" else order[:TOP]
    return task, tuple((names[k], numbers[k]) for k in chosen)


def _print(readings: list[Reading], show: bool) -> None:
    from ..vision import as_text

    good = [reading for reading in readings if not reading.error]
    if not good:
        return
    names = [part[0] for reading in good for part in reading.answer if isinstance(part, tuple)]
    name_width = max(map(len, names), default=0)
    files = [printable(reading.file) for reading in good]
    cells = [reading.cells(name_width) for reading in good]
    for reading, line in zip(good, _lines(files, cells, _room()), strict=True):
        if show and reading.pixels is not None and len(reading.pixels) == 1:
            say(as_text(reading.pixels[0]))
        say(line)


def _room() -> int | None:
    """Columns of the terminal; None for a file or a pipe, where a program may read line by line."""
    return _terminal.width() if sys.stdout is not None and sys.stdout.isatty() else None


def _lines(files: list[str], cells: list[list[str]], room: int | None) -> list[str]:
    """For each file what was read in it: behind its name, or below where that does not fit for all."""
    width = max(map(len, files))
    beside = ["   ".join([f"{file:<{width}}", *read]) for file, read in zip(files, cells, strict=True)]
    if room is None or max(map(len, beside)) <= room:
        return beside
    below = []
    for file, read in zip(files, cells, strict=True):
        text = _terminal.packed(read, hanging="", gap="   ", room=room - 4)
        lines = [_terminal.wrapped(line, room=room - 4) for line in text.splitlines()]
        below.append("\n".join([file, *lines]).replace("\n", "\n    "))
    return below
