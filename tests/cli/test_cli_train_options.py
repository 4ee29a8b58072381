"""`cnnfast train`: options for the optimizer, the course of the training, and checkpoints."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import optim
from cnnfast.cli import train_options
from cnnfast.cli.main import main, parser
from cnnfast.nn import serialization

from tests.support.training import At

FAST = ("--model", "d4", "--batch-size", "8", "--validation", "0.2", "--out", "out.safetensors")


@pytest.fixture(autouse=True)
def few_letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    few = [cf.datasets.glyphs(60, seed=0), cf.datasets.glyphs(10, seed=1)]
    monkeypatch.setattr(cf.datasets, "load", lambda name, train, root: few[0 if train else 1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")


def options(*words: str) -> Any:
    return parser().parse_args(["train", *words])


def test_settings_of_optimizers() -> None:
    words = ("--optimizer", "sgd", "--momentum", "0.9", "--nesterov", "--weight-decay", "1e-4", "--lr", "0.2")
    assert repr(train_options.optimizer(options(*words))) == repr(
        optim.SGD(0.2, momentum=0.9, nesterov=True, weight_decay=1e-4)
    )
    assert repr(train_options.optimizer(options("--optimizer", "rmsprop", "--momentum", "0.5"))) == repr(
        optim.RMSprop(1e-3, momentum=0.5)
    )
    assert repr(train_options.optimizer(options("--optimizer", "adamw"))) == repr(optim.AdamW(1e-3))


def test_arguments_of_fit() -> None:
    words = (
        "--clip-norm 2 --ema 0.99 --time 60 --metrics f1,top3 --early-stopping 4 --log a.csv --log b.jsonl"
    )
    found = train_options.fit_arguments(options(*words.split(), "--checkpoint", "here", "--resume"))
    assert [type(callback) for callback in found.pop("callbacks")] == [
        cf.EarlyStopping, cf.CSVLogger, cf.JSONLinesLogger
    ]  # fmt: skip
    del found["optimizer"]
    assert found == {
        "epochs": None,
        "schedule": "cosine",
        "clip_norm": 2.0,
        "clip_value": None,
        "ema": 0.99,
        "time_limit": 60.0,
        "metrics": ["f1", "top3"],
        "checkpoint": "here",
        "resume": True,
        "keep": 3,
        "every_minutes": 10.0,
    }


ERRORS = {
    "--momentum 0.9": "--momentum is for sgd and rmsprop, not for adam",
    "--optimizer rmsprop --nesterov": "--nesterov is for sgd, not for rmsprop",
    "--optimizer sgd --nesterov": "--nesterov needs --momentum, such as --momentum 0.9",
    "--clip-norm 1 --clip-value 1": "--clip-norm and --clip-value: choose one",
    "--resume": "--resume needs --checkpoint FOLDER",
    "--validation 0 --early-stopping 3": "--early-stopping needs validation images, and --validation 0 holds "
    "out none",
    "--validation 0 --metrics f1": "--metrics needs validation images, and --validation 0 holds out none",
    "--metrics f2": "--metrics: 'f2'; for multiclass there are accuracy, precision, recall, f1, top2, top3, "
    "top5",
}
USAGE = {
    "--log a.txt": "argument --log: 'a.txt' does not end in .csv or .jsonl",
    "--time 0": "argument --time: '0' is not a number above 0",
    "--ema 1": "argument --ema: '1' is not a number from 0 up to but not including 1",
    "--weight-decay -1": "argument --weight-decay: '-1' is not a number of at least 0",
}


@pytest.mark.parametrize("words", [*ERRORS, *USAGE])
def test_errors_are_one_line(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *words.split()]) == (1 if words in ERRORS else 2)
    first = capsys.readouterr().err.splitlines()[0]
    assert first == f"error: {(ERRORS | USAGE)[words]}"


def test_tensorboard_names_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    assert main(["train", *FAST, "--tensorboard", "runs"]) == 1
    text = "writing for TensorBoard needs the package tensorboardX: pip install tensorboardX"
    assert text in capsys.readouterr().err


def test_what_was_given_is_in_the_file_and_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--epochs", "2", "--ema", "0.5", "--metrics", "f1", "--log", "a.jsonl", "--weight-decay", "0.01")
    assert main(["train", *FAST, *words]) == 0
    result = serialization.metadata("out.safetensors")["training"]
    assert (result["ema"], result["weight_decay"], "momentum" in result) == (0.5, 0.01, False)
    lines = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert lines[1]["val_f1"] == result["history"]["epochs"][1]["val_metrics"]["f1"]


def test_a_limited_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *FAST, "--time", "0.2"]) == 0
    result = serialization.metadata("out.safetensors")["training"]
    assert (result["time"], result["history"]["stopped"]) == (0.2, "time limit")
    assert result["history"]["epochs"][-1]["lr"] < 1e-4


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Sends Ctrl-C to the training after a step."""
    arguments = train_options.fit_arguments

    def interrupted(options: Any) -> dict[str, Any]:
        found = arguments(options)
        stop = At("batch_end", lambda c: c.step == step and signal.raise_signal(signal.SIGINT))
        return {**found, "callbacks": [*found["callbacks"], stop]}

    monkeypatch.setattr(train_options, "fit_arguments", interrupted)


def test_interrupted_and_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", *FAST, "--epochs", "3"]
    assert main(words) == 0
    whole = cf.load("out.safetensors").flat_parameters
    os.remove("out.safetensors")
    saved = [*words, "--checkpoint", "state"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        interrupt_at(monkeypatch, 4)
        assert main([*saved, "--resume"]) == 1
    out = capsys.readouterr().out
    assert "state   checkpoints in state: starts, as there is none" in out
    assert out.splitlines()[-1] == "interrupted; the same command with --resume continues from state"
    assert not Path("out.safetensors").exists()

    assert main(saved) == 1
    error = capsys.readouterr().err
    assert error == (
        "error: --checkpoint: state has checkpoints of a training; add --resume to continue it, or name "
        "another folder\n"
    )
    assert main([*saved, "--resume", "--batch-size", "4"]) == 1
    assert re.match(r"error: fit: cannot resume from state/step-0+4.safetensors: ", capsys.readouterr().err)

    assert main([*saved, "--resume"]) == 0
    assert "checkpoints in state: continues after 4 steps" in capsys.readouterr().out
    np.testing.assert_array_equal(cf.load("out.safetensors").flat_parameters, whole)


def test_lr_find_trains_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *FAST, "--lr-find"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("suggested learning rate ")
    assert not Path("out.safetensors").exists()


def test_evaluate_per_class(capsys: pytest.CaptureFixture[str]) -> None:
    model = cf.models.d4(seed=0, num_classes=26)
    model.classes = tuple("abcdefghijklmnopqrstuvwxyz")
    model.save("a.safetensors")
    assert main(["evaluate", "a.safetensors", "--data", "glyphs", "--per-class"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-27].split() == ["class", "precision", "recall", "F1", "targets"]
    assert lines[-26].split()[0] == "a"
    assert len(lines[-1].split()) == 5
