"""A trained network is written whatever happens, and never over a better one without need."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cnnfast import datasets, models
from cnnfast.cli import main
from cnnfast.datasets import ImageDataset
from cnnfast.nn import Module, serialization
from cnnfast.training.evaluation import Evaluation, evaluate
from cnnfast.training.history import EpochRecord, History

from tests.support.command import environment

#: The command with little data, so that an epoch is over at once.
pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from cnnfast import datasets
from cnnfast.cli import main
datasets.load = lambda name, train, root: datasets.glyphs(320, seed=int(train))
sys.exit(main(sys.argv[1:]))
"""
SMALL = [sys.executable, "-c", PROGRAM]
TRAIN = ["train", "--model", "d4", "--lr", "0.003", "--schedule", "constant", "--out", "m.safetensors"]

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and terminals")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(datasets, "load", lambda name, train, root: datasets.glyphs(320, seed=int(train)))


def stopped() -> str:
    return str(serialization.metadata("m.safetensors")["training"]["history"]["stopped"])


def ended(epochs: int, stopped: str = "interrupted", accuracy: float = 0.5) -> Any:
    """A `fit` that does nothing but say how it went."""

    def fit(*_: object, **__: object) -> History:
        records = [EpochRecord(1 + i, 1.0, accuracy, None, None, 1.0, 9.0) for i in range(epochs)]
        return History(records, stopped)  # type: ignore[arg-type]

    return fit


def with_accuracy(accuracy: float) -> Any:
    def evaluated(model: Module, data: ImageDataset) -> Evaluation:
        found = evaluate(model, data)
        object.__setattr__(found, "accuracy", accuracy)
        return found

    return evaluated


def start(words: Sequence[str] = (), epochs: int = 3000, **changes: Any) -> subprocess.Popen[str]:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **changes}
    return subprocess.Popen([*SMALL, *TRAIN, "--epochs", str(epochs), *words], env=environment(), **pipes)


def read_epochs(process: subprocess.Popen[str], count: int) -> None:
    assert process.stderr is not None
    for epoch in range(1, count + 1):
        line = process.stderr.readline()
        assert line.startswith(f"epoch {epoch}/"), line + process.stderr.read()


# ------------------------------------------------------------------ signals


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_end_it_like_ctrl_c(name: str) -> None:
    with start() as process:
        read_epochs(process, 15)  # until it has learned something
        process.send_signal(getattr(signal, name))
        process.send_signal(getattr(signal, name))  # once from the terminal, once from the shell
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted after " in out
    assert out.splitlines()[-1] == "written m.safetensors (0.2 MB)"
    assert "Traceback" not in err
    assert stopped() == "interrupted"


@posix
def test_under_nohup_it_goes_on() -> None:
    def nohup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with start(epochs=40, preexec_fn=nohup) as process:
        read_epochs(process, 1)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert stopped() == "finished"


