"""Two trainings cannot use one checkpoint folder at a time, and a refused one leaves the model as it was."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import _locks, augment, fit, nn, optim
from cnnfast.errors import CheckpointError

from tests.support.refusal import refused
from tests.support.training import At, blobs, mlp

HOLD = """
import sys, time
from pathlib import Path
from cnnfast.training.checkpoint_folder import CheckpointFolder
with CheckpointFolder(Path(sys.argv[1]), 3, 10.0).in_use():
    print("held", flush=True)
    time.sleep(60)
"""


def train(folder: Path, **more: Any) -> cf.History:
    given = {"model": mlp(), "data": blobs(), "epochs": 1, "batch_size": 10, "resume": True, **more}
    return fit(**given, optimizer=optim.SGD(0.1), checkpoint=folder, progress=False)


def in_use(folder: Path, process: int) -> str:
    return (
        f"fit: checkpoint: {folder} is in use by another training (process {process} on {platform.node()}); "
        "wait until it has ended, or use another folder"
    )


def test_another_process(tmp_path: Path) -> None:
    """While it runs it is named; killed, it leaves a file that does not matter."""
    folder = tmp_path / "state"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        with refused(CheckpointError, in_use(folder, other.pid)):
            train(folder)
    finally:
        other.kill()
        other.communicate()
    assert (folder / "training.lock").exists()
    assert train(folder).stopped == "finished"
    assert not (folder / "training.lock").exists()


def test_the_same_process(tmp_path: Path) -> None:
    def again(context: cf.Context) -> None:
        with refused(CheckpointError, in_use(tmp_path, os.getpid())):
            train(tmp_path)

    train(tmp_path, callbacks=[At("batch_end", again)])
    train(tmp_path, epochs=2)  # the folder is free again
    with pytest.raises(RuntimeError, match="ended"):
        train(tmp_path, epochs=3, callbacks=[At("batch_end", fail)])
    assert not (tmp_path / "training.lock").exists()


def fail(context: cf.Context) -> None:
    raise RuntimeError("ended")


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(handle: int) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr(_locks, "_lock", unsupported)
    assert train(tmp_path).stopped == "finished"


def test_a_refused_training_records_nothing(tmp_path: Path) -> None:
    train(tmp_path)
    x, y = blobs()
    names = np.array(["a", "b", "c"])[y]
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))
    with pytest.raises(CheckpointError):
        train(tmp_path, model=model, data=(x, names))
    assert (model.input_shape, model.classes, model.trained_on) == (None, None, None)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"augment": augment.Affine(degrees=5)}, "augment needs uint8 images, got x of dtype float32"),
        (
            {"augment": augment.MixUp(), "sample_weight": np.ones(40)},
            f"sample_weight cannot be used with {augment.MixUp()!r}, which mixes images",
        ),
    ],
)
def test_errors_of_augmentation_name_fit(more: dict[str, Any], text: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        fit(mlp(), blobs(), 1, progress=False, **more)
    assert str(caught.value) == f"fit: {text}"
