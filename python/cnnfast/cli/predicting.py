"""`cnnfast predict`: what a model reads in ordinary picture files."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import checkpoint
from .._core import set_num_threads
from .._text import printable
from ..errors import CheckpointError, DataError, require
from ..nn import Module
from ..plain import plain, to_json
from . import arguments, model_files
from .complaints import describe, fail, note, say

TOP = 3
STYLES = ("emnist", "mnist")

DESCRIPTION = """\
Reads pictures of one letter or digit each and prints the three likeliest
classes.

Any ordinary picture will do: dark on light or light on dark, a photo with
uneven light, a drawing, a scan; PNG, JPEG, BMP, GIF, TIFF, WebP or PNM. The
letter is cut out and prepared as the images the model was trained on (--show
prints the result). There should be one letter in the picture and little else.
"""


@dataclass(frozen=True)
class Reading:
    """One picture: what the network saw and made of it, or why it could not be read."""

    file: str
    pixels: NDArray[np.uint8] | None = None
    top: tuple[tuple[str, float], ...] = ()
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        if self.error:
            return {"file": self.file, "error": self.error}
        return plain({"file": self.file, "top": [{"class": name, "probability": p} for name, p in self.top]})


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "predict", run, "read pictures of letters", DESCRIPTION)
    command.add_argument("pictures", nargs="+", metavar="PICTURE", help="picture file")
    command.add_argument(
        "--model",
        metavar="FILE",
        help=f"model file (default: the newest {model_files.PATTERN} in this folder)",
    )
    command.add_argument(
        "--style",
        type=arguments.one_of(STYLES),
        metavar="NAME",
        help="prepare pictures as emnist or as mnist (smaller, centred by mass) does (default: as the data "
        "the model was trained on, else emnist)",
    )
    command.add_argument(
        "--show", action="store_true", help="print the small picture the network sees, as text"
    )
    arguments.add_threads(command)
    arguments.add_json(command, "the readings")


def run(options: argparse.Namespace) -> int:
    require("PIL", "reading pictures")
    if options.threads is not None:
        set_num_threads(options.threads)
    path = model_files.chosen_or_newest(options.model)
    model = checkpoint.load(path)
    shape = model.input_shape
    if shape is None or len(shape) != 3 or shape[0] != 1 or shape[1] != shape[2]:
        wanted = "of any shape" if shape is None else model_files.extent(shape)
        raise CheckpointError(f"{path}: takes input {wanted}, but predict makes square grey pictures (1xNxN)")
    style = options.style or _style_for(path)
    readings = [_read(model, file, shape[1], style) for file in options.pictures]
    if options.json:
        say(to_json({"model": path, "pictures": [reading.to_dict() for reading in readings]}))
    else:
        _print(readings, options.show)
    return 1 if any(reading.error for reading in readings) else 0


def _style_for(path: str) -> str:
    """How to prepare pictures for a model, by what it was trained on; what is guessed is said."""
    data = model_files.training_data(path)
    if data is None:
        note(
            f"note: {path} does not say what it was trained on; the picture is prepared as EMNIST's "
            "(--style mnist for a model of MNIST)"
        )
    if data == "fashion-mnist":
        note(f"note: {path} knows clothes; the picture is prepared as handwriting all the same")
    return "mnist" if data == "mnist" else "emnist"


def _read(model: Module, file: str, size: int, style: Any) -> Reading:
    from ..pictures import load_picture

    try:
        pixels = load_picture(file, size, style)
    except (DataError, OSError) as error:
        text = describe(error)
        fail(text)
        return Reading(file, error=text)
    probabilities = model.predict_proba(pixels[None])[0]
    names = model.classes or tuple(map(str, range(len(probabilities))))
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    return Reading(file, pixels, tuple((names[k], float(probabilities[k])) for k in best))


def _print(readings: list[Reading], show: bool) -> None:
    from ..pictures import as_text

    good = [reading for reading in readings if not reading.error]
    if not good:
        return
    file_width = max(len(printable(reading.file)) for reading in good)
    name_width = max(len(name) for reading in good for name, _ in reading.top)
    for reading in good:
        if show and reading.pixels is not None:
            say(as_text(reading.pixels))
        cells = [f"{name:<{name_width}} {p:>6.1%}" for name, p in reading.top]
        say("   ".join([f"{printable(reading.file):<{file_width}}", *cells]))
