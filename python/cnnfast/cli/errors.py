"""What the command line says: text on stdout, errors and notes of one line on stderr.

Nothing that is said can command the terminal: names of files and of classes come from elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from .. import _terminal
from .._files import naming
from .._stderr import Stderr
from .._text import printable, redacted


def say(text: object) -> None:
    """A line, or several, on stdout.

    Raises:
        OSError: Nobody reads them (`cnnfast models | head -1`), or the disk is full; what is said from then
            on is dropped.
    """
    _write(sys.stdout, printable(str(text), keep="\n\t"))


def tell(text: object) -> None:
    """As `say`, from work that goes on without a reader."""
    with contextlib.suppress(OSError):
        say(text)


def fail(text: str) -> None:
    note(f"error: {text}")


def note(text: str) -> None:
    """One line on stderr, on a terminal wrapped at spaces; dropped if nobody reads it."""
    line = printable(redacted(text))
    if Stderr().isatty():
        line = _terminal.wrapped(line, "  ", _terminal.width(sys.stderr))
    with contextlib.suppress(OSError):
        _write(sys.stderr, line)


def describe(error: Exception) -> str:
    """One line about an error; the operating system's are given as `file: reason`."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def finish() -> bool:
    """Drops what a stream holds and cannot give to anybody, or Python would complain at exit.

    Returns:
        Whether all output has arrived.
    """
    arrived = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):  # ValueError: closed
            _abandon(stream)
            arrived = arrived and stream is not sys.stdout
    return arrived


def _write(stream: TextIO | None, line: str) -> None:
    if stream is None:  # closed by whoever started us
        return
    try:
        with naming("standard output"):
            print(line, file=stream, flush=True)
    except OSError:
        _abandon(stream)
        raise


def _abandon(stream: TextIO) -> None:
    """The stream goes nowhere from here on: Python would complain on closing what cannot be written."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: not a file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
