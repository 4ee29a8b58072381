"""Standard error for progress output: lines, and progress bars of the package rich."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .errors import require

if TYPE_CHECKING:
    import rich.console


class Stderr:
    """The current `sys.stderr`, which may be None, closed, not a real file, or a broken pipe. Output that
    cannot be written is dropped instead of raising.
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
    """Console for progress bars. The cursor stays visible, as a killed process could not restore it."""
    made = require("rich.console", "a progress bar").Console(file=Stderr())
    made.show_cursor = lambda show=True: False
    drawn_on: rich.console.Console = made
    return drawn_on
