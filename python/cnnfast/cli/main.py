"""Entry point of the command line: parses the arguments, runs the subcommand, reports errors on one line.

Exit codes: 0 success, 1 failure or interruption (Ctrl-C, SIGTERM, SIGHUP), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import io
import sys
import warnings
from collections.abc import Sequence

from .. import _terminal
from .._core import __version__, build_info
from ..errors import CnnfastError
from ..training.interrupt import ends_like_ctrl_c
from . import (
    arguments,
    bench,
    data,
    demo,
    evaluate,
    explain,
    models,
    plot,
    predict,
    read,
    recipes,
    report,
    show_config,
    train,
)
from .errors import describe, fail, finish, note

EXAMPLES = {
    "cnnfast train": "train on built-in synthetic letters, under a minute",
    "cnnfast predict letter.png": "classify an image of a letter with the newest model here",
    "cnnfast demo": "draw letters and see every layer, watch a network learn",
    "cnnfast data": "which data sets are present, and how to download others",
}
EPILOG = """\
start here:
{examples}

`cnnfast COMMAND --help` explains a command. CNNFAST_DATA names the folder of the data sets.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The arguments after `cnnfast`; None uses `sys.argv`.

    Returns:
        The exit code: 0 success, 1 failure, 2 wrong usage.

    Example:
        >>> main(["data", "download", "glyphs"])
        2
    """
    _make_streams_tolerant()
    code = _run(argv)
    return code if finish() else code or 1


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parsed(sys.argv[1:] if argv is None else argv)
    except SystemExit as exit:  # argparse has written its message
        return exit.code if isinstance(exit.code, int) else 2
    if arguments.run is None:
        parser().print_help(sys.stderr)
        return 2
    try:
        build_info()
    except ValueError as error:  # CNNFAST_ISA
        fail(describe(error))
        return 2
    try:
        with ends_like_ctrl_c(), warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            code: int = arguments.run(arguments)
        return code
    except BrokenPipeError:
        return 1  # closed pipe (`cnnfast models | head -1`)
    except (CnnfastError, OSError) as error:
        if arguments.debug:
            raise
        fail(describe(error))
        return 1
    except KeyboardInterrupt:
        fail("interrupted")
        return 1


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    options = parser().parse_args(argv)
    recipe = getattr(options, "recipe", None)
    return options if recipe is None else parser().parse_args(recipes.expanded(argv, recipe))


def _show_warning(message: Warning | str, *place: object) -> None:
    """Print a warning on one line, without its location in the source."""
    note(f"warning: {message}")


def parser() -> argparse.ArgumentParser:
    """The argument parser of all subcommands."""
    top = arguments.Parser(
        prog="cnnfast",
        description="Train convolutional networks on the CPU, and classify images with them.",
        epilog=EPILOG.format(examples=_terminal.listed(EXAMPLES.items(), "  ")),
        formatter_class=arguments.HelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"cnnfast {__version__}")
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    top.set_defaults(run=None)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for command in (
        train,
        evaluate,
        report,
        predict,
        read,
        explain,
        demo,
        models,
        plot,
        data,
        show_config,
        bench,
    ):
        command.register(commands)
    return top


def _make_streams_tolerant() -> None:
    """Replace characters that the terminal cannot encode, instead of failing on a file or class name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
