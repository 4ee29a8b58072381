"""`cnnfast explain`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.cli import main
from cnnfast.nn import serialization

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

pytestmark = pytest.mark.usefixtures("empty_folder")


def said(words: str, code: int, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints, as printed on one line."""
    try:
        found = main(["explain", *words.split()])
    except SystemExit as end:
        found = int(end.code or 0)
    assert found == code
    captured = capsys.readouterr()
    return (captured.out + captured.err).strip()


def page(path: str) -> Any:
    text = Path(path).read_text(encoding="utf-8")
    found = re.search(r'id="cnnfast-data">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


@pytest.fixture
def one(tmp_path: Path) -> str:
    """A drawing of a 1 on a light page."""
    pixels = np.full((120, 90), 240, np.uint8)
    pixels[20:100, 40:50] = 30
    Image.fromarray(pixels).save(tmp_path / "one.png")
    return "one.png"


def test_writes_a_page(model_file: str, one: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(f"{model_file} {one}", 0, capsys)
    assert re.fullmatch(
        r"prediction: \d, \d+\.\d%\nwritten explain-one\.html, 0\.\d MB: open it in a browser", text
    )
    data = page("explain-one.html")
    assert data["title"] == "digits.safetensors, one"
    assert data["backward"] is None
    assert data["image"]["shape"] == [1, 28, 28]


def test_options(model_file: str, one: str, capsys: pytest.CaptureFixture[str]) -> None:
    said(f"{model_file} {one} --backward --target 4 --lr 0.5 --layers conv1,pool2 --out p.html", 0, capsys)
    data = page("p.html")
    assert (data["backward"]["target"], data["backward"]["optimizer"]["text"]) == (4, "SGD(lr=0.5)")
    assert [step["name"] for step in data["steps"] if step["rule"]] == ["conv1", "pool2"]


def test_the_newest_model_is_the_default(
    model_file: str, one: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"model: {model_file} (the newest here)" in said(one, 0, capsys)


def test_nearest_images_of_own_data(model_file: str, one: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        for number in range(3):
            folder = Path("own", name)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((28, 28), 40 * number, np.uint8)).save(folder / f"{number}.png")
    said(f"{model_file} {one} --data own", 0, capsys)
    assert {near["label"] for near in page("explain-one.html")["evidence"]["neighbors"]} == {"a", "b"}


def test_a_regression_prints_its_output(one: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 2), input_shape=(1, 28, 28), seed=0)
    model.task = "regression"
    serialization.save(model, "values.safetensors", training={"data": "mnist"})
    assert re.match(r"output: -?[\d.]+, -?[\d.]+\n", said(f"values.safetensors {one}", 0, capsys))
    assert said(f"values.safetensors {one} --backward", 1, capsys) == (
        "error: values.safetensors: a network for regression needs a target, since its prediction has no loss"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("none.safetensors one.png", "error: load: there is no file none.safetensors"),
        ("one.png one.png", "error: one.png: is not a safetensors file"),
        ("digits.safetensors none.png", "error: none.png: No such file or directory"),
        ("digits.safetensors digits.safetensors", "error: digits.safetensors: not an image of a known kind"),
        (
            "digits.safetensors one.png --layers conv9",
            "error: digits.safetensors: there is no layer 'conv9'; did you mean 'conv2'?",
        ),
        (
            "digits.safetensors one.png --layers xyz",
            "error: digits.safetensors: there is no layer 'xyz'; there are input, conv1, relu1, pool1, conv2",
        ),
        (
            "digits.safetensors one.png --target x",
            "error: digits.safetensors: target must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, "
            "got 'x'",
        ),
        (
            "digits.safetensors one.png --out none/p.html",
            "error: --out: cannot write none/p.html: there is no folder",
        ),
        (
            "sequence.safetensors one.png",
            "error: sequence.safetensors: expects input 24x128, but only images of 3 channels, or of 1 "
            "channel and at least 8x8 pixels, are supported (CxHxW)",
        ),
    ],
)
def test_errors(words: str, text: str, model_file: str, one: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "sequence" in words:
        serialization.save(models.cnn1d(seed=0), "sequence.safetensors")
    lines = said(words, 1, capsys).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(text)
    assert not list(Path().glob("*.html"))
