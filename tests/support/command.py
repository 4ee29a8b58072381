"""Runs the command line in a separate process, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = [sys.executable, "-m", "cnnfast"]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, in a language-neutral terminal of fixed width."""
    return {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", **changes}


def cnnfast(*words: str | Path, cwd: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
    """Runs `cnnfast WORDS`; `changes` are environment variables."""
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
