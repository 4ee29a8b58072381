"""Runs the command line: in a separate process, as a user does, or in this one."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from cnnfast import _core
from cnnfast.cli import main

PROGRAM = [sys.executable, "-m", "cnnfast"]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment, in a language-neutral terminal of fixed width."""
    return {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", **changes}


def cnnfast(*words: str | Path, cwd: Path | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
    """Runs `cnnfast WORDS` in this process, which takes none of the third of a second that another needs to
    start; `changes` are environment variables.
    """
    before, threads = Path.cwd(), _core.get_num_threads()
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment(**changes)),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            os.chdir(cwd or before)
            code = main([str(word) for word in words])
        finally:
            os.chdir(before)
            _core.set_num_threads(threads)
    return subprocess.CompletedProcess(words, code, stdout.getvalue(), stderr.getvalue())


def cnnfast_process(
    *words: str | Path, cwd: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Runs `cnnfast WORDS` as a user does; `changes` are environment variables."""
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def error_of(capsys: pytest.CaptureFixture[str], *words: str, code: int = 1) -> str:
    """Runs a command that must fail; the last line on stderr, without what names the program."""
    assert main(words) == code
    lines = capsys.readouterr().err.splitlines()
    if code == 1:
        assert len(lines) == 1, lines
        return lines[0].removeprefix("error: ")
    assert len(lines) == 2, lines
    assert lines[1].startswith("see `cnnfast ")
    return lines[0].removeprefix("error: ")
