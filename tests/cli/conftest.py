"""Fixtures of the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from cnnfast import models
from cnnfast.nn import serialization


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
