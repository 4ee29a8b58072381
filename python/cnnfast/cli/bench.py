"""`cnnfast bench`: measures the speed of training and inference on this machine."""

from __future__ import annotations

import argparse

from . import arguments
from .errors import say, tell

DESCRIPTION = """\
Measures this machine: the peak rate of multiply-adds, and images per second
in training and inference of each network; compared with PyTorch, if that is
installed, after checking that both give the same outputs.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(commands, "bench", run, "measure the speed of this machine", DESCRIPTION)
    command.add_argument(
        "--quick", action="store_true", help="fewer rounds, as a smoke test; do not quote the results"
    )
    command.add_argument(
        "--only",
        type=arguments.pattern,
        metavar="PATTERN",
        help='only rows whose name contains this regular expression, e.g. "train hello-dl-letters batch 64"',
    )
    arguments.add_threads(command)
    command.add_argument("--json", metavar="FILE", help="also write all results to this file")


def run(options: argparse.Namespace) -> int:
    from .. import benchmark

    hear = say if options.json is None else tell  # without a reader, go on if there is a file to write
    benchmark.run(
        quick=options.quick,
        threads=options.threads,
        only=options.only,
        json_path=options.json,
        write=hear,
    )
    return 0
