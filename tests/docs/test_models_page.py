"""The tables of docs/models.md are those that tools/generate_models.py makes from the library."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from cnnfast import models

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "generate_models.py"
PAGE = ROOT / "docs" / "models.md"

pytestmark = pytest.mark.skipif(
    not TOOL.exists(), reason="the tests run without a checkout: no tools, no docs"
)


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


@pytest.mark.slow
def test_tables_are_generated(tool: dict[str, Any]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert tool["replaced"](text, tool["sections"]()) == text, "run tools/generate_models.py"


def test_every_network_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in models.list() if f"| `{name}` |" not in text] == []


def test_costs_of_a_network(tool: dict[str, Any]) -> None:
    assert list(tool["costs"]([models.info("d4")])) == [
        "| network | year | input | outputs | parameters | MACs | memory | test accuracy |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
        "| `d4` |  | 1x28x28 | 10 | 52,138 | 333 k | 239 kB | 99.03 % of MNIST |",
    ]
    assert next(tool["costs"]([models.info("mlp")])).endswith("| memory |")


def test_stages_of_a_network(tool: dict[str, Any]) -> None:
    assert list(tool["stages"]("d4"))[2:] == [
        "| 28x28 | 6.27 k (53%) | 80 (0%) | 56.4 k (17%) |",
        "| 14x14 | 4.70 k (40%) | 1.17 k (2%) | 226 k (68%) |",
        "| 7x7 | 784 (7%) | 0 (0%) | 0 (0%) |",
        "| fully connected | 74 (1%) | 50.9 k (98%) | 50.8 k (15%) |",
        "| all | 11.8 k (100%) | 52.1 k (100%) | 333 k (100%) |",
    ]


def test_a_page_without_the_marks_is_refused(tool: dict[str, Any]) -> None:
    assert (
        tool["replaced"]("<!-- a -->\nold\n<!-- end -->", {"a": ["new"]}) == "<!-- a -->\nnew\n<!-- end -->"
    )
    with pytest.raises(ValueError, match=r"has 0 parts <!-- a -->, expected 1$"):
        tool["replaced"]("no marks", {"a": ["new"]})


@pytest.mark.slow
def test_plot(tool: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    tool["plot"](tmp_path / "models.png")
    assert (tmp_path / "models.png").read_bytes().startswith(b"\x89PNG")
