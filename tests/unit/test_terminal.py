"""Text laid out for a terminal: its width has one home, and no word is broken."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest
from cnnfast import _terminal


def test_the_width_is_80_where_there_is_no_terminal(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", None)
    assert _terminal.width() == 80


@pytest.mark.parametrize(("said", "width"), [("60", 60), ("120", 120), ("nonsense", 80), ("0", 80)])
def test_the_environment_names_the_width(monkeypatch, said, width):
    monkeypatch.setenv("COLUMNS", said)
    monkeypatch.setattr(sys, "__stdout__", None)
    assert _terminal.width() == width


def test_the_width_is_that_of_the_terminal():
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 61, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    code = "import sys; from cnnfast import _terminal; print(_terminal.width(), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        stdout=follower,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    os.close(leader)
    os.close(follower)
    assert done.stderr == "61\n"


def test_wrapping_breaks_at_spaces_only(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    path = "/a/path/that-is/longer/than-the-line.png"
    assert _terminal.wrapped(f"see {path} and write-protect it", "  ").splitlines() == [
        "see",
        f"  {path}",
        "  and write-protect",
        "  it",
    ]


def test_packing_breaks_no_part(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    assert _terminal.packed(["loss 0.1234", "accuracy 50.00 %", "1.0 s"]).splitlines() == [
        "loss 0.1234",
        "  accuracy 50.00 %",
        "  1.0 s",
    ]
    assert _terminal.packed(["a part that is longer than a line", "b"]).splitlines() == [
        "a part that is longer than a line",
        "  b",
    ]


def test_columns_move_together_where_that_makes_them_fit(monkeypatch):
    rows = [["name", "n"], ["conv", "1,000"]]
    assert _terminal.aligned(rows) == ["name      n", "conv  1,000"]
    monkeypatch.setenv("COLUMNS", "10")
    assert _terminal.aligned(rows) == ["name     n", "conv 1,000"]
    assert _terminal.aligned(rows, left=2) == ["name n", "conv 1,000"]


def test_wrapping_breaks_no_command_in_quotes():
    text = (
        "no model here: name one, or make one with `cnnfast train --data mnist` or "
        "'cnnfast data download mnist'"
    )
    assert _terminal.wrapped(text, "  ", 32).splitlines() == [
        "no model here: name one, or make",
        "  one with",
        "  `cnnfast train --data mnist`",
        "  or",
        "  'cnnfast data download mnist'",
    ]


def test_a_list_of_names_with_texts(monkeypatch):
    pairs = [("cnnfast train", "train on built-in letters"), ("cnnfast data", "which data sets are here")]
    monkeypatch.setenv("COLUMNS", "80")
    assert _terminal.listed(pairs, "  ").splitlines() == [
        "  cnnfast train  train on built-in letters",
        "  cnnfast data   which data sets are here",
    ]
    monkeypatch.setenv("COLUMNS", "41")
    assert _terminal.listed(pairs, "  ").splitlines() == [
        "  cnnfast train  train on built-in",
        "                 letters",
        "  cnnfast data   which data sets are here",
    ]
    monkeypatch.setenv("COLUMNS", "30")
    assert _terminal.listed([*pairs, ("empty", "")], "  ").splitlines() == [
        "  cnnfast train",
        "      train on built-in",
        "      letters",
        "  cnnfast data",
        "      which data sets are here",
        "  empty",
    ]
