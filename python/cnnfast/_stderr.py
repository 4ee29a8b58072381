"""Standard error, for what is shown while work goes on: lines, and bars of the package rich."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .errors import require

if TYPE_CHECKING:
    import rich.console


class Stderr:
    """Standard error as it is now: perhaps missing, closed, not quite a file, or without a reader. What
    cannot be shown is dropped, so that no work ends for it.
    """

    def __init__(self) -> None:
        self._stream: Any = sys.stderr
        self.encoding: str = getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        self._try("flush")

    def isatty(self) -> bool:
        return bool(self._try("isatty"))

    def fileno(self) -> int:
        number: int = self._stream.fileno()
        return number

    def _try(self, name: str, *arguments: str) -> Any:
        try:
            return getattr(self._stream, name)(*arguments)
        except (AttributeError, OSError, ValueError):  # ValueError: closed
            return None


def console() -> rich.console.Console:
    """What bars are drawn on. The cursor stays visible: a process that is killed could not bring it back."""
    made = require("rich.console", "a progress bar").Console(file=Stderr())
    made.show_cursor = lambda show=True: False
    drawn_on: rich.console.Console = made
    return drawn_on
