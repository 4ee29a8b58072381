"""The examples in the docstrings of the data sets and the exceptions run, and say what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import sys

import cnnfast.datasets
import pytest

MODULES = ["errors", *(f"datasets.{found.name}" for found in pkgutil.iter_modules(cnnfast.datasets.__path__))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    importlib.import_module(f"cnnfast.{name}")
    module = sys.modules[f"cnnfast.{name}"]  # not datasets.glyphs, which is the function of that name
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


def test_public_functions_have_examples_and_sections() -> None:
    for name in cnnfast.datasets.__all__:
        text = getattr(cnnfast.datasets, name).__doc__ or ""
        if name != "Availability":
            assert ">>> " in text, name
        assert "Args:" in text or name in ("names", "status", "data_home", "Availability"), name
