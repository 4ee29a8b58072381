"""The examples in the docstrings of layers, networks, training and files run, and say what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest
from cnnfast import functional, nn

MODULES = [
    *(
        "border",
        "checkpoint",
        "evaluation",
        "functional",
        "history",
        "interrupt",
        "labelled",
        "losses",
        "models",
    ),
    *("one_op", "optim", "plain", "progress", "tallies", "train", "trainer"),
    *(f"nn.{found.name}" for found in pkgutil.iter_modules(nn.__path__)),
    *(f"functional.{found.name}" for found in pkgutil.iter_modules(functional.__path__)),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(f"cnnfast.{name}")
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", sorted(nn.layer_types()))
def test_every_layer_has_an_example_and_its_shapes(name):
    text = nn.layer_types()[name].__doc__ or ""
    assert ">>> " in text
    assert "Shapes:" in text or name in ("Sequential", "Residual", "Graph")
