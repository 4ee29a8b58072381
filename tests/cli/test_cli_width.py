"""What commands print fits terminals of 60, 80 and 120 columns; no line breaks inside a word or a command."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path

import cnnfast as cf
import pytest
from cnnfast.cli import main, models, predict

WIDTHS = (60, 80, 120)


@pytest.fixture(params=WIDTHS)
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "train",
        "evaluate",
        "predict",
        "models",
        "models show",
        "data",
        "data download",
        "explain",
        "demo",
        "plot",
        "plot history",
        "bench",
        "show-config",
    ],
)
def test_help(words: str, columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= columns
    said = text.split()
    assert not [word for word in said if word.endswith("-") and len(word) > 1], "a word broken at its hyphen"
    if words == "":
        for command in ("cnnfast train", "cnnfast predict letter.png", "`cnnfast COMMAND --help`"):
            assert any(command in line for line in text.splitlines()), command


@pytest.mark.parametrize("words", ["models", "models hello-dl-letters", "models d4", "show-config", "data"])
def test_lists(
    words: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNFAST_DATA", "/data")
    assert main(words.split()) == 0
    for line in capsys.readouterr().out.splitlines():
        assert len(line) <= columns or not line[17:].strip().count(" "), "only one long word may stand out"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every data set is a few synthetic letters."""
    parts = [cf.datasets.glyphs(40, seed=0), cf.datasets.glyphs(10, seed=1)]
    monkeypatch.setattr(cf.datasets, "load", lambda name, train, root: parts[0 if train else 1])


@pytest.mark.usefixtures("few")
def test_training_and_evaluation(
    columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--model", "d4", "--epochs", "1", "--validation", "0.2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    command = "cnnfast predict --model cnnfast-glyphs-d4.safetensors letter.png"
    assert lines[-1] == (f"try     {command}" if columns > 60 else command), "a command to copy stays whole"
    assert max(map(len, lines[:-1])) <= columns
    assert main(["evaluate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert any(line.startswith("confusion") for line in lines)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ("train --data minst", "emnist-letters-derived,"),
        ("train --model d5", "`cnnfast models`"),
        ("train --epochs none --trian", "`cnnfast train --help`"),
        ("train --data mnist --root nowhere", "'cnnfast data download mnist',"),
        ("train --schedule plateau --validation 0", "plateau"),
        ("train --resume", "--checkpoint"),
    ],
)
@pytest.mark.usefixtures("columns")
def test_errors_on_a_terminal(
    words: str, whole: str, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are lines of whole words there; into a file each goes as one line."""
    monkeypatch.chdir(tmp_path)
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(words.split()) in (1, 2)
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    assert " ".join(terminal.getvalue().split()) == " ".join(file.getvalue().split())
    assert any(whole in line for line in lines)
    assert sum(line.startswith("error: ") for line in file.getvalue().splitlines()) == 1


def test_a_warning_is_a_line_without_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warn(options: object) -> int:
        warnings.warn("the output is NaN", UserWarning, stacklevel=1)
        return 0

    monkeypatch.setattr(models, "run", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["models"]) == 0
    assert capsys.readouterr().err == "warning: the output is NaN\n"


def test_readings_stand_behind_their_files_or_below() -> None:
    three = ["a  97.1%", "o   1.9%", "d   0.6%"]
    warned = ["several letters: part of a page? (best guess: e  40.5%)"]
    assert predict._lines(["a.png", "letter.png"], [three, three], 60) == [
        "a.png        a  97.1%   o   1.9%   d   0.6%",
        "letter.png   a  97.1%   o   1.9%   d   0.6%",
    ]
    files = ["a/folder/with/a/long/name.png", "b.png"]
    assert predict._lines(files, [three, warned], 60) == [
        "a/folder/with/a/long/name.png\n    a  97.1%   o   1.9%   d   0.6%",
        "b.png\n    several letters: part of a page? (best guess: e  40.5%)",
    ]
    assert predict._lines(files, [warned, three], 30) == [
        "a/folder/with/a/long/name.png\n    several letters: part of a\n    page? (best guess: e\n    40.5%)",
        "b.png\n    a  97.1%   o   1.9%\n    d   0.6%",
    ]
    for line in predict._lines(["a" * 100, "b"], [three, three], None):
        assert line.count("\n") == 0, "a file has a line for each image"
