"""How the command line tells of an error: one line on stderr."""

from __future__ import annotations

import os
import sys


def describe(error: Exception) -> str:
    """One line about an error; the operating system's are given as `file: reason`."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def fail(text: str) -> None:
    print(f"error: {text}", file=sys.stderr, flush=True)
