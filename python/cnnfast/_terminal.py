"""The width of the terminal, and wrapping of text and tables to it.

Words are never broken. Text to be copied, such as a command, should be printed on its own line without
wrapping: if the terminal wraps a long line, it is still copied as one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from typing import TextIO

#: Columns without a terminal: in a file, a pipe, a notebook.
DEFAULT_WIDTH = 80
#: Minimum columns of a text beside something else.
_LEAST_ROOM = 24

_COMMAND = re.compile(r"`[^`\n]+`|'cnnfast [^'\n]+'")
#: Replaces a space at which lines must not break.
_NO_BREAK = "\N{NO-BREAK SPACE}"


def width(stream: TextIO | None = None) -> int:
    """Columns of the terminal of standard output or another stream: ``$COLUMNS`` if that is set, 80 without a
    terminal.
    """
    columns = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    if stream is not None and not os.environ.get("COLUMNS"):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # no file, closed, no terminal
            return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
        return DEFAULT_WIDTH
    return columns


def with_command(text: str, command: str) -> str:
    """`text` and a command to copy: on one line, or the command alone on the next line if that is too long.

    Example:
        >>> with_command("try", "cnnfast data")
        'try cnnfast data'
    """
    beside = f"{text} {command}"
    return beside if len(beside) <= width() else f"{text.rstrip()}\n{command}"


def wrapped(text: str, hanging: str = "", room: int | None = None) -> str:
    """`text` wrapped at its spaces, but not at those of a command in backquotes; lines after the first are
    indented by `hanging`.

    Args:
        room: Columns to use; None uses the terminal's.

    Example:
        >>> print(wrapped("no such file; make one with `cnnfast train --out a.safetensors`", "  ", 45))
        no such file; make one with
          `cnnfast train --out a.safetensors`
    """
    whole = _COMMAND.sub(lambda command: command.group().replace(" ", _NO_BREAK), text)
    lines = textwrap.wrap(
        whole,
        max(width() if room is None else room, 1),
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_NO_BREAK, " ")


def listed(pairs: Iterable[tuple[str, str]], indent: str = "") -> str:
    """Names and texts in two columns; a text is below its name if its column would be too narrow.

    Example:
        >>> print(listed([("threads", "2 of 2"), ("folder", "/data")]))
        threads  2 of 2
        folder   /data
    """
    entries = list(pairs)
    column = len(indent) + max(len(name) for name, _ in entries) + 2
    below = width() - column < _LEAST_ROOM
    lines = []
    for name, text in entries:
        if below:
            hanging = f"{indent}    "
            lines += [f"{indent}{name}", hanging + wrapped(text, room=width() - len(hanging))]
        else:
            hanging = " " * column
            lines.append(f"{indent}{name}".ljust(column) + wrapped(text, room=width() - column))
        lines[-1] = lines[-1].replace("\n", f"\n{hanging}").rstrip()
    return "\n".join(lines)


def packed(parts: Iterable[str], hanging: str = "  ", gap: str = "  ", room: int | None = None) -> str:
    """Parts joined by `gap`, as many as fit on each line; no part is broken.

    Args:
        room: Columns to use; None uses the terminal's.

    Example:
        >>> packed(["epoch 1/5", "loss 0.1234"])
        'epoch 1/5  loss 0.1234'
    """
    most, lines = width() if room is None else room, [""]
    for part in parts:
        longer = f"{lines[-1]}{gap}{part}" if lines[-1].strip() else f"{lines[-1]}{part}"
        if len(longer) > most and lines[-1].strip():
            lines.append(f"{hanging}{part}")
        else:
            lines[-1] = longer
    return "\n".join(lines)


def aligned(rows: Sequence[Sequence[str]], left: int = 1, gap: int = 2) -> list[str]:
    """The rows of a table as lines: the first `left` columns left-aligned, the others right-aligned.

    Columns are `gap` spaces apart, or one if that makes the table fit.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + gap * (len(widths) - 1) > width():
        gap = 1
    return [
        (" " * gap)
        .join(
            cell.ljust(size) if column < left else cell.rjust(size)
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
        )
        .rstrip()
        for row in rows
    ]
