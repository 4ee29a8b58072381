"""What commands print fits terminals of 60, 80 and 120 columns; no line breaks inside a word or a command."""

from __future__ import annotations

import pytest
from cnnfast.cli import main

WIDTHS = (60, 80, 120)


@pytest.fixture(params=WIDTHS)
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


@pytest.mark.parametrize(
    "words",
    ["", "train", "evaluate", "predict", "models", "data", "data download", "bench", "show-config"],
)
def test_help(words: str, columns: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= columns
    said = text.split()
    assert not [word for word in said if word.endswith("-") and len(word) > 1], "a word broken at its hyphen"
    if words == "":
        for command in ("cnnfast train", "cnnfast predict picture.png", "`cnnfast COMMAND --help`"):
            assert any(command in line for line in text.splitlines()), command


@pytest.mark.parametrize("words", ["models", "models hello-dl-letters", "models d4", "show-config", "data"])
def test_lists(
    words: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNFAST_DATA", "/data")
    assert main(words.split()) == 0
    for line in capsys.readouterr().out.splitlines():
        assert len(line) <= columns or not line[17:].strip().count(" "), "only one long word may stand out"
