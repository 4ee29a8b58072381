"""`python -m bench --resume`: what a file has is kept, what it lacks or was too busy for is measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cnnfast.benchmark.runner import run_rows
from cnnfast.benchmark.timing import Options, Row

from bench.__main__ import main
from bench.figure import Figure, Remark

NO_PEAK = "row"


def source(busy: float | None, measured: list[str], names: str = "abc") -> Any:
    """A source of rows of two candidates; `busy` is the load of other processes while they ran."""

    def rows(options: Options) -> Iterator[Any]:
        yield Remark("row remark", "not installed")
        for letter in names:
            if options.includes(f"row {letter}"):
                measured.append(letter)
                samples = {"ours": [1.0, 1.0], "theirs": [2.0, 2.0]}
                yield Row(f"row {letter}", 1, "images", samples, busy if letter == "b" else 0.0)
        if options.includes("row figure"):
            measured.append("figure")
            yield Figure("row figure", 1.0, "MB")

    return rows


def run(path: Path, *sources: Any, quick: bool = True) -> list[str]:
    """The names of the rows after a run that goes on."""
    given = Options(quick=quick, only=NO_PEAK)
    result = run_rows(given, sources, path, lambda line: None, (), resume=True)
    assert json.loads(path.read_text())["rows"] == result["rows"]
    return [row["name"].removeprefix("row ") for row in result["rows"]]


def test_rows_are_kept_and_unreliable_ones_repeated(tmp_path: Path) -> None:
    path, measured = tmp_path / "bench.json", []
    assert run(path, source(1.0, measured, "ab")) == ["remark", "a", "b", "figure"]
    assert run(path, source(0.0, measured)) == ["remark", "a", "b", "figure", "c"]
    assert measured == ["a", "b", "figure", "b", "c"]
    assert run(path, source(0.0, measured)) == ["remark", "a", "b", "figure", "c"]
    assert measured == ["a", "b", "figure", "b", "c"]


def test_results_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path, measured = tmp_path / "bench.json", []
    run(path, source(0.0, measured))
    with pytest.raises(ValueError, match=r"bench\.json was measured with quick True, now it is False: "):
        run(path, source(0.0, measured), quick=False)
    changed = json.loads(path.read_text())
    changed["machine"]["cpu"] = "another"
    path.write_text(json.dumps(changed))
    with pytest.raises(ValueError, match=r"bench\.json was measured with cpu another, now it is "):
        run(path, source(0.0, measured))
    for text in ("", "[]", '{"rows": []}', '{"peak": 1, "rows": [], "machine": {}, "options": {}}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"bench\.json: not a result of a benchmark: "):
            run(path, source(0.0, measured))
        assert path.read_text() == text
    assert len(measured) == 4


def test_there_must_be_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--resume"])
    assert "argument --resume: needs --json PATH" in capsys.readouterr().err
