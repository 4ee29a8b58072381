"""`cnnfast explain`: writes a page that shows every number a model computes for one image."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .._core import set_num_threads
from .._files import check_writable
from ..errors import CheckpointError, CnnfastError, require
from ..nn import Module, serialization
from . import arguments, data_source, inputs, model_files, predict
from .errors import note, say

if TYPE_CHECKING:
    from ..explanation import Explanation

DESCRIPTION = """\
Writes an HTML page that shows how a model classifies one image: every pixel,
kernel, feature map and sum, with the real numbers. A click on any number shows
the sum that makes it, and the pixels it depends on.

The page is one file and needs no network. The image is read as by `predict`.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(
        commands, "explain", run, "show every number a model computes for an image", DESCRIPTION
    )
    model_files.add_to(command)
    command.add_argument("image", metavar="IMAGE", help="image file, or - for standard input")
    command.add_argument(
        "--backward",
        action="store_true",
        help="show the loss, all gradients and a step of the optimizer, too",
    )
    command.add_argument(
        "--target",
        metavar="CLASS",
        help="class for loss and maps, by name or number (default: the prediction)",
    )
    command.add_argument(
        "--lr",
        type=arguments.positive,
        default=0.1,
        metavar="RATE",
        help="learning rate of the step that --backward shows (default: 0.1)",
    )
    command.add_argument(
        "--layers", metavar="NAMES", help="layers to show, with commas between them (default: all)"
    )
    data_source.add_to(command, "data set whose most similar training images are shown")
    command.add_argument(
        "--out", metavar="FILE", help="the page (default: explain-IMAGE.html in this folder)"
    )
    predict.add_preparation(command)
    arguments.add_threads(command)


def run(options: argparse.Namespace) -> int:
    require("PIL", "reading images")
    if options.threads is not None:
        set_num_threads(options.threads)
    path = model_files.chosen_or_newest(options.model)
    model = serialization.load(path)
    out = options.out or f"explain-{_stem(options.image)}.html"
    check_writable("--out", out)
    try:
        explanation = _explanation(path, model, options)
        explanation.save(out)
    except (TypeError, ValueError) as error:
        if isinstance(error, CnnfastError):
            raise
        raise CheckpointError(f"{path}: {str(error).removeprefix('explain: ')}") from None
    say(_prediction(explanation))
    say(f"written {out}, {os.path.getsize(out) / 1e6:.1f} MB: open it in a browser")
    return 0


def _explanation(path: str, model: Module, options: argparse.Namespace) -> Explanation:
    from ..explanation import explain  # here: other commands need not wait for it

    pixels, warning = predict.preparation(path, model, options).input(options.image)
    if warning:
        note(f"note: {options.image}: {warning}")
    train = None
    if options.data is not None:
        seed = model_files.training_seed(path)
        train, _ = data_source.load(options.data, options.root, seed, options.on_error)
    return explain(
        model,
        pixels,
        target=options.target,
        backward=options.backward,
        lr=options.lr,
        layers=None if options.layers is None else [name.strip() for name in options.layers.split(",")],
        train=train,
        title=f"{os.path.basename(path)}, {_stem(options.image)}",
    )


def _stem(image: str) -> str:
    return "image" if image == inputs.STANDARD_INPUT else Path(image).stem


def _prediction(explanation: Explanation) -> str:
    """The result in one line."""
    found = explanation.prediction()
    if found is None:
        return f"output: {', '.join(f'{value:.6g}' for value in explanation.network.output.ravel()[:10])}"
    name, probability = found
    return f"prediction: {name}, {probability:.1%}"
