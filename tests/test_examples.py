"""The scripts in examples/ run to their end, compare what they say, and would notice a difference."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="the tests run without a checkout: no examples")


def run(name: str, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """The script's names, and what it printed."""
    names = runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return names, capsys.readouterr().out


def test_every_example_is_run() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in text] == []


def test_layers_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    names, printed = run("layers_by_hand.py", capsys)
    last = printed.splitlines()[-1]
    assert re.fullmatch(r"\d+ arrays by hand, all equal to the library's", last)
    assert int(last.split()[0]) > 80
    cells = (EXAMPLES / "layers_by_hand.py").read_text(encoding="utf-8").count("\n# %%")
    sections = [line for line in printed.splitlines()[:-1] if not line.startswith(" ")]
    assert len(sections) == cells - 1  # all but the first compare something

    for other in ([np.full(3, 1 + 1e-9)], [np.ones(4)], []):
        with pytest.raises(AssertionError):
            names["same"]("no such thing", [np.ones(3)], other)


@pytest.mark.parametrize("digits", [True, False], ids=["MNIST", "glyphs"])
def test_one_digit(
    digits: bool,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """With MNIST where it is, and with letters that need no file."""
    root = request.getfixturevalue("data_root") if digits else tmp_path
    monkeypatch.setenv("CNNFAST_DATA", str(root))
    names, printed = run("one_digit.py", capsys)
    assert len(names["test"].classes) == (10 if digits else 26)
    assert printed.splitlines()[-1] == "every value worked out by hand is the library's"
    assert printed.count(", equal\n") == 9

    with pytest.raises(AssertionError):
        names["same"]("no such thing", 1.0, 1.0 + 1e-9)
