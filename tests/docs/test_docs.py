"""What README and docs/ show works: python blocks run, commands parse, links lead on; so do docstrings."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from cnnfast.cli.main import parser

from tests.support.marks import quick_only

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if page.exists()]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
#: Pages whose blocks run for more than a second.
LONG = ("docs/one-digit.md", "docs/plots.md", "docs/report.md", "docs/training.md")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(not PAGES, reason="the tests run without a checkout: no README, no docs")


def blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each fenced block of that language."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        if match[1] == language:
            yield text.count("\n", 0, match.start(2)) + 1, match[2]


def commands(page: Path) -> list[str]:
    """The `cnnfast …` commands of a page, in shell blocks and in running text; not those with a gap."""
    text = page.read_text(encoding="utf-8")
    lines = [line for _, block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(r"`(cnnfast [^`]*)`", FENCE.sub("", text))
    found = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in found if part.startswith("cnnfast ") and not re.search(r"…|\b[A-Z]{3,}\b", part)]


@pytest.mark.parametrize("name", quick_only(NAMES, [name for name in NAMES if name not in LONG]))
def test_python_blocks_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run one after the other, as a reader would type them."""
    page = ROOT / name
    if page.name == "read.md":
        pytest.importorskip("scipy", reason="scipy is not installed")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for line, block in blocks(page, "python"):
        code = compile("\n" * (line - 1) + block, str(page), "exec")
        exec(code, names)
    assert names["__name__"] == "__main__"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_parse(page: Path) -> None:
    for command in commands(page):
        words = shlex.split(command, comments=True)[1:]
        if "--help" not in words:
            assert parser().parse_args(words).run is not None, command


def test_the_readme_shows_commands() -> None:
    assert len(commands(ROOT / "README.md")) >= 5


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readme_shows_the_chart_and_an_example() -> None:
    images = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert images == ["docs/images/throughput.svg", "docs/images/letters.png"]
    assert [image for image in images if not (ROOT / image).is_file()] == []


def subcommands(top: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield command
                yield from subcommands(command)


def test_every_command_and_option_is_documented() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in subcommands(parser()):
        assert command.prog in text, command.prog
        for action in command._actions:
            for option in action.option_strings:
                assert option in text or option in ("-h", "--help"), f"{command.prog} {option}"