# ------------------------------------------------------------------ nobody listens


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_ends_nothing(unbuffered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with start(epochs=20, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("data ")
        process.stdout.close()
        assert process.wait(timeout=60) == 0
    assert stopped() == "finished"


@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_nothing(closed: str) -> None:
    words = [*SMALL, *TRAIN, "--epochs", "20"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert stopped() == "finished"


@posix
def test_a_terminal_that_is_closed_ends_nothing() -> None:
    pytest.importorskip("rich")
    ours, theirs = os.openpty()
    with start(epochs=60, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while b"epoch" not in seen:
            seen += os.read(ours, 1000)
        os.close(ours)
        assert process.wait(timeout=60) == 0
    assert b"\x1b[?25l" not in seen  # the cursor was never hidden
    assert stopped() == "finished"


# ------------------------------------------------------------------ what is not written


def test_an_unfinished_first_epoch_is_not_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("m.safetensors").write_bytes(b"good")
    monkeypatch.setattr("cnnfast.cli.train.fit", ended(epochs=0))
    assert main(TRAIN) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "interrupted in the first epoch; no file was written"
    assert Path("m.safetensors").read_bytes() == b"good"
    assert os.listdir() == ["m.safetensors"]


@pytest.mark.parametrize("accuracy", [0.0, 0.034, 0.06])
def test_what_has_learned_nothing_is_not_written(
    accuracy: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("m.safetensors").write_bytes(b"good")
    words = [*TRAIN, "--validation", "0"]
    text = (
        f"error: nothing learned: accuracy {accuracy:.2%} on 320 images, where the most frequent class alone "
        "gives {}; no file was written; a smaller --lr may help (now 0.003)\n"
    )
    monkeypatch.setattr("cnnfast.cli.train.evaluate", with_accuracy(accuracy))
    monkeypatch.setattr("cnnfast.cli.train.fit", ended(epochs=2, stopped="finished"))
    assert main(words) == 1
    assert capsys.readouterr().err == text.format("5.31%")
    monkeypatch.setattr("cnnfast.cli.train.fit", ended(epochs=2, accuracy=accuracy))
    assert main(words) == 1
    assert capsys.readouterr().err == text.format("6.56%")
    assert Path("m.safetensors").read_bytes() == b"good"
    assert os.listdir() == ["m.safetensors"]


def test_a_diverged_training_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--model", "d4", "--optimizer", "sgd", "--lr", "30", "--epochs", "3", "--out", "m"]
    assert main(words) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
    assert os.listdir() == []


def test_a_complete_file_outlives_incomplete_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models.d4(seed=0).save("m.safetensors", training={"history": {"stopped": "finished"}})
    os.utime("m.safetensors", (1_000_000, 1_000_000))
    good = Path("m.safetensors").read_bytes()
    for epochs in (1, 2):
        monkeypatch.setattr("cnnfast.cli.train.fit", ended(epochs))
        assert main(TRAIN) == 1
        said = capsys.readouterr().out
        assert ("kept    m.previous.safetensors, the previous file\n" in said) == (epochs == 1)
        assert Path("m.previous.safetensors").read_bytes() == good
        assert Path("m.previous.safetensors").stat().st_mtime == 1_000_000
        assert len(serialization.metadata("m.safetensors")["training"]["history"]["epochs"]) == epochs


# ------------------------------------------------------------------ where it is written


def refusing(place: str) -> Any:
    """A `save` on a disk that is full at one place."""
    save = serialization.save

    def full(model: Module, path: str, **settings: Any) -> None:
        if str(path).startswith(place):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        save(model, path, **settings)

    return full


def test_a_disk_that_is_full_at_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("cnnfast.cli.train.fit", ended(epochs=2))
    monkeypatch.setattr(serialization, "save", refusing("m.safetensors"))
    full = f"error: m.safetensors: {os.strerror(errno.ENOSPC)}"
    assert main(TRAIN) == 1
    assert capsys.readouterr().err == full + "\n"  # neither folder is there
    for place in ("temporary", "home"):
        (tmp_path / place).mkdir()
        assert main(TRAIN) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"{full}; the model is in {tmp_path / place}{os.sep}cnnfast-")
        path = said.partition("the model is in ")[2].removesuffix(" instead\n")
        assert serialization.load(path).num_parameters() > 0
    assert os.listdir() == []


def test_a_disk_without_room_is_told_before_the_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def full(handle: int, offset: int, size: int) -> None:
        asked.append(size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    assert main(TRAIN) == 1
    assert capsys.readouterr() == ("", f"error: m.safetensors: {os.strerror(errno.ENOSPC)}\n")
    assert asked[0] > 4 * models.d4(seed=0).num_parameters()
    assert os.listdir() == []


@posix
def test_out_may_be_in_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("cnnfast.cli.train.fit", ended(epochs=2))
    for _ in range(2):
        assert main([*TRAIN[:-1], "~/m.safetensors"]) == 1
        assert capsys.readouterr().out.splitlines()[-1] == "written ~/m.safetensors (0.2 MB)"
    assert sorted(os.listdir(tmp_path)) == ["here", "m.safetensors"]
    assert os.listdir() == []


def test_ctrl_c_during_the_test_keeps_the_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(model: Module, data: ImageDataset) -> Evaluation:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    monkeypatch.setattr("cnnfast.cli.train.evaluate", interrupted)
    monkeypatch.setattr("cnnfast.cli.train.fit", ended(epochs=2, stopped="finished"))
    assert main(TRAIN) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "written m.safetensors (0.2 MB)"
    assert stopped() == "finished"
