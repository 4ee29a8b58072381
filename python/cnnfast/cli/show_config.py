"""`cnnfast show-config`: version, build, instruction set, threads and data."""

from __future__ import annotations

import argparse

from .._config import show_config
from .._json import to_json
from . import arguments
from .errors import say


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    config = arguments.add_command(
        commands,
        "show-config",
        run,
        "show version, build, instruction set, threads and data",
        "Shows what an error report should contain: version, build, instruction set,\nthreads and data.",
    )
    arguments.add_json(config, "it")


def run(options: argparse.Namespace) -> int:
    config = show_config()
    say(to_json(config.to_dict()) if options.json else config)
    return 0
