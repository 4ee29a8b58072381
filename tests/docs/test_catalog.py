"""docs/catalog.md lists everything there is, nothing that is not, and PyTorch's names where it says so."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import cnnfast
import pytest
from cnnfast import functional

from tests.support.own_layers import library_layers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "catalog.md"

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the tests run without a checkout: no docs")


def names(column: int) -> set[str]:
    """What stands in backticks in that column of the tables."""
    rows = re.findall(r"^\| (`.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[column])}


def resolve(root: ModuleType, path: str) -> Any:
    """`nn.Conv2d` as an attribute of attributes; F stands for the functions."""
    found: Any = root
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def test_every_layer_and_function_is_listed() -> None:
    layers = {f"nn.{name}" for name in library_layers()}
    functions = {f"F.{name}" for name in functional.__all__ if not name.endswith("_backward")}
    assert not (layers | functions) - names(0), "docs/catalog.md: no line for these"


@pytest.mark.parametrize("package", ["nn", "optim", "optim.lr_scheduler", "nn.init"])
def test_every_public_name_is_listed(package: str) -> None:
    module = resolve(cnnfast, package)
    plumbing = {"Module", "Optimizer", "Schedule", "Initializer", "from_config", "names", "schedule_of"}
    public = {name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)}
    listed = {name.rpartition(".")[2] for name in names(0) if name.rpartition(".")[0] == package}
    assert public - plumbing == listed - plumbing


def test_every_loss_is_listed() -> None:
    kinds = {f"losses.{kind.__name__}" for kind in cnnfast.losses.KINDS.values()}
    assert kinds == {name for name in names(0) if name.startswith("losses.")}


def test_nothing_is_listed_that_is_not_there() -> None:
    paths = {name: re.sub(r"^F\.", "functional.", name) for name in names(0)}
    assert not [name for name, path in paths.items() if resolve(cnnfast, path) is None]


def test_the_names_of_pytorch_are_its_own() -> None:
    torch = pytest.importorskip("torch")
    paths = {name: re.sub(r"^F\.", "nn.functional.", name) for name in names(1)}
    assert len(paths) > 20
    assert not [name for name, path in paths.items() if resolve(torch, path) is None]
