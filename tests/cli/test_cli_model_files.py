"""How the command line refuses model files that do not fit, and what it says of those that it takes."""

from __future__ import annotations

import io
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from cnnfast import models, nn, vision
from cnnfast.cli import main
from PIL import Image, ImageDraw

from tests.support.command import error_of
from tests.support.drawings import drawing

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_without_a_model_file_the_shipped_letters_read(capsys: pytest.CaptureFixture[str]) -> None:
    drawing().save("letter.png")
    assert main(["predict", "letter.png"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("model: letters, which comes with cnnfast (no model file is in this folder)")
    assert out.split()[1] == "r"


def test_shipped_models_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    image = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(image).line([(50, 40), (150, 40), (90, 160)], fill="black", width=16, joint="curve")
    image.save("7.png")
    assert main(["predict", "--model", "digits", "7.png"]) == 0
    assert capsys.readouterr().out.split()[1] == "7"
    Path("digits").write_text("a file of that name comes first")
    assert error_of(capsys, "predict", "--model", "digits", "7.png").startswith(
        "digits: is not a safetensors file"
    )


def test_no_model_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "evaluate", "none") == "load: there is no file none"
    assert error_of(capsys, "predict", "--model", "none", "a.png") == "load: there is no file none"


def test_a_file_that_is_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    Path("text").write_text("hello")
    said = error_of(capsys, "evaluate", "text")
    assert said.startswith("text: is not a safetensors file, or is damaged: ")


def test_a_model_for_other_classes(capsys: pytest.CaptureFixture[str], model_file: str) -> None:
    assert error_of(capsys, "evaluate", model_file, "--data", "glyphs") == (
        "digits.safetensors: has 10 classes (0, 1 ... 9), but glyphs/test has 26 classes (a, b ... z)"
    )


@pytest.mark.parametrize("task", ["binary", "multilabel", "regression"])
def test_a_model_for_another_task(capsys: pytest.CaptureFixture[str], task: Any) -> None:
    outputs = 1 if task == "binary" else 26
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, outputs), input_shape=(1, 28, 28), seed=0)
    model.task = task
    model.save("m")
    assert error_of(capsys, "evaluate", "m", "--data", "glyphs") == (
        f'm: has the task "{task}", but glyphs/test has labels of 26 classes (a, b ... z)'
    )


def test_a_model_of_another_number_of_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 3), input_shape=(1, 28, 28), seed=0)
    model.save("m")
    assert error_of(capsys, "evaluate", "m", "--data", "glyphs") == (
        "m: evaluate: the data has 26 classes but the model has 3 outputs; build the model with 26 outputs "
        "(num_classes=26)"
    )


def test_a_model_for_other_images(capsys: pytest.CaptureFixture[str]) -> None:
    small = nn.Sequential(nn.Flatten(), nn.Linear(400, 26), input_shape=(1, 20, 20), seed=0)
    small.save("small")
    assert error_of(capsys, "evaluate", "small", "--data", "glyphs") == (
        "small: expects images of 1x20x20, but glyphs/test has 1x28x28"
    )
    for shape, text in (((2, 20, 20), "2x20x20"), ((1, 7, 20), "1x7x20"), ((400,), "400")):
        nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 26), input_shape=shape, seed=0).save("other")
        assert error_of(capsys, "predict", "--model", "other", "a.png") == (
            f"other: expects input {text}, but only images of 3 channels, or of "
            "1 channel and at least 8x8 pixels, are supported (CxHxW)"
        )
    nn.Sequential(nn.Flatten(), nn.Linear(400, 26), seed=0).save("free")
    assert error_of(capsys, "predict", "--model", "free", "a.png") == (
        "free: accepts neither 1x28x28 nor 3x28x28 images"
    )


def test_a_model_that_does_not_say_what_it_was_trained_on(capsys: pytest.CaptureFixture[str]) -> None:
    models.d4(seed=0).save("a")
    assert error_of(capsys, "evaluate", "a") == "a: does not say what it was trained on; add --data NAME"
    models.d4(seed=0).save("b", training={"data": "mine"})
    assert error_of(capsys, "evaluate", "b") == (
        "b: was trained on 'mine', which is no known data set; add --data NAME"
    )


def test_the_newest_model_is_the_one_meant(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("letters.safetensors", "cnnfast-a.safetensors", "cnnfast-c.safetensors")
    for age, name in enumerate(names):
        models.d4(seed=0).save(name)
        os.utime(name, (1_000_000 - age, 1_000_000 - age))
    models.d4(seed=0).save("another-ending")
    Path("damaged.safetensors").write_bytes(Path("letters.safetensors").read_bytes()[:100])
    safetensors.numpy.save_file({"weight": np.zeros(3)}, "foreign.safetensors", {"format": "pt"})
    for command in (["predict", "none.png"], ["evaluate", "--data", "mnist"]):
        assert main(command) == 1
        assert "model: letters.safetensors (the newest here)" in capsys.readouterr().err


def test_the_way_of_preparing_an_image_follows_the_model(
    capsys: pytest.CaptureFixture[str], model_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing().save("a.png")
    models.d4(seed=0).save("unknown")
    models.d4(seed=0).save("clothes", training={"data": "fashion-mnist"})
    asked: list[str] = []
    prepare = vision.prepare

    def asked_for(file: str, size: int, style: str, ink: str) -> vision.Prepared:
        asked.append(style)
        return prepare(file, size, style, ink)

    monkeypatch.setattr(vision, "prepare", asked_for)
    assert main(["predict", "--model", model_file, "a.png"]) == 0
    assert main(["predict", "--model", model_file, "--style", "emnist", "a.png"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["predict", "--model", "unknown", "a.png"]) == 0
    assert capsys.readouterr().err == (
        "note: unknown does not say what it was trained on; images are processed as in EMNIST "
        "(--style mnist for a model of MNIST)\n"
    )
    assert main(["predict", "--model", "unknown", "--style", "mnist", "a.png"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["predict", "--model", "clothes", "a.png"]) == 0
    assert capsys.readouterr().err == (
        "note: clothes was trained on clothes; images are processed as handwriting nevertheless\n"
    )
    assert asked == ["mnist", "emnist", "emnist", "mnist", "emnist"]


def test_predict_without_pillow(
    capsys: pytest.CaptureFixture[str], model_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert error_of(capsys, "predict", "--model", model_file, "a.png") == (
        'reading images needs the package pillow: pip install "cnnfast[cli]"'
    )


def test_a_class_name_the_terminal_cannot_show(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models.d4(seed=0)
    model.classes = tuple("αβγδεζηθικ")
    model.save("greek", training={"data": "mine"})
    drawing().save("a.png")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True))
    assert main(["predict", "--model", "greek", "a.png"]) == 0
    assert b"\\u03" in sys.stdout.buffer.getvalue()  # type: ignore[attr-defined]
