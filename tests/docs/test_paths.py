"""Paths that the pages name in backticks exist in the source tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [page for page in (*(ROOT / name for name in TOP), *sorted(ROOT.glob("docs/*.md"))) if page.exists()]

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
#: A path without wildcards and placeholders.
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/?)`")
SOURCES = (".py", ".pyi", ".cpp", ".hpp", ".cmake")
#: Folders that a build makes.
GENERATED = {"build", "dist"}

pytestmark = pytest.mark.skipif(not PAGES, reason="the tests run without a checkout: no README, no docs")


@pytest.fixture(scope="module")
def source_paths() -> list[str]:
    """All source files of the checkout, each with a slash before it."""
    folders = ("bench", "cmake", "csrc", "examples", "python", "tests", "tools")
    files = (file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in SOURCES)
    return [f"/{file.relative_to(ROOT).as_posix()}" for file in files]


def missing(text: str, source_paths: list[str]) -> list[str]:
    """The paths in backticks that do not exist: from the top folder, or the end of a source file's path."""
    found = []
    for path in PATH.findall(FENCE.sub("", text)):
        top, slash, _ = path.partition("/")
        if slash and top in GENERATED:
            continue
        if slash and (ROOT / top).is_dir():
            exists = (ROOT / path).exists()
        else:
            exists = not path.endswith(SOURCES) or any(source.endswith(f"/{path}") for source in source_paths)
        if not exists:
            found.append(path)
    return found


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_named_paths_exist(page: Path, source_paths: list[str]) -> None:
    assert missing(page.read_text(encoding="utf-8"), source_paths) == []


@pytest.mark.parametrize("path", ["csrc/no_such_folder/", "python/cnnfast/no_such.py", "no_such.hpp"])
def test_a_path_that_does_not_exist_is_found(path: str, source_paths: list[str]) -> None:
    assert missing(f"`{path}`, `csrc/ops/`, `test_paths.py`, `build/x.cpp`", source_paths) == [path]
