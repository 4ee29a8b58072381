"""Entry point of the command line: reads the arguments, runs the subcommand, turns failures into one line.

Exit codes: 0 good, 1 the work failed or was interrupted (Ctrl-C, SIGTERM, SIGHUP), 2 wrong usage.
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
from . import arguments, bench, data, evaluate, models, predict, show_config, train
from .errors import describe, fail, finish, note

EXAMPLES = {
    "cnnfast train": "train on built-in synthetic letters, under a minute",
    "cnnfast predict letter.png": "read an image of a letter with the newest model here",
    "cnnfast data": "which data sets are here, and how to get others",
}
EPILOG = """\
start here:
{examples}

`cnnfast COMMAND --help` explains a command. CNNFAST_DATA names the folder of the data sets.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The words after `cnnfast`; None takes those of the process.

    Returns:
        The exit code: 0 good, 1 the work failed, 2 wrong usage.

    Example:
        >>> main(["data", "download", "glyphs"])
        2
    """
    _make_streams_tolerant()
    code = _run(argv)
    return code if finish() else code or 1


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = parser().parse_args(argv)
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
        return 1  # the reader has left (`cnnfast models | head -1`): nobody to tell
    except (CnnfastError, OSError) as error:
        if arguments.debug:
            raise
        fail(describe(error))
        return 1
    except KeyboardInterrupt:
        fail("interrupted")
        return 1


def _show_warning(message: Warning | str, *place: object) -> None:
    """A line of its own, without the place in the program."""
    note(f"warning: {message}")


def parser() -> argparse.ArgumentParser:
    """The grammar of the whole command line."""
    top = arguments.Parser(
        prog="cnnfast",
        description="Train convolutional networks on this computer's processor, and read images with them.",
        epilog=EPILOG.format(examples=_terminal.listed(EXAMPLES.items(), "  ")),
        formatter_class=arguments.HelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"cnnfast {__version__}")
    top.add_argument("--debug", action="store_true", help="show where in the program an error arose")
    top.set_defaults(run=None)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for command in (train, evaluate, predict, models, data, show_config, bench):
        command.register(commands)
    return top


def _make_streams_tolerant() -> None:
    """A file name or class name the terminal cannot show must not stop the work."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
