"""`cnnfast plot`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cnnfast as cf
import pytest
from cnnfast import plot
from cnnfast.cli import history_file, main
from cnnfast.errors import CheckpointError, CnnfastError, DataError
from cnnfast.nn import serialization

from tests.support.refusal import refused

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

pytestmark = pytest.mark.usefixtures("empty_folder")


def said(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints, on one line."""
    try:
        found = main(["plot", *arguments])
    except SystemExit as end:
        found = int(end.code or 0)
    assert found == code
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The arguments of the last plot, by its name."""
    calls: dict[str, object] = {}
    for name in ("activation", "schedule", "graph", "feature_maps"):
        draw = getattr(plot, name)

        def call(*args: object, name: str = name, draw: object = draw, **named: object) -> object:
            calls[name] = (*args, named)
            return draw(*args, **named)  # type: ignore[operator]

        monkeypatch.setattr(plot, name, call)
    return calls


def test_activation_and_schedule(drawn: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert said(["activation", "gelu", "relu", "--out", "a.svg"], 0, capsys) == "written a.svg"
    assert Path("a.svg").read_bytes().startswith(b"<?xml")
    assert drawn["activation"] == ("gelu", "relu", {})
    assert said(["schedule", "cosine", "--epochs", "3", "--steps", "4", "--lr", "0.1"], 0, capsys) == (
        "written schedule.png"
    )
    assert drawn["schedule"] == ("cosine", {"epochs": 3, "steps_per_epoch": 4, "lr": 0.1})


@pytest.mark.slow
def test_kernels_maps_and_graph_of_a_model_file(
    model_file: str, drawn: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    assert said(["kernels"], 0, capsys) == ("written kernels.png model: digits.safetensors (the newest here)")
    message = "error: kernels: the layer 'hidden' is a Linear and has no kernels; 'conv1', 'conv2' have"
    assert said(["kernels", "hidden", "--model", model_file], 1, capsys) == message
    assert main(["data", "preview", "glyphs", "--images", "1", "--out", "one.png"]) == 0
    capsys.readouterr()
    arguments = ["maps", "one.png", "--layers", "relu1,output", "--model", model_file]
    assert said(arguments, 0, capsys) == "written maps.png"
    _, pixels, layers, _ = drawn["feature_maps"]  # type: ignore[misc]
    assert (pixels.shape, layers) == ((1, 28, 28), ["relu1", "output"])
    assert said(["graph", model_file, "--out", "g.pdf"], 0, capsys) == "written g.pdf"


def test_graph_of_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(["graph", "D4"], 0, capsys) == "written graph.png"
    expected = "error: 'dd4' is neither a network nor a file; did you mean 'd4'?"
    assert said(["graph", "dd4"], 1, capsys) == expected


def test_history_files() -> None:
    """A model file and both logs of a training have the same history."""
    model, data = cf.models.d4(seed=0, num_classes=26), cf.datasets.glyphs(80, seed=0)
    logs = [cf.CSVLogger("log.csv"), cf.JSONLinesLogger("log.jsonl")]
    history = cf.fit(model, data, epochs=2, validation=0.5, metrics=["f1"], callbacks=logs, progress=False)
    serialization.save(model, "model.safetensors", training={"history": history.to_dict()})
    for name in ("log.csv", "log.jsonl", "model.safetensors"):
        found = history_file.read(name)
        for mine, its in zip(found.epochs, history.epochs, strict=True):
            for what in ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "val_metrics"):
                assert getattr(mine, what) == getattr(its, what), (name, what)
    assert found.best_epoch == history.best_epoch


def test_history_of_a_run_without_validation(capsys: pytest.CaptureFixture[str]) -> None:
    Path("log.jsonl").write_text(json.dumps({"epoch": 1, "loss": None, "lr": 0.1}) + "\n", encoding="utf-8")
    (record,) = history_file.read("log.jsonl").epochs
    assert record.loss != record.loss  # null is NaN
    assert (record.accuracy, record.val_loss) == (None, None)
    assert said(["history", "log.jsonl"], 0, capsys) == "written history.png"


def test_files_without_a_history(model_file: str) -> None:
    with refused(
        CnnfastError, "digits.safetensors: has no history of a training; `cnnfast train` writes one"
    ):
        history_file.read(model_file)
    texts = {
        "empty.csv": ("", "empty.csv: has no epochs"),
        "other.csv": (
            "a,b\n1,2\n",
            "other.csv: is not a log of a training: an epoch needs the entries epoch and loss",
        ),
        "words.csv": (
            "epoch,loss\nx,2\n",
            "words.csv: is not a log of a training: invalid literal for int() with base 10: 'x'",
        ),
        "broken.jsonl": (
            "{",
            "broken.jsonl: is not a log of a training: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1)",
        ),
    }
    for name, (text, message) in texts.items():
        Path(name).write_text(text, encoding="utf-8")
        with refused(DataError, message):
            history_file.read(name)
    Path("a.txt").write_text("epoch,loss\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"^a.txt: .*; a log must end in .csv or .jsonl$"):
        history_file.read("a.txt")


def test_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    expected = (
        "error: argument --out: 'a.gif' does not end in .png, .svg or .pdf see `cnnfast plot graph --help`"
    )
    assert said(["graph", "d4", "--out", "a.gif"], 2, capsys) == expected
    assert said([], 2, capsys).startswith("error: the following arguments are required: ACTION")
    assert said(["activation", "glu"], 1, capsys).startswith(
        "error: activation: there is no activation 'glu'"
    )
    assert said(["schedule", "cosine", "--out", "no/a.png"], 1, capsys).startswith("error: ")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    expected = 'error: plotting needs the package matplotlib: pip install "cnnfast[plot]"'
    assert said(["graph", "d4"], 1, capsys) == expected
