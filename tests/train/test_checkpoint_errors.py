"""Checkpoints that are refused, and what becomes of a training whose checkpoints cannot be written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import _safetensors, fit, nn, optim
from cnnfast.errors import CheckpointError

from tests.support.hostile_checkpoints import split
from tests.support.refusal import refused
from tests.support.training import blobs, mlp

NAME = "step-000000008.safetensors"
START: dict[str, Any] = {
    "model": lambda: mlp(), "data": blobs(), "epochs": 2, "optimizer": lambda: optim.Adam(0.01),
    "batch_size": 10, "schedule": "cosine", "validation": blobs(seed=1), "ema": 0.9, "progress": False,
}  # fmt: skip


def train(folder: Path, **changes: Any) -> cf.History:
    arguments = {**START, "checkpoint": folder, "resume": True, **changes}
    for name in ("model", "optimizer"):
        if callable(arguments[name]) and not isinstance(arguments[name], nn.Module):
            arguments[name] = arguments[name]()
    return fit(**arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("checkpoints")
    train(made)
    return made


def wider() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3), input_shape=(5,))


def changed_data() -> tuple[np.ndarray, np.ndarray]:
    x, y = blobs()
    x[39, 4] += 1e-6
    return x, y


def float64(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x, y = blobs(seed=seed)
    return x.astype(np.float64), y


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"batch_size": 20}, "batch_size was 10 and is 20 now"),
    ({"schedule": "constant"}, "schedule was {'type': 'CosineAnnealingLR', 'epochs': 2"),
    ({"seed": 1}, "seed was 0 and is 1 now"),
    ({"shuffle": False}, "shuffle was True and is False now"),
    ({"epochs": 3}, "schedule.epochs was 2 and is 3 now"),
    ({"epochs": 1}, "schedule.epochs was 2 and is 1 now"),
    ({"data": blobs(60)}, "data.x.shape[0] was 40 and is 60 now"),
    ({"optimizer": lambda: optim.Adam(0.02)}, "optimizer.lr was 0.01 and is 0.02 now"),
    ({"optimizer": lambda: optim.SGD(0.01)}, "optimizer.type was 'Adam' and is 'SGD' now"),
    ({"ema": None}, "ema was 0.9 and is None now"),
    ({"clip_norm": 1}, "clip_norm was None and is 1 now"),
    ({"micro_batch": 5}, "micro_batch was None and is 5 now"),
    ({"metrics": ["f1"]}, "metrics was [] and is ['f1'] now"),
    ({"callbacks": [cf.EarlyStopping()]}, "callbacks was [] and is ['EarlyStopping'] now"),
    ({"validation": blobs(seed=2)}, "validation.x has other values now"),
    ({"data": changed_data()}, "data.x has other values now"),
    ({"data": blobs(39)}, "data.x.shape[0] was 40 and is 39 now"),
    ({"loss": cf.losses.CrossEntropy(label_smoothing=0.1)}, "loss.label_smoothing was 0.0 and is 0.1 now"),
    ({"model": wider}, "model.architecture."),
    ({"model": lambda: mlp().to("float64"), "data": float64()}, "model.dtype was"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "text"), CHANGES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_another_training_is_refused_by_name(changes: dict[str, Any], text: str, folder: Path) -> None:
    if text.startswith("model.dtype"):
        changes = {**changes, "validation": float64(1)}
    with pytest.raises(ValueError, match="cannot resume from") as caught:
        train(folder, **changes)
    assert str(caught.value).startswith(f"fit: cannot resume from {folder / NAME}: {text}")


def test_fewer_epochs_than_are_done(tmp_path: Path) -> None:
    train(tmp_path, schedule="constant")
    with refused(ValueError, f"fit: epochs=1, but {tmp_path / NAME} has done 2 epochs already"):
        train(tmp_path, schedule="constant", epochs=1)


def test_a_new_training_does_not_overwrite_an_old_one(folder: Path) -> None:
    with refused(
        ValueError,
        f"fit: checkpoint: {folder} has checkpoints of a training (the newest after 8 steps); "
        "use resume=True to continue it, or another folder",
    ):
        train(folder, resume=False)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"resume": 1}, TypeError, "fit: resume must be True or False, got 1"),
        (
            {"checkpoint": None},
            ValueError,
            "fit: resume needs the folder of the checkpoints; set checkpoint=...",
        ),
        ({"checkpoint": 3}, TypeError, "fit: checkpoint must be the name of a folder, got int"),
        ({"keep": 0}, ValueError, "fit: keep must be at least 1, got 0"),
        ({"every_minutes": 0}, ValueError, "fit: every_minutes must be above 0, got 0"),
    ],
    ids=str,
)
def test_arguments(changes: dict[str, Any], error: type[Exception], text: str, tmp_path: Path) -> None:
    with refused(error, text):
        train(tmp_path, **changes)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with refused(NotADirectoryError, f"fit: checkpoint: {tmp_path / 'file'} is a file, not a folder"):
        train(tmp_path / "file")


def copied(folder: Path, to: Path, content: bytes) -> Path:
    to.joinpath("notes.txt").write_text("other files do not matter")
    to.joinpath("step-1.safetensors").write_text("nor this one")
    path = to / NAME
    path.write_bytes(content)
    return path


DAMAGES: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda good: good[: len(good) // 2], "is not a safetensors file, or is damaged: "),
    (lambda good: good[:-1] + bytes([good[-1] ^ 1]), "is damaged: its contents do not have the checksum"),
    (
        lambda good: good.replace(b'\\"epoch\\": 3', b'\\"epoch\\": 4', 1),
        "is damaged: its contents do not have",
    ),
    (lambda good: b"", "is not a safetensors file, or is damaged: "),
    (lambda good: b"\x80\x04K\x01.", "is not a safetensors file, or is damaged: "),
]


@pytest.mark.parametrize("case", range(len(DAMAGES)))
def test_a_damaged_file_is_named(case: int, folder: Path, tmp_path: Path) -> None:
    damage, text = DAMAGES[case]
    good = (folder / NAME).read_bytes()
    assert damage(good) != good
    path = copied(folder, tmp_path, damage(good))
    model = mlp(seed=5)
    before = model.flat_parameters.copy()
    with pytest.raises(CheckpointError) as caught:
        train(tmp_path, model=model)
    assert str(caught.value).startswith(f"{path}: {text}")
    np.testing.assert_array_equal(model.flat_parameters, before)


def test_without_the_damaged_file_the_one_before_is_used(tmp_path: Path) -> None:
    train(tmp_path)
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"; remove it to resume from step-000000004\.safetensors$"):
        train(tmp_path)
    path.unlink()
    assert len(train(tmp_path).epochs) == 2


def test_a_model_is_not_a_checkpoint_and_the_other_way_round(folder: Path, tmp_path: Path) -> None:
    path = copied(folder, tmp_path, (folder / "best.safetensors").read_bytes())
    with refused(
        CheckpointError,
        f"{path}: is a safetensors file, but not a checkpoint of a training; remove it to start again",
    ):
        train(tmp_path)
    with refused(
        CheckpointError,
        f"{folder / NAME}: is a checkpoint of a training, not a model; continue it with "
        "fit(checkpoint=FOLDER, resume=True)",
    ):
        cf.load(folder / NAME)


def forged(good: bytes, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> bytes:
    """The file with another state and a correct checksum."""
    from safetensors.numpy import load, save

    texts, arrays = split(good)[0], load(good)
    state = json.loads(texts["state"])
    change(state, arrays)
    texts["state"] = json.dumps(state)
    texts["sha256"] = _safetensors.digest(texts, arrays)
    return save(arrays, texts)


FORGERIES: list[Callable[[dict[str, Any], dict[str, Any]], object]] = [
    lambda state, arrays: state.pop("position"),
    lambda state, arrays: state["position"].update(epoch="x"),
    lambda state, arrays: state["history"].update(epochs=[{"loss": 1}]),
    lambda state, arrays: state["optimizer"].update(steps=-1),
    lambda state, arrays: state["scheduler"].update(rates=[]),
    lambda state, arrays: arrays.update(weights=np.zeros(3, np.float32)),
    lambda state, arrays: arrays.update({"best/weights": np.zeros(3, np.float32)}),
    lambda state, arrays: arrays.pop("average/values"),
]


@pytest.mark.parametrize("case", range(len(FORGERIES)))
def test_a_forged_state_is_refused_and_changes_no_weights(case: int, folder: Path, tmp_path: Path) -> None:
    path = copied(folder, tmp_path, forged((folder / NAME).read_bytes(), FORGERIES[case]))
    model = mlp(seed=5)
    before = model.flat_parameters.copy()
    with pytest.raises(CheckpointError) as caught:
        train(tmp_path, model=model, ema=0.9, validation=START["validation"])
    assert str(caught.value).startswith(f"{path}: does not hold a state of this training: ")
    np.testing.assert_array_equal(model.flat_parameters, before)


def test_a_checkpoint_that_cannot_be_written_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnnfast.training import resume

    def full(path: Path, *rest: Any) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(resume, "write_checkpoint", full)
    with pytest.warns(UserWarning, match="could not be written: No space left on device") as caught:
        history = train(tmp_path)
    assert (history.stopped, len(history.epochs), len(caught)) == ("finished", 2, 2)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_refused_before_the_first_step(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError):
            train(tmp_path / "new")
    finally:
        tmp_path.chmod(0o755)
