"""`cnnfast demo`: a page on this machine to draw on, watch a network learn, and teach it."""

from __future__ import annotations

import argparse
import contextlib
import os
import webbrowser
from functools import partial
from typing import TYPE_CHECKING

from .. import datasets
from .._core import set_num_threads
from ..datasets import ImageDataset
from ..errors import CheckpointError, require
from ..nn import Module, serialization
from . import arguments, data_source, model_files, predict
from .errors import note, say

if TYPE_CHECKING:
    from ..demo import Course
    from ..vision import Style

DESCRIPTION = """\
Opens a page in the browser, served by this machine for itself alone: draw a
letter or digit with mouse, pen or finger and see what every layer makes of it;
watch a network learn; correct the network and let it learn from your drawings.

Ctrl-C ends it. Drawings and models are kept only if you save them on the page.
"""
#: Data sets for the courses, the first that is there; glyphs always are.
_DIGITS = ("mnist", "emnist-mnist", "emnist-digits")
_LETTERS = ("emnist-letters", "emnist-letters-derived", "glyphs")


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(
        commands, "demo", run, "draw, watch a network learn, teach it", DESCRIPTION
    )
    model_files.add_to(command)
    data_source.add_to(command, "data set to learn, too")
    command.add_argument(
        "--port", type=arguments.integer(0, 65535), default=0, metavar="N", help="port (default: a free one)"
    )
    command.add_argument("--no-browser", action="store_true", help="only print the address")
    arguments.add_threads(command)


def run(options: argparse.Namespace) -> int:
    require("PIL", "reading images")
    from ..demo import Server, Session  # here: other commands need not wait for it

    if options.threads is not None:
        set_num_threads(options.threads)
    path = model_files.chosen_or_newest(options.model)
    model = serialization.load(path)
    style: Style = "mnist" if predict.style_for(path) == "mnist" else "emnist"
    name, data = os.path.basename(path).removesuffix(".safetensors"), model_files.training_data(path)
    try:
        session = Session(model, name, style, _courses(options), data)
    except ValueError as error:
        raise CheckpointError(f"{path}: {str(error).removeprefix('demo: ')}") from None
    server = Server(session, options.port)
    try:
        say(server.url)
        if not options.no_browser and not _open(server.url):
            note("no browser could be opened: open this address in one")
        note("Ctrl-C ends the demo")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve()
    finally:
        server.close()
    return 0


def _open(url: str) -> bool:
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False


def _courses(options: argparse.Namespace) -> dict[str, Course]:
    from ..demo import Course

    there = {part.dataset for part in datasets.status(options.root) if part.available}
    chosen: list[tuple[str, str | None]] = []
    for known, name in ((_DIGITS, "d4"), (_LETTERS, "hello-dl-letters")):
        chosen += [(data, name) for data in known if data in there][:1]
    if options.data is not None:
        chosen.insert(0, (options.data, None))
    found = {}
    for data, network in chosen:
        title = f"{data_source.short_name(data)}, {network or 'a network that fits'}"
        load = partial(data_source.load, data, options.root, 0, options.on_error)
        found[data] = Course(title, load, partial(_network, data, network), _style(data))
    return found


def _network(data: str, name: str | None, train: ImageDataset, seed: int) -> Module:
    return data_source.model_for(name, data, train, seed)[1]


def _style(data: str) -> Style:
    return "mnist" if data == "mnist" else "emnist"
