"""The examples in docstrings run and print what they show; layers and data sets document what they must."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import sys

import cnnfast
import cnnfast.datasets
import pytest

from tests.support.own_layers import library_layers

FOUND = (found.name for found in pkgutil.walk_packages(cnnfast.__path__, "cnnfast."))
MODULES = ["cnnfast", *(name for name in FOUND if not name.endswith("__main__"))]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    importlib.import_module(name)
    module = sys.modules[name]  # not the function of that name: datasets.glyphs
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", sorted(library_layers()))
def test_every_layer_has_an_example_and_its_shapes(name):
    text = library_layers()[name].__doc__ or ""
    assert ">>> " in text
    assert "Shapes:" in text or name in ("Sequential", "Residual", "Graph")


def test_functions_of_data_sets_have_examples_and_sections() -> None:
    for name in cnnfast.datasets.__all__:
        text = getattr(cnnfast.datasets, name).__doc__ or ""
        if name != "Availability":
            assert ">>> " in text, name
        assert "Args:" in text or name in ("names", "status", "data_home", "Availability"), name
