"""`cnnfast predict`: every kind of network, folders, standard input, images that are no letter, exit
codes."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import nn
from cnnfast.cli import main

from tests.support.drawings import blob, drawing, words

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(autouse=True)
def _in_a_folder_with_a_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    drawing().save("r.png")


def network(
    shape: tuple[int, ...] | None, outputs: int, *, bias: tuple[float, ...] = (), **settings: Any
) -> str:
    """A saved network whose weights are 0, so that its bias alone decides: the name of its file."""
    inputs = int(np.prod(shape)) if shape else 3
    pooled = [nn.AdaptiveAvgPool2d(1)] if shape is None else []
    model = nn.Sequential(*pooled, nn.Flatten(), nn.Linear(inputs, outputs), input_shape=shape, seed=0)
    values = model.state_dict()
    for name, value in values.items():
        value[...] = np.reshape(bias, value.shape) if name.endswith("bias") and bias else 0
    model.load_state_dict(values)
    for name, value in settings.items():
        setattr(model, name, value)
    model.save("net.safetensors", training={"data": "emnist-letters"})
    return "net.safetensors"


def predicted(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert main(["predict", "--json", *words]) == code
    return json.loads(capsys.readouterr().out)["images"]


# ------------------------------------------------------------------ what the answer is


def test_the_likeliest_classes(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 4, bias=(1.0, 0.0, 3.0, 2.0), classes=("a", "b", "c", "d"))
    (reading,) = predicted(capsys, "r.png")
    assert [entry["class"] for entry in reading["top"]] == ["c", "d", "a"]
    assert reading["top"][0]["probability"] == pytest.approx(np.exp(3) / np.exp([0, 1, 2, 3]).sum(), rel=1e-5)
    assert reading["warning"] is None


@pytest.mark.parametrize("classes", [None, ("cat", "dog")])
def test_yes_or_no(classes: tuple[str, str] | None, capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 1, bias=(float(np.log(3)),), task="binary", classes=classes)
    no, yes = classes or ("no", "yes")
    (reading,) = predicted(capsys, "r.png")
    assert reading["top"] == [
        {"class": yes, "probability": pytest.approx(0.75)},
        {"class": no, "probability": pytest.approx(0.25)},
    ]
    assert main(["predict", "r.png"]) == 0
    assert capsys.readouterr().out == f"r.png   {yes:<3}  75.0%   {no:<3}  25.0%\n"


def test_labels_above_one_half(capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"task": "multilabel", "classes": ("red", "green", "blue", "black")}
    network((1, 28, 28), 4, bias=(1.0, -1.0, 2.0, 0.0), **settings)
    assert [entry["class"] for entry in predicted(capsys, "r.png")[0]["labels"]] == ["blue", "red"]
    network((1, 28, 28), 4, bias=(-1.0, -1.0, -1.0, 0.0), **settings)
    assert predicted(capsys, "r.png")[0]["labels"] == []
    assert main(["predict", "r.png"]) == 0
    assert capsys.readouterr().out == "r.png   no label above 50%\n"


def test_the_numbers_of_a_regression(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 2, bias=(0.25, -3.5), task="regression")
    assert predicted(capsys, "r.png")[0]["values"] == [0.25, -3.5]
    assert main(["predict", "r.png"]) == 0
    assert capsys.readouterr().out == "r.png   0.25   -3.5\n"


def test_a_network_whose_task_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 1)
    assert main(["predict", "r.png"]) == 1
    assert "the meaning of a single output is unknown; set model.task" in capsys.readouterr().err


def test_weights_that_are_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    for task, bias in (("multiclass", np.nan), ("multiclass", np.inf), ("regression", np.inf)):
        with pytest.warns(UserWarning, match="NaN or infinity"):
            network((1, 28, 28), 2, bias=(0.0, bias), task=task)
        assert main(["predict", "--model", "net.safetensors", "r.png"]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == (
            "error: net.safetensors: its outputs are not finite: "
            "the weights are damaged or were never finite\n"
        )


# ------------------------------------------------------------------ color, other shapes, any size


@pytest.mark.parametrize("shape", [(3, 20, 24), (3, 5, 5), None], ids=["3x20x24", "3x5x5", "any size"])
def test_a_network_for_color_images(
    shape: tuple[int, ...] | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []
    predict = nn.Module.predict
    monkeypatch.setattr(nn.Module, "predict", lambda model, x: seen.append(x) or predict(model, x))
    Image.new("RGB", (60, 40), (200, 100, 50)).save("color.png")
    network(shape, 2, bias=(1.0, 2.0), task="regression")
    assert predicted(capsys, "color.png")[0]["values"] == [1.0, 2.0]
    (x,) = seen
    assert x.shape == (1, *(shape or (3, 40, 60)))
    assert (x == np.array([200, 100, 50]).reshape(1, 3, 1, 1)).all()


@pytest.mark.parametrize("shape", [(1, 28, 40), (1, 40, 28)])
def test_a_letter_in_the_middle_of_an_input_that_is_not_square(
    shape: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    network(shape, 3, bias=(5.0, 0.0, 0.0))
    assert predicted(capsys, "r.png")[0]["top"][0]["class"] == "0"
    assert main(["predict", "--show", "r.png"]) == 0
    shown = capsys.readouterr().out.splitlines()[:-1]
    assert len(shown) == shape[1]
    inked = [number for number, line in enumerate(shown) if line]
    assert inked[0] + inked[-1] == pytest.approx(shape[1] - 1, abs=1)


# ------------------------------------------------------------------ folders and standard input


def test_a_folder_stands_for_the_images_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 3, bias=(5.0, 0.0, 0.0))
    Path("in/deeper").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "no-ending", "deeper/c.png"):
        drawing().save(Path("in", name), format="JPEG" if name.endswith("jpg") else "PNG")
    Path("in/notes.txt").write_text("hello")
    if hasattr(os, "mkfifo"):
        os.mkfifo("in/pipe")
    assert [reading["file"] for reading in predicted(capsys, "in", "r.png")] == [
        *(os.path.join("in", name) for name in ("a.jpg", "b.png", "no-ending")),
        "r.png",
    ]
    main(["predict", "in"])
    assert "note: in: skipped 1 that are not images (notes.txt)\n" in capsys.readouterr().err


def test_a_folder_without_images(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 3, bias=(5.0, 0.0, 0.0))
    Path("empty").mkdir()
    first, second = predicted(capsys, "empty", "r.png", code=1)
    assert first == {"file": "empty", "error": "empty: no images in this folder"}
    assert second["top"]


def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    network((1, 28, 28), 3, bias=(5.0, 0.0, 0.0))
    for content, code in ((Path("r.png").read_bytes(), 0), (b"nothing", 1)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        (reading,) = predicted(capsys, "-", code=code)
        assert reading["file"] == "-"
        assert ("top" in reading) == (code == 0)
    assert reading["error"].startswith("-: not an image of a known kind")


# ------------------------------------------------------------------ warnings


def test_what_is_no_letter_is_said_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 3, bias=(9.0, 0.0, 0.0), classes=("a", "b", "c"))
    Image.fromarray(words("hello")).save("word.png")
    Image.fromarray(blob()).save("blob.png")
    word, whole, letter = predicted(capsys, "word.png", "blob.png", "r.png", code=1)
    assert word["warning"] == "several letters: part of a page?"
    assert whole["warning"] == "no strokes: a blob or part of a scene?"
    assert word["top"][0]["class"] == "a"
    assert letter["warning"] is None
    assert main(["predict", "word.png"]) == 1
    assert capsys.readouterr().out == ("word.png   several letters: part of a page? (best guess: a 100.0%)\n")


def test_a_likeliest_class_that_is_not_likely(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 3)
    assert predicted(capsys, "r.png")[0]["warning"] == "not sure"
    network((1, 28, 28), 3, bias=(1.0, 0.0, 0.0))
    assert predicted(capsys, "r.png")[0]["warning"] is None


def test_the_color_of_the_ink_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 3, bias=(5.0, 0.0, 0.0))
    shown = []
    for ink in ("auto", "dark", "light"):
        main(["predict", "--show", "--ink", ink, "r.png"])
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != shown[2]


# ------------------------------------------------------------------ one bad file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_bad_file_does_not_end_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    network((1, 28, 28), 3, bias=(5.0, 0.0, 0.0))
    Path("cut.png").write_bytes(Path("r.png").read_bytes()[:300])
    Path("text.png").write_text("hello")
    os.mkfifo("pipe")
    Path("lab.tif").write_bytes(lab_tiff())
    readings = predicted(capsys, "cut.png", "text.png", "none.png", "pipe", "lab.tif", "r.png", code=1)
    assert ["error" in reading for reading in readings] == [True, True, True, True, False, False]
    for reading in readings[:4]:
        assert reading["error"].startswith(f"{reading['file']}: ")
    assert readings[3]["error"].startswith("pipe: is not a regular file; ")


def lab_tiff() -> bytes:
    out = io.BytesIO()
    flat = Image.new("L", (300, 300), 128)
    Image.merge("LAB", (drawing(), flat, flat)).save(out, "TIFF")
    return out.getvalue()
