"""`cnnfast models`: the networks; `cnnfast models show`: the layers of one, as a table or drawn."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from .. import models
from .._files import check_writable
from .._json import to_json
from ..nn import Module, blank_parameters
from ..nn.summary import rows
from . import arguments
from .errors import say, tell

DESCRIPTION = """\
Lists the networks by the year of their source: input and output shapes,
parameters, multiply-accumulates (MACs) and memory of inference with one image.
`cnnfast models NAME` is short for `cnnfast models show NAME`.
"""

SHOW_DESCRIPTION = """\
Prints the layers of a network: output shapes, parameters, multiply-accumulates
(MACs), bytes and settings; or draws them with --graph.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(
        commands, "models", run, "list the networks, or show the layers of one", DESCRIPTION
    )
    arguments.add_json(command, "the networks")
    command.set_defaults(default_action="show")
    actions = command.add_subparsers(title="actions", metavar="ACTION")
    show = arguments.add_command(actions, "show", _show, "show the layers of a network", SHOW_DESCRIPTION)
    show.add_argument(
        "name", type=arguments.network, metavar="NAME", help="one of those `cnnfast models` lists"
    )
    show.add_argument(
        "--batch",
        type=arguments.integer(1),
        metavar="N",
        help="number of images for which the memory of inference and of training is predicted "
        "(default: the values of one image)",
    )
    show.add_argument(
        "--graph", type=_svg, metavar="FILE", help="write the graph of the network to an SVG file instead"
    )
    arguments.add_json(show, "the layers", argparse.SUPPRESS)  # keeps that of `cnnfast models --json NAME`


def run(options: argparse.Namespace) -> int:
    names = models.list()
    say(to_json([asdict(models.info(name)) for name in names], indent=1) if options.json else names)
    return 0


def _show(options: argparse.Namespace) -> int:
    if options.graph is not None:
        check_writable("models show", options.graph)
    with blank_parameters():
        model = models.get(options.name)
    if options.graph is not None:
        model.draw(options.graph)
        tell(f"written {options.graph}")
    elif options.json:
        say(to_json(_described(options.name, model, options.batch), indent=1))
    else:
        say(model.summary(options.batch))
    return 0


def _described(name: str, model: Module, batch: int | None) -> dict[str, Any]:
    """The layers as plain data; with a batch size, the parts of the memory as well."""
    result = {**asdict(models.info(name)), "layers": [asdict(row) for row in rows(model)]}
    if batch is not None:
        for what, training in (("inference", False), ("training", True)):
            memory = model.memory(batch, training)
            result[f"memory_of_{what}"] = {**asdict(memory), "total": memory.total}
    return result


def _svg(text: str) -> str:
    if not text.lower().endswith(".svg"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .svg")
    return text
