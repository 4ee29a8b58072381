"""`cnnfast plot`: writes plots of models and trainings to image files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import models, plot
from .._files import check_writable, expand
from .._names import did_you_mean, find
from ..errors import CnnfastError, require
from ..nn import Module, blank_parameters, serialization
from ..plot.figure import ENDINGS, matplotlib, save
from . import arguments, history_file, inputs, model_files, predict
from .errors import note, tell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DESCRIPTION = """\
Draws plots with matplotlib (pip install "cnnfast[plot]") and writes them to a
PNG, SVG or PDF file, by the ending of its name.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "plot", _run, "draw plots of models and trainings", DESCRIPTION)
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    add = _action(actions, "history", _history, "learning curves of a training")
    add(
        "file",
        metavar="FILE",
        help="a model file, or a log of `cnnfast train --log` (.csv, .jsonl)",
    )
    add = _action(actions, "kernels", _kernels, "the kernels of a convolution")
    add("layer", nargs="?", metavar="LAYER", help="name of the layer (default: the first convolution)")
    _add_model(add)
    add = _action(actions, "maps", _maps, "the outputs of layers for an image")
    add("image", metavar="IMAGE", help="image file, or - for standard input")
    add(
        "--layers",
        type=lambda text: text.split(","),
        metavar="NAMES",
        help='names of layers, separated by commas; "input" is the image (default: it and all convolutions)',
    )
    _add_model(add)
    add = _action(actions, "activation", _activation, "activation functions and their derivatives")
    add("names", nargs="+", metavar="NAME", help="such as gelu or relu")
    add = _action(actions, "schedule", _schedule, "learning rates over a training")
    add("names", nargs="+", metavar="NAME", help="constant, cosine or one-cycle")
    for option, default, text in (("--epochs", 10, "epochs"), ("--steps", 100, "steps of an epoch")):
        add(
            option,
            type=arguments.integer(1, 100_000),
            default=default,
            metavar="N",
            help=f"number of {text} (default: %(default)s)",
        )
    add("--lr", type=arguments.positive, default=1.0, metavar="RATE", help="learning rate (default: 1)")
    add = _action(actions, "graph", _graph, "the graph of a network")
    add("model", metavar="MODEL", help="a name that `cnnfast models` lists, or a model file")


def _action(
    actions: arguments.Subparsers[argparse.ArgumentParser],
    name: str,
    draw: Callable[[argparse.Namespace], Figure],
    help: str,
) -> Callable[..., Any]:
    """A kind of plot; returns the method that adds its arguments."""
    command = arguments.add_command(actions, name, _run, help, f"Draws {help} and writes an image file.")
    command.set_defaults(draw=draw, action=name)
    command.add_argument(
        "--out",
        type=_image_file,
        default=f"{name}.png",
        metavar="FILE",
        help="file ending in .png, .svg or .pdf (default: %(default)s)",
    )
    return command.add_argument


def _add_model(add: Callable[..., Any]) -> None:
    add("--model", metavar="FILE", help=f"model file (default: {model_files.DEFAULT})")


def _run(options: argparse.Namespace) -> int:
    who = f"plot {options.action}"
    matplotlib()
    check_writable(who, options.out)
    try:
        figure = options.draw(options)
    except (TypeError, ValueError) as error:
        if isinstance(error, CnnfastError):
            raise
        raise CnnfastError(str(error).removeprefix("plot.")) from None
    save(who, figure, options.out)
    tell(f"written {options.out}")
    return 0


def _history(options: argparse.Namespace) -> Figure:
    return history_file.read(options.file).plot()


def _kernels(options: argparse.Namespace) -> Figure:
    return serialization.load(model_files.chosen_or_newest(options.model)).plot_kernels(options.layer)


def _maps(options: argparse.Namespace) -> Figure:
    require("PIL", "reading images")
    path = model_files.chosen_or_newest(options.model)
    model = serialization.load(path)
    shape = inputs.input_shape(path, model)
    style = predict.style_for(path) if shape[0] == 1 else "emnist"
    pixels, warning = inputs.Preparation(shape, style, "auto").input(options.image)
    if warning:
        note(f"note: {options.image}: {warning}")
    return plot.feature_maps(model, pixels, options.layers)


def _activation(options: argparse.Namespace) -> Figure:
    return plot.activation(*options.names)


def _schedule(options: argparse.Namespace) -> Figure:
    return plot.schedule(*options.names, epochs=options.epochs, steps_per_epoch=options.steps, lr=options.lr)


def _graph(options: argparse.Namespace) -> Figure:
    return plot.graph(_network(options.model))


def _network(name: str) -> Module:
    """A model file, or a network of the catalog."""
    known = find(name, models.list())
    if known is not None:
        with blank_parameters():
            return models.get(known)
    if not os.path.exists(expand(name)):
        hint = did_you_mean(name, models.list()) or "; `cnnfast models` lists the networks"
        raise CnnfastError(f"{name!r} is neither a network nor a file{hint}")
    return serialization.load(name)


def _image_file(text: str) -> str:
    if not text.lower().endswith(ENDINGS):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .png, .svg or .pdf")
    return text
