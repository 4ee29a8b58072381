"""Recipes: options of `cnnfast train` from a file, which the user's own replace."""

from __future__ import annotations

from pathlib import Path

import cnnfast as cf
import numpy as np
import pytest
from cnnfast.cli import data_source, recipes, train_options
from cnnfast.cli.main import main, parser
from cnnfast.nn import serialization


@pytest.fixture
def few_letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    few = [cf.datasets.glyphs(60, seed=0), cf.datasets.glyphs(10, seed=1)]
    monkeypatch.setattr(cf.datasets, "load", lambda name, train, root: few[0 if train else 1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_is_valid(name: str) -> None:
    chosen = parser().parse_args(["train", *recipes.options(name)])
    train_options.check(chosen)
    assert chosen.data != "glyphs"
    assert (
        recipes.summary(name) in " ".join(parser().format_help().split()) or len(recipes.summary(name)) > 20
    )
    shape = (3, 32, 32) if chosen.data == "cifar10" else (28, 28)
    images = cf.datasets.ImageDataset(np.zeros((10, *shape), np.uint8), list("0123456789"))
    _, model = data_source.model_for(chosen.model, chosen.data, images, 0)
    assert model.input_shape == images.input_shape
    if chosen.augment is not None:
        chosen.augment.check_image("recipe", model.input_shape)


def test_the_documented_recipes_exist() -> None:
    assert {"quick", "best", "mnist", "fashion", "cifar10"} <= set(recipes.names())
    assert [name for name in recipes.names() if name.startswith("paper-")]


def test_own_options_replace_those_of_the_recipe() -> None:
    words = ["train", "--epochs", "3", "--recipe", "quick", "--lr=0.5"]
    chosen = parser().parse_args(recipes.expanded(words, "quick"))
    assert (chosen.epochs, chosen.lr, chosen.schedule) == (3, 0.5, "one-cycle")


@pytest.mark.usefixtures("few_letters")
def test_a_recipe_is_printed_and_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    own = "--epochs 8 --batch-size 8 --model d4 --augment affine() --validation 0 --out out.safetensors"
    assert main(["train", "--recipe=letters", *own.split()]) == 0
    assert "recipe  letters: --data emnist-letters-derived --model hello-dl-" in capsys.readouterr().out
    training = serialization.metadata("out.safetensors")["training"]
    assert (training["recipe"], training["batch_size"], training["lr"]) == ("letters", 8, 0.002)
    assert Path("out.safetensors").stat().st_size < 150_000  # float16


def test_an_unknown_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--recipe", "quik"]) == 2
    assert "argument --recipe: 'quik' is not one of" in capsys.readouterr().err
