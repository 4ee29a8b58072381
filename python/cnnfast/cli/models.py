"""`cnnfast models`: the networks, or the layers of one."""

from __future__ import annotations

import argparse

from .. import models
from . import arguments
from .errors import say


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(
        commands,
        "models",
        run,
        "list the networks, or the layers of one",
        "Lists the networks with their parameters and multiply-adds, or the layers of one.",
    )
    command.add_argument(
        "name", nargs="?", type=arguments.one_of(models.list()), metavar="NAME", help=", ".join(models.list())
    )


def run(options: argparse.Namespace) -> int:
    say(models.list() if options.name is None else models.get(options.name, seed=0))
    return 0
