"""Output of the command line: text on stdout, errors and notes of one line each on stderr.

Control characters are removed from all output, since names of files and classes are untrusted.
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
    """Print one or more lines on stdout.

    Raises:
        OSError: The pipe is closed (`cnnfast models | head -1`), or the disk is full; all further output is
            dropped.
    """
    _write(sys.stdout, printable(str(text), keep="\n\t"))


def tell(text: object) -> None:
    """As `say`, but ignores a closed pipe, for work that goes on without a reader."""
    with contextlib.suppress(OSError):
        say(text)


def fail(text: str) -> None:
    note(f"error: {text}")


def note(text: str) -> None:
    """Print one line on stderr, wrapped at spaces on a terminal; dropped if stderr is closed."""
    line = printable(redacted(text))
    if Stderr().isatty():
        line = _terminal.wrapped(line, "  ", _terminal.width(sys.stderr))
    with contextlib.suppress(OSError):
        _write(sys.stderr, line)


def describe(error: Exception) -> str:
    """The error message on one line, with options as on the command line; errors of the operating system as
    `file: reason`.
    """
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return " ".join(str(error).split()).replace('on_error="skip"', "--on-error skip") or type(error).__name__


def finish() -> bool:
    """Flush the streams and discard what cannot be written, or Python would complain at exit.

    Returns:
        Whether all output was written.
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
    if stream is None:  # closed by the parent process
        return
    try:
        with naming("standard output"):
            print(line, file=stream, flush=True)
    except OSError:
        _abandon(stream)
        raise


def _abandon(stream: TextIO) -> None:
    """Redirect the stream to the null device: Python would complain about unwritable data on closing it."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: not a file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
