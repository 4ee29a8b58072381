"""Lines that fit the terminal: the one home of its width, and of breaking text and tables at it.

Nothing here breaks a word. What is meant to be copied, such as a command, belongs on a line of its own that
does not pass through here: the terminal itself wraps a line that is too long, and it is still copied as one.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence

#: Columns where there is no terminal: in a file, a pipe, a notebook.
DEFAULT_WIDTH = 80


def width() -> int:
    """Columns of the terminal: ``$COLUMNS`` if that is set, 80 where there is no terminal."""
    return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns


def wrapped(text: str, hanging: str = "") -> str:
    """`text` broken at its spaces; lines after the first are indented by `hanging`."""
    lines = textwrap.wrap(
        text, width(), subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def packed(parts: Iterable[str], hanging: str = "  ", gap: str = "  ") -> str:
    """Parts side by side, as many as fit on a line; none is broken.

    Example:
        >>> packed(["epoch 1/5", "loss 0.1234"])
        'epoch 1/5  loss 0.1234'
    """
    most, lines = width(), [""]
    for part in parts:
        longer = f"{lines[-1]}{gap}{part}" if lines[-1].strip() else f"{lines[-1]}{part}"
        if len(longer) > most and lines[-1].strip():
            lines.append(f"{hanging}{part}")
        else:
            lines[-1] = longer
    return "\n".join(lines)


def aligned(rows: Sequence[Sequence[str]], left: int = 1, gap: int = 2) -> list[str]:
    """The rows of a table as lines: the first `left` columns flush left, the others flush right.

    Columns stand `gap` spaces apart, or one where that makes the table fit.
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
