"""`cnnfast bench`: how fast this machine trains and runs the networks."""

from __future__ import annotations

import argparse

from . import arguments
from .errors import say, tell

DESCRIPTION = """\
Measures this machine: the peak rate of multiply-adds, and images a second in
training and inference of each network; beside PyTorch, if that is installed,
after checking that both give the same answers.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "bench", run, "measure the speed of this machine", DESCRIPTION)
    command.add_argument(
        "--quick", action="store_true", help="fewer rounds, to see that it works; not to quote"
    )
    command.add_argument(
        "--only",
        type=arguments.pattern,
        metavar="PATTERN",
        help='only rows whose name contains this regular expression, e.g. "train hello-dl-letters batch 64"',
    )
    arguments.add_threads(command)
    command.add_argument("--json", metavar="FILE", help="also write all figures to this file")


def run(options: argparse.Namespace) -> int:
    from .. import benchmark

    hear = say if options.json is None else tell  # the file is worth going on for
    benchmark.run(
        quick=options.quick,
        threads=options.threads,
        only=options.only,
        json_path=options.json,
        write=hear,
    )
    return 0
