"""Fixtures of the tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from cnnfast import models
from cnnfast.datasets import ImageDataset, registry
from cnnfast.nn import serialization


@pytest.fixture(autouse=True, scope="session")
def _glyphs_are_drawn_once() -> Iterator[None]:
    """Drawing the 20,000 letters takes a second, more than most commands."""
    draw = registry.glyphs

    @cache
    def drawn(n: int, seed: int) -> ImageDataset:
        data = draw(n, seed)
        data.images.setflags(write=False)
        data.labels.setflags(write=False)
        return data

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "glyphs", drawn)
        yield


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the test in an empty folder, without data sets, in a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("CNNFAST_DATA", str(tmp_path / "no-data"))


@pytest.fixture
def model_file(tmp_path: Path) -> str:
    """An untrained digit reader that says it was trained on MNIST."""
    model = models.d4(seed=0)
    model.classes = tuple("0123456789")
    serialization.save(model, tmp_path / "digits.safetensors", training={"data": "mnist"})
    return "digits.safetensors"
