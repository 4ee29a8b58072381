"""Every command: what it prints, the files it writes, its exit code."""

from __future__ import annotations

import errno
import io
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import losses
from cnnfast.cli import main, train_options
from cnnfast.cli import train as training_command
from cnnfast.cli.main import parser
from cnnfast.nn import serialization

from tests.support.command import PROGRAM, cnnfast, cnnfast_process, environment
from tests.support.drawings import drawing

pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder in which `cnnfast train` has run (the smallest network, one epoch), and what it said."""
    folder = tmp_path_factory.mktemp("trained")
    return folder, cnnfast_process("train", "--model", "d4", "--epochs", "1", cwd=folder, COLUMNS="120")


@pytest.fixture(scope="module")
def folder(trained: tuple[Path, object]) -> Path:
    return trained[0]


@pytest.fixture(scope="module")
def letter(folder: Path) -> Path:
    file = folder / "letter.png"
    drawing().save(file)
    return file


NAME = "cnnfast-glyphs-d4.safetensors"


# ------------------------------------------------------------------ train


def test_train_reports_each_step_of_the_way(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, done = trained
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "data    glyphs: 19,000 images to train, 1,000 to validate, 4,000 to test; 26 classes (a, b ... z)"
    )
    assert lines[1].startswith("        Synthetic letters a..z drawn by cnnfast")
    assert any(
        re.fullmatch(r"model   d4: 53,178 parameters, [\d,]+ multiply-adds per image", x) for x in lines
    )
    assert any(re.fullmatch(r"engine  threads \d+, instruction set \w+", x) for x in lines)
    test = r"test    accuracy [\d.]+%, top-2 [\d.]+%, loss [\d.]+ on 4,000 unseen synthetic letters"
    assert re.fullmatch(test, lines[-3])
    assert re.fullmatch(rf"written {NAME} \(0\.2 MB\)", lines[-2])
    assert lines[-1] == f"try     cnnfast predict --model {NAME} letter.png"
    epochs = done.stderr.splitlines()
    assert len(epochs) == 1
    assert epochs[0].startswith("epoch 1/1  loss ")


def test_the_file_says_how_it_was_made(folder: Path) -> None:
    training = serialization.metadata(folder / NAME)["training"]
    assert training["data"] == "glyphs"
    assert training["model"] == "d4"
    assert training["seed"] == 0
    assert losses.from_config(training["loss"]) == losses.CrossEntropy()
    assert training["history"]["stopped"] == "finished"
    assert training["test"]["n"] == 4000
    assert training["test"]["accuracy"] > 0.5


def test_label_smoothing_reaches_the_loss() -> None:
    options = parser().parse_args(["train", "--label-smoothing", "0.1"])
    data = cf.datasets.glyphs(4, seed=0)
    assert training_command._loss(options, data) == losses.CrossEntropy(label_smoothing=0.1)


@pytest.mark.slow
def test_train_stops_at_ctrl_c_and_keeps_the_best(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "train", "--model", "d4", "--epochs", "500", "--out", "kept.safetensors"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("epoch 1/500  ")
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        stdout, stderr = process.communicate(timeout=60)
        assert time.monotonic() - asked < 5  # a second on a quiet machine
    finally:
        process.kill()
    assert process.returncode == 1
    lines = stdout.splitlines()
    stopped = r"interrupted after (\d+) of 500 epochs; weights of epoch (\d+), the best"
    match = re.fullmatch(stopped, lines[-2])
    assert match, stdout
    assert lines[-1] == "written kept.safetensors (0.2 MB)"
    assert "Traceback" not in stderr
    history = serialization.metadata(tmp_path / "kept.safetensors")["training"]["history"]
    assert history["stopped"] == "interrupted"
    assert history["best_epoch"] == int(match[2])
    assert len(history["epochs"]) == int(match[1])
    assert cf.load(tmp_path / "kept.safetensors").classes == tuple("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.slow
def test_train_says_at_which_step_the_loss_broke(tmp_path: Path) -> None:
    words = ("train", "--model", "d4", "--optimizer", "sgd", "--lr", "1e30", "--out", "a.safetensors")
    done = cnnfast(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"error: the .* is not finite at step \d+ \(epoch 1\); .*\n", done.stderr)
    assert not (tmp_path / "a.safetensors").exists()


@pytest.mark.parametrize("optimizer", train_options.OPTIMIZERS)
@pytest.mark.parametrize("schedule", cf.optim.lr_scheduler.names())
def test_every_optimizer_goes_with_every_schedule(
    optimizer: str,
    schedule: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = [cf.datasets.glyphs(40, seed=0), cf.datasets.glyphs(10, seed=1)]
    monkeypatch.setattr(cf.datasets, "load", lambda name, train, root: few[0 if train else 1])
    out = tmp_path / "a.safetensors"
    words = ["--model", "d4", "--optimizer", optimizer, "--schedule", schedule, "--validation", "0.2"]
    assert main(["train", *words, "--epochs", "2", "--batch-size", "8", "--out", str(out)]) == 0
    capsys.readouterr()
    outcome = serialization.metadata(out)["training"]
    assert (outcome["optimizer"], outcome["schedule"]) == (optimizer, schedule)
    assert outcome["lr"] == train_options.LEARNING_RATES[optimizer]


# ------------------------------------------------------------------ evaluate


def test_evaluate_finds_what_train_said(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, training = trained
    said = re.search(r"test    accuracy ([\d.]+%), top-2 ([\d.]+%)", training.stdout)
    assert said
    done = cnnfast("evaluate", NAME, "--data", "glyphs", cwd=folder)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == f"{NAME} on glyphs/test"
    assert f"accuracy {said[1]}  top-2 {said[2]}  loss " in done.stdout


@pytest.mark.slow
def test_evaluate_as_json_with_the_newest_model_and_its_own_data(folder: Path) -> None:
    done = cnnfast("evaluate", "--json", cwd=folder)
    assert done.returncode == 0
    assert done.stderr == f"model: {NAME} (the newest here)\n"
    result = json.loads(done.stdout)
    assert result["model"] == NAME
    assert result["data"] == "glyphs/test"
    assert result["n"] == 4000
    assert np.sum(result["confusion"]) == 4000


# ------------------------------------------------------------------ predict

READING = r" {3}[a-z] +[\d.]+%"


def test_predict_prints_the_three_likeliest(folder: Path, letter: Path) -> None:
    done = cnnfast("predict", letter.name, cwd=folder)
    assert done.returncode == 0
    assert done.stderr == f"model: {NAME} (the newest here)\n"
    assert re.fullmatch(rf"letter\.png(?:{READING}){{3}}\n", done.stdout)


def test_predict_reads_several_and_names_those_it_cannot(folder: Path, letter: Path) -> None:
    (folder / "text.png").write_text("no image")
    done = cnnfast("predict", "--model", NAME, "none.png", letter.name, "text.png", letter, cwd=folder)
    assert done.returncode == 1
    errors = done.stderr.splitlines()
    assert errors[0] == "error: none.png: No such file or directory"
    assert errors[1].startswith("error: text.png: not an image of a known kind")
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(rf"letter\.png +(?:{READING}){{3}}", lines[0])
    assert len({len(line) for line in lines}) == 1


def test_predict_as_json(folder: Path, letter: Path) -> None:
    done = cnnfast("predict", "--json", "--threads", "1", letter.name, "none.png", cwd=folder)
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["model"] == NAME
    good, bad = result["images"]
    assert good["file"] == "letter.png"
    assert [set(entry) for entry in good["top"]] == [{"class", "probability"}] * 3
    assert bad == {"file": "none.png", "error": "none.png: No such file or directory"}


def test_predict_shows_what_the_network_sees(folder: Path, letter: Path) -> None:
    done = cnnfast("predict", "--show", letter.name, cwd=folder)
    lines = done.stdout.splitlines()
    assert len(lines) == 29
    assert all(len(line) <= 56 for line in lines[:28])
    assert "@@@@" in done.stdout


# ------------------------------------------------------------------ models, data, show-config, bench


@pytest.mark.slow
def test_models() -> None:
    done = cnnfast("models")
    assert done.returncode == 0
    assert done.stdout == f"{cf.models.list()}\n"
    layers = cnnfast("models", "hello_dl_letters")
    assert layers.returncode == 0
    assert layers.stdout == f"{cf.models.hello_dl_letters()}\n"


def test_data_lists_what_is_there(tmp_path: Path) -> None:
    done = cnnfast("data", CNNFAST_DATA=str(tmp_path), COLUMNS="140")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"data folder {tmp_path}"
    assert lines[2].split() == ["data", "set", "train", "test"]
    rows = {line.split()[0]: line for line in lines[3:]}
    assert list(rows) == cf.datasets.names()
    assert re.fullmatch(r"glyphs +yes +yes +synthetic, drawn when loaded", rows["glyphs"])
    assert re.fullmatch(r"mnist +no +no +get it with: cnnfast data download mnist", rows["mnist"])

    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte").touch()
    again = cnnfast("data", "--root", tmp_path, COLUMNS="140")
    missing = "train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz"
    assert re.search(rf"^mnist +no +no +missing {missing}$", again.stdout, re.MULTILINE)


@pytest.mark.slow
def test_data_download_without_a_network(tmp_path: Path) -> None:
    done = cnnfast("data", "download", "mnist", "--root", tmp_path, "--url", "http://127.0.0.1:9/")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: MNIST could not be downloaded (")
    assert f"into {tmp_path / 'mnist'} by hand" in done.stderr


def test_show_config() -> None:
    done = cnnfast("show-config")
    assert done.returncode == 0
    assert done.stdout.startswith("cnnfast ")
    facts = json.loads(cnnfast("show-config", "--json").stdout)
    assert facts["version"] == cf.__version__
    assert facts["isa"] in facts["isas_available"]


def test_bench(tmp_path: Path) -> None:
    done = cnnfast("bench", "--quick", "--only", "peak float32", "--json", "speed.json", cwd=tmp_path)
    assert done.returncode == 0
    assert "GFLOP/s on one thread" in done.stdout
    assert json.loads((tmp_path / "speed.json").read_text())["peak"]


# ------------------------------------------------------------------ the frame


def test_version_and_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert cnnfast_process("--version").stdout == f"cnnfast {cf.__version__}\n"
    top = cnnfast("--help")
    assert top.returncode == 0
    for command in ("train", "evaluate", "predict", "models", "data", "bench", "show-config"):
        assert f"\n    {command}" in top.stdout
        monkeypatch.setenv("COLUMNS", "80")
        assert main([command, "--help"]) == 0
        help_text = capsys.readouterr().out
        assert help_text.startswith(f"usage: cnnfast {command} [-h]")
        assert "None" not in help_text
        assert max(map(len, help_text.splitlines())) <= 80


def test_nothing_said_is_wrong_usage_and_shows_the_help() -> None:
    done = cnnfast()
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: cnnfast [-h] [--version] [--debug] COMMAND ...")


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_reason_for_noise() -> None:
    process = subprocess.Popen(
        [*PROGRAM, "show-config"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.slow
def test_a_full_disk_behind_stdout_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "show-config"],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_output_lost_at_the_end_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """What argparse prints is still in the buffer when the work is done."""

    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert main(["--version"]) == 1


@pytest.mark.slow
def test_debug_shows_where_an_error_arose(tmp_path: Path) -> None:
    for words in (["--debug", "evaluate", "none"], ["evaluate", "none", "--debug"]):
        done = cnnfast_process(*words, cwd=tmp_path)
        assert done.returncode == 1
        assert "Traceback" in done.stderr
        assert done.stderr.rstrip().endswith("FileNotFoundError: load: there is no file none")


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from cnnfast.cli import main; main(['--help']); "
        "heavy = {'PIL', 'rich', 'pooch', 'requests', 'torch', 'safetensors'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
