"""What `fit` shows: a bar on a terminal, lines elsewhere, nothing if so asked; always on stderr."""

from __future__ import annotations

import io
import re
import sys

import numpy as np
import pytest
from cnnfast import nn
from cnnfast.errors import MissingDependencyError
from cnnfast.training import progress
from cnnfast.training.fit import fit
from cnnfast.training.history import EpochRecord
from cnnfast.training.progress import Bar, Lines, Progress, display_for

from tests.support.refusal import refused


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def train(setting: object, epochs: int = 2) -> None:
    x, y = np.zeros((20, 4), np.float32), np.arange(20) % 2
    fit(nn.Linear(4, 2, seed=0), (x, y), epochs, validation=(x, y), progress=setting)


def test_plain_lines_where_there_is_no_terminal(capsys):
    train("auto")
    captured = capsys.readouterr()
    assert captured.out == ""
    number = r"[\d,]+(\.\d+)?"
    line = (
        rf"epoch %d/2  loss {number}  accuracy {number}%%  validation loss {number}  "
        rf"validation accuracy {number}%%  {number} images/s  {number} s"
    )
    assert re.fullmatch(rf"{line % 1}  \d+:\d\d left\n{line % 2}\n", captured.err)


class Closed(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.close()


class WithoutReader(io.StringIO):
    """A terminal that is gone, or a pipe whose other end is closed."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error, self.asked = error, 0

    def isatty(self) -> bool:
        return isinstance(self.error, BrokenPipeError)

    def write(self, text: str) -> int:
        self.asked += 1
        raise self.error


class Bare:
    """What some editors and servers put in place of a stream."""

    def write(self, text: str) -> None:
        pass


@pytest.mark.parametrize("setting", ["auto", True])
@pytest.mark.parametrize(
    "stream",
    [
        None,
        object(),
        Bare(),
        Closed(),
        WithoutReader(BrokenPipeError(32, "Broken pipe")),
        WithoutReader(OSError(5, "Input/output error")),
    ],
    ids=["none", "object", "bare", "closed", "broken pipe", "closed terminal"],
)
def test_training_needs_no_stderr(stream, setting, monkeypatch, tmp_path):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_REDRAW", 0.0)
    x, y = np.zeros((20, 4), np.float32), np.arange(20) % 2
    history = fit(nn.Linear(4, 2, seed=0), (x, y), 2, progress=setting)
    assert (history.stopped, len(history.epochs)) == ("finished", 2)
    if isinstance(stream, WithoutReader):
        assert stream.asked > 0


def test_nothing(capsys):
    train(False)
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_REDRAW", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "150")
    train("auto")
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    for piece in ("epoch 1/2", "epoch 2/2", "100%", "loss 0.", "accuracy ", " images/s", ":00 left"):
        assert piece in text
    assert "validation accuracy" in text
    assert "\x1b[?25l" not in terminal.getvalue()  # a process that is killed could not show the cursor again


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_bar_fits_the_terminal_and_is_taken_away_in_the_end(monkeypatch, columns):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "_REDRAW", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    train(True, epochs=10)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    drawn = [line for line in re.split(r"[\r\n]", text) if line.strip()]
    assert max(map(len, drawn)) <= columns
    bars = [line for line in drawn if "━" in line]
    assert all(re.match(r"epoch +\d+/10 ", line) and "…" not in line for line in bars)
    assert any(":00 left  loss " in line for line in bars)
    erase = "\x1b[2K"
    assert erase in terminal.getvalue().rpartition("━")[2], "the bar is gone"
    assert " ".join(text.split()).count("validation accuracy") == 10


def test_lines_without_rich_fit_the_terminal_too(monkeypatch):
    monkeypatch.setattr(progress, "_has_rich", lambda: False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "60")
    train("auto")
    lines = sys.stderr.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert sum(line.startswith("epoch ") for line in lines) == 2


def test_kinds(monkeypatch):
    assert type(display_for(False, 1, 1)) is Progress
    assert type(display_for("auto", 1, 1)) is Lines
    assert type(display_for(True, 1, 1)) is Bar
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert type(display_for("auto", 1, 1)) is Bar


def test_without_rich_there_are_lines_and_asking_for_the_bar_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert type(display_for("auto", 1, 1)) is Lines
    with refused(MissingDependencyError, 'a progress bar needs the package rich: pip install "cnnfast[cli]"'):
        display_for(True, 1, 1)


def test_time_left(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    display = Lines(4, 100)
    with display:
        now[0] = 10.0
        assert display._left(1, 50) == "1:10"  # 50 of 400 images took 10 s
        assert display._left(4, 100) == "0:00"
        now[0] = 3600.0
        assert display._left(2, 100) == "1:00:00"


def test_the_last_line_has_no_time_left(capsys):
    with Lines(1, 10) as display:
        display.batch(1, 10, 5.0, 5)
        display.epoch(EpochRecord(1, 0.5, 0.5, None, None, 1.0, 10.0))
    assert capsys.readouterr().err == "epoch 1/1  loss 0.5000  accuracy 50.00%  10 images/s  1.0 s\n"


def test_time_left_of_a_resumed_training_and_of_a_limited_one(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    with Lines(4, 100) as display:
        display.resume(2, 50, 0.0)
        now[0] = 10.0
        assert display._left(3, 50) == "0:15"  # 100 images took 10 s, 150 are left
    now[0] = 0.0
    with Lines(None, 100, 60.0) as display:
        display.resume(2, 0, 20.0)
        now[0] = 10.0
        assert display._left(5, 50) == "0:30"
        assert display._fraction(5, 50) == 0.5
        now[0] = 50.0
        assert display._left(9, 50) == "0:00"
    now[0] = 0.0
    with Lines(2, 100, 60.0) as display:
        now[0] = 10.0
        assert display._left(1, 100) == "0:10", "the epochs end first"


def test_epochs_without_a_number_planned(capsys):
    with Lines(None, 10, 60.0) as display:
        display.batch(1, 10, 5.0, 5)
        display.epoch(EpochRecord(1, 0.5, 0.5, None, None, 1.0, 10.0))
    line = "epoch 1  loss 0.5000  accuracy 50.00%  10 images/s  1.0 s  1:00 left\n"
    assert capsys.readouterr().err == line
