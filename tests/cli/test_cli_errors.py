"""What the command line refuses, word for word, and the exit code: 1 the work failed, 2 wrong usage."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from cnnfast import _core, datasets, errors, models
from cnnfast.cli import main
from cnnfast.nn import serialization
from cnnfast.training.history import EpochRecord, History

from tests.support.command import error_of
from tests.support.drawings import drawing
from tests.support.fake_release import fake_mnist
from tests.support.file_server import running_server
from tests.support.refusal import refused

pytestmark = pytest.mark.usefixtures("empty_folder")

DATA = f"{', '.join(datasets.names())}, nor a file or folder"

USAGE = {
    "train --epochs 0": "argument --epochs: '0' is not an integer of at least 1",
    "train --epochs two": "argument --epochs: 'two' is not an integer of at least 1",
    "train --batch-size -1": "argument --batch-size: '-1' is not an integer of at least 1",
    "train --seed -1": "argument --seed: '-1' is not an integer of at least 0",
    "train --threads 0": "argument --threads: '0' is not an integer from 1 to 1024",
    "evaluate --threads 1025": "argument --threads: '1025' is not an integer from 1 to 1024",
    "train --lr 0": "argument --lr: '0' is not a number above 0",
    "train --lr nan": "argument --lr: 'nan' is not a number above 0",
    "train --lr fast": "argument --lr: 'fast' is not a number above 0",
    "train --validation 1": "argument --validation: '1' is not a number from 0 up to but not including 1",
    "train --data letters": f"argument --data: 'letters' is not one of {DATA}"
    "; did you mean 'emnist-letters'?",
    "train --model qqq": "argument --model: there is no network 'qqq'; `cnnfast models` lists them",
    "train --data EMNIST": f"argument --data: 'EMNIST' is not one of {DATA}"
    "; did you mean 'emnist-letters', 'emnist-letters-derived' or 'emnist-balanced'?",
    "train --data minst": f"argument --data: 'minst' is not one of {DATA}; did you mean 'mnist'?",
    "train --model hello-dl": "argument --model: there is no network 'hello-dl'"
    "; did you mean 'hello-dl-letters'?",
    "train --optimizer lion": "argument --optimizer: 'lion' is not one of adam, adamw, sgd, rmsprop, adagrad",
    "train --schedule linear": "argument --schedule: 'linear' is not one of "
    "constant, cosine, one-cycle, plateau",
    "models qqq": "argument NAME: there is no network 'qqq'; `cnnfast models` lists them",
    "models draw d4": "argument NAME: there is no network 'draw'; `cnnfast models` lists them",
    "models show": "the following arguments are required: NAME",
    "models d4 --batch 0": "argument --batch: '0' is not an integer of at least 1",
    "models show d4 --graph d4.png": "argument --graph: 'd4.png' does not end in .svg",
    "predict": "the following arguments are required: IMAGE",
    "predict --style usps a.png": "argument --style: 'usps' is not one of emnist, mnist, plain",
    "data download glyphs": "argument NAME: 'glyphs' is not one of emnist, "
    + ", ".join(datasets.names()[1:]),
    "data download mnist --url ftp://x": "argument --url: 'ftp://x' does not start with http:// or https://",
    "data download mnist --url ftp://me:secret@x/a?key=secret": "argument --url: 'ftp://***@x/a?***' does "
    "not start with http:// or https://",
    "bench --only (": "argument --only: '(' is not a regular expression: "
    "missing ), unterminated subpattern at position 0",
}


@pytest.mark.parametrize("command", USAGE)
def test_wrong_usage(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, *command.split(), code=2) == USAGE[command]


COMMANDS = "train, evaluate, report, predict, read, explain, demo, models, plot, data, show-config, bench"
UNKNOWN = {
    "trian": ("there is no command 'trian'; did you mean 'train'?", "cnnfast"),
    "frobnicate": (f"there is no command 'frobnicate'; there are {COMMANDS}", "cnnfast"),
    "data dowload": ("there is no action 'dowload'; did you mean 'download'?", "cnnfast data"),
    "train --epoch-count 3": (
        "unrecognized arguments: --epoch-count 3; did you mean '--epochs'?",
        "cnnfast train",
    ),
    "train --batch_size=3": (
        "unrecognized arguments: --batch_size=3; did you mean '--batch-size'?",
        "cnnfast train",
    ),
    "--qqq models": ("unrecognized arguments: --qqq", "cnnfast models"),
    "models d4 d5": ("unrecognized arguments: d5", "cnnfast models show"),
}


def test_names_in_other_spellings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "Hello_DL-letters"]) == 0
    assert capsys.readouterr().out == f"{models.get('hello-dl-letters', seed=0)}\n"


def test_secrets_of_addresses_are_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    url = "http://me:hunter2@127.0.0.1:9/folder?key=hunter2"
    for words in (
        ["data", "download", "mnist", "--url", url],
        ["train", url],
        [url],
        ["predict", "--model", url, url],
    ):
        assert main(words) in (1, 2)
        assert "hunter2" not in "".join(capsys.readouterr())


ESCAPES = "\x1b]0;title\x07\x9b2J\u202egnp.png"


def test_names_do_not_command_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models.d4(seed=0)
    model.classes = tuple(f"{i}{ESCAPES}" for i in range(10))
    name = f"a{ESCAPES}"
    model.save(name, training={"data": "mine"})
    drawing().save(f"{name}.png")
    monkeypatch.setattr(datasets, "load", lambda name, train, root: datasets.glyphs(40, seed=int(train)))
    commands = [
        ["predict", "--model", name, f"{name}.png", f"none{ESCAPES}"],
        ["evaluate", name],
        ["evaluate", name, "--data", "glyphs"],
        ["evaluate", f"none{ESCAPES}"],
        ["train", "--model", "d4", "--epochs", "1", "--out", name],
        ["train", "--out", f"none/{name}"],
        ["train", f"--{name}"],
        [name],
    ]
    for words in commands:
        main(words)
        said = "".join(capsys.readouterr())
        assert "title" in said
        assert {c for c in said if not c.isprintable()} <= {"\n"}, words


@pytest.mark.parametrize("isa", ["nonsense", "AVX2", "avx2 "])
@pytest.mark.parametrize("words", ["models d4", "show-config", "train --out none/a", "evaluate a"])
def test_an_instruction_set_that_is_not_there(
    words: str, isa: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNFAST_ISA", isa)
    assert main(words.split()) == 2
    there = ", ".join(_core.available_isas())
    text = f'the environment variable CNNFAST_ISA must be one of {there} on this processor, got "{isa}"'
    assert capsys.readouterr() == ("", f"error: {text}\n")
    with refused(ValueError, text):
        models.d4(seed=0)(np.zeros((1, 1, 28, 28), np.uint8))


def test_a_data_folder_that_must_not_be_looked_into(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def closed(self: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    reason = os.strerror(errno.EACCES)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", closed)
        for words in (["data"], ["train", "--data", "mnist", "--out", str(tmp_path / "a")]):
            assert main(words) == 1
        assert main(["show-config"]) == 0
    said = capsys.readouterr()
    folder = tmp_path / "no-data"
    assert said.err.splitlines()[0].endswith(f": {reason}")
    assert f"data sets present  unknown: {reason}" in said.out
    assert str(folder) in said.err


def test_unknown_commands_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    for command, said in UNKNOWN.items():
        assert main(command.split()) == 2
        assert capsys.readouterr().err.splitlines() == [f"error: {said[0]}", f"see `{said[1]} --help`"]


def test_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: cnnfast ")


# ------------------------------------------------------------------ where a model file can be written


def test_out_is_checked_before_anything_else(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    # the data set is not there either: the place for the file comes first
    train = ("train", "--data", "mnist", "--out")
    assert (
        error_of(capsys, *train, "none/a")
        == f"train: cannot write none/a: there is no folder {tmp_path / 'none'}"
    )
    assert error_of(capsys, *train, ".") == "train: cannot write .: it is a folder"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder nobody can write to")
def test_out_in_a_folder_that_takes_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    said = error_of(capsys, "train", "--out", "/proc/a.safetensors")
    assert said.startswith("/proc/a.safetensors: ")


def test_the_file_of_bench_is_checked_first(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert (
        error_of(capsys, "bench", "--json", "none/a")
        == f"bench: cannot write none/a: there is no folder {tmp_path / 'none'}"
    )


# ------------------------------------------------------------------ training that comes to nothing


def test_a_plateau_without_images_to_watch(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "train", "--schedule", "plateau", "--validation", "0") == (
        "--schedule plateau needs validation images, and --validation 0 holds out none"
    )


def test_a_share_that_holds_out_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "load", lambda name, train, root: datasets.glyphs(40, seed=int(train)))
    assert error_of(capsys, "train", "--validation", "0.01") == (
        "--validation 0.01 of 40 images holds out none; use 0 to train on all of them"
    )
    assert error_of(capsys, "train", "--validation", "0.99") == (
        "--validation 0.99 of 40 images leaves none to train on"
    )


def test_weights_of_earlier_epochs_survive_a_broken_loss(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = errors.NonFiniteError("the loss (nan) is not finite at step 9 (epoch 2)", step=9, epoch=2)
    broken.history = History([EpochRecord(1, 1.0, 0.5, 1.0, 0.5, 1.0, 9.0)], "non-finite", 1)

    def fit(*_: object, **__: object) -> None:
        raise broken

    monkeypatch.setattr("cnnfast.cli.train.fit", fit)
    monkeypatch.setattr(datasets, "load", lambda name, train, root: datasets.glyphs(40, seed=int(train)))
    assert main(["train", "--model", "d4", "--out", "a"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "written a (0.2 MB)"
    assert said.err == "error: the loss (nan) is not finite at step 9 (epoch 2)\n"
    assert serialization.metadata("a")["training"]["history"]["stopped"] == "non-finite"


# ------------------------------------------------------------------ data that is not there


def test_train_without_the_data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "no-data" / "mnist"
    for words in ([], ["--root", str(folder.parent)]):
        said = error_of(capsys, "train", "--data", "mnist", *words)
        assert said.startswith(
            f"MNIST (train): no train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz in {folder}; "
        )
        assert "cnnfast data download mnist" in said


# ------------------------------------------------------------------ data download, failures of other kinds


def test_data_download(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running_server() as server:
        files = fake_mnist(server, monkeypatch)
        assert main(["data", "download", "mnist", "--root", str(tmp_path)]) == 0
        said = capsys.readouterr().out.splitlines()
        assert said == [str(tmp_path / "mnist" / name) for name in files]
        assert main(["data", "--root", str(tmp_path), "download", "mnist"]) == 0
    assert {path.name for path in (tmp_path / "mnist").iterdir()} == set(files)


def test_an_error_of_the_system_names_the_file(capsys: pytest.CaptureFixture[str], model_file: str) -> None:
    Path("folder.png").mkdir()
    assert error_of(capsys, "predict", "--model", model_file, "folder.png") == (
        "folder.png: no images in this folder"
    )


def test_ctrl_c_outside_of_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(serialization, "load", interrupted)
    assert error_of(capsys, "evaluate", "a") == "interrupted"


def test_debug_lets_the_error_through() -> None:
    with pytest.raises(errors.CnnfastError, match="--resume needs --checkpoint FOLDER"):
        main(["--debug", "train", "--resume"])
