"""Every keyword that a page promises is an argument of what it is promised for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cnnfast
import pytest
from cnnfast import functional, losses, nn, optim

from tests.docs.test_docs import FENCE, NAMES, PAGES

#: Where a name on a page is looked up, in this order.
#: `layer(x, ...)` is any layer or model, called.
CALLED = {"layer": nn.Module.__call__, "model": nn.Module.__call__, "save": nn.Module.save}
PREFIXES = {"F": functional, "cf": cnnfast}
SCOPES = (CALLED, PREFIXES, *map(vars, (cnnfast, functional, nn, losses, optim)))
#: Keywords of others, by page: PyTorch's, and those of our own tests.
FOREIGN = {
    "docs/catalog.md": {"cycle_momentum"},
    "docs/composing.md": {"dim", "strict"},
    "docs/operations.md": {"jacobian"},
    "docs/training.md": {"cycle_momentum"},
}
SPAN = re.compile(r"`([^`]+)`")
KEYWORD = re.compile(r"(\w+)=(?!=)")
CALL = re.compile(r"^([\w.]+)\(([^()]*)\)$")
PLAIN = re.compile(r"^(\w+)=[^=]*$")

pytestmark = pytest.mark.skipif(not PAGES, reason="the tests run without a checkout: no README, no docs")


def resolve(path: str) -> Callable[..., Any] | None:
    """`nn.Conv2d`, `F.conv2d` or `fit` as what it names; None for what is none of ours."""
    first, *rest = path.split(".")
    for scope in SCOPES:
        found = scope.get(first)
        for part in rest:
            found = getattr(found, part, None)
        if callable(found):
            return found
    return None


def takes(function: Callable[..., Any], keyword: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # of the engine, whose signatures stand in the documentation of __init__
        return re.search(rf"\b{keyword}:", function.__init__.__doc__ or "") is not None
    return keyword in parameters


def lines(page: Path) -> Iterator[tuple[int, str]]:
    """The lines outside of blocks of code, numbered."""
    text = FENCE.sub(lambda block: "\n" * block[0].count("\n"), page.read_text(encoding="utf-8"))
    return enumerate(text.splitlines(), 1)


def promises(line: str) -> Iterator[tuple[str, str]]:
    """(name, keyword) of each promise of a line; an empty name where anything may be meant."""
    cells = line.split(" | ") if line.startswith("| `") else [line]
    for cell in cells:
        for span in SPAN.finditer(cell):
            call, plain = CALL.match(span[1]), PLAIN.match(span[1])
            if call:
                yield from ((call[1], keyword) for keyword in KEYWORD.findall(call[2]))
            elif plain:
                owners = re.match(r" of ((?:`[\w.]+`(?:, | and )?)+)", cell[span.end() :])
                named = SPAN.findall(owners[1] if owners else cells[0]) if owners or len(cells) > 1 else [""]
                yield from ((name, plain[1]) for name in named)


def everything() -> list[Callable[..., Any]]:
    modules = (cnnfast, functional, nn, losses, optim, optim.lr_scheduler, cnnfast.datasets, cnnfast.plot)
    owners = (*modules, nn.Module, cnnfast.Trainer)
    public = [one for owner in owners for name, one in inspect.getmembers(owner) if not name.startswith("_")]
    return [one for one in public if callable(one)]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_promised_keyword_is_there(page: Path) -> None:
    public, foreign = everything(), FOREIGN.get(NAMES[PAGES.index(page)], set())
    missing = []
    for number, line in lines(page):
        for name, keyword in promises(line):
            functions = public if name == "" else [resolve(name)]
            if keyword in foreign or functions == [None]:
                continue
            if not any(takes(function, keyword) for function in functions if function is not None):
                missing.append(f"line {number}: {name}({keyword}=...)")
    assert not missing


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("| `nn.Conv2d`, `F.conv2d` | x | `exact=True` |", [("nn.Conv2d", "exact"), ("F.conv2d", "exact")]),
        ("| `optim.SGD` | x | `lr=` of `Trainer` and `fit` |", [("Trainer", "lr"), ("fit", "lr")]),
        ("call `fit(model, loss=…, schedule=…)`", [("fit", "loss"), ("fit", "schedule")]),
        ("with `exact=True`", [("", "exact")]),
    ],
)
def test_what_counts_as_a_promise(line: str, found: list[tuple[str, str]]) -> None:
    assert list(promises(line)) == found
    assert not takes(nn.Conv2d, "exact")
    assert takes(functional.conv2d, "exact")
