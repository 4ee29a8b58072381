"""The callbacks that come with the package."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import (
    BestCheckpoint,
    Context,
    CSVLogger,
    EarlyStopping,
    JSONLinesLogger,
    TensorBoard,
    fit,
    optim,
)
from cnnfast.errors import MissingDependencyError

from tests.support.refusal import refused
from tests.support.training import At, blobs, mlp


def noisy(callbacks: list[cf.Callback], epochs: int = 12, **settings: Any) -> tuple[Any, Any]:
    """A training whose validation loss goes up and down."""
    model = mlp()
    arguments = {"validation": blobs(30, seed=1), "batch_size": 5, "progress": False, **settings}
    return model, fit(model, blobs(), epochs, optim.SGD(0.8), callbacks=callbacks, **arguments)


def test_early_stopping_ends_after_patience_and_restores_the_best() -> None:
    weights: list[np.ndarray] = []
    keep = At("epoch_end", lambda context: weights.append(context.model.flat_parameters.copy()))
    model, history = noisy([EarlyStopping("val_loss", patience=3), keep], 40)
    losses = [record.val_loss for record in history.epochs]
    best = int(np.argmin(losses))
    assert len(losses) < 40, "choose another seed: it did not stop"
    assert (history.stopped, history.best_epoch, len(losses)) == ("early stopping", best + 1, best + 4)
    np.testing.assert_array_equal(model.flat_parameters, weights[best])


def test_early_stopping_restores_the_best_also_if_the_training_ends_before() -> None:
    model, history = noisy([EarlyStopping("val_loss", patience=99)])
    best = int(np.argmin([record.val_loss for record in history.epochs])) + 1
    assert (history.stopped, history.best_epoch) == ("finished", best)
    assert best not in (len(history.epochs), noisy([])[1].best_epoch), "choose another seed"
    assert cf.evaluate(model, blobs(30, seed=1)).loss == history.epochs[best - 1].val_loss
    kept = noisy([EarlyStopping("val_loss", patience=99, restore_best=False)])[1]
    assert kept.best_epoch == noisy([])[1].best_epoch


def test_early_stopping_by_the_criterion_of_fit() -> None:
    history = noisy([EarlyStopping(patience=4)], 60)[1]
    assert history.stopped == "early stopping"
    assert len(history.epochs) == history.best_epoch + 4


def test_small_improvements_do_not_count() -> None:
    history = noisy([EarlyStopping("loss", patience=1, min_delta=math.log(3))])[1]
    assert len(history.epochs) == 2
    rising = noisy([EarlyStopping("loss", mode="max", patience=1)])[1]
    assert len(rising.epochs) == 2
    accuracy = noisy([EarlyStopping("accuracy", patience=1)])[1]
    values = [record.accuracy for record in accuracy.epochs]
    assert max(values) in values[-2:]


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"patience": 0}, ValueError, "EarlyStopping: patience must be at least 1, got 0"),
        (
            {"min_delta": 0.1},
            ValueError,
            'EarlyStopping: min_delta needs a monitor, such as monitor="val_loss"',
        ),
        ({"mode": "up"}, ValueError, 'EarlyStopping: mode must be "auto", "min" or "max", got \'up\''),
        ({"monitor": 3}, TypeError, "EarlyStopping: monitor must be the name of a metric, got int"),
        ({"restore_best": 1}, TypeError, "EarlyStopping: restore_best must be True or False, got 1"),
    ],
    ids=str,
)
def test_settings_are_checked(settings: Any, error: type[Exception], text: str) -> None:
    with refused(error, text):
        EarlyStopping(**settings)


def test_a_metric_that_the_training_does_not_have() -> None:
    with refused(
        ValueError,
        "EarlyStopping: there is no metric 'val_los'; there are loss, accuracy, val_loss, val_accuracy, lr, "
        "seconds, val_seconds, images_per_second, skipped_steps; did you mean 'val_loss'?",
    ):
        noisy([EarlyStopping("val_los")])
    with refused(
        ValueError, 'BestCheckpoint: needs validation data (fit(validation=...)), or monitor="loss"'
    ):
        fit(mlp(), blobs(), callbacks=[BestCheckpoint("x")], progress=False)


@pytest.mark.parametrize("monitor", [None, "val_loss"])
def test_the_best_checkpoint_is_the_best_model(monitor: str | None, tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    model, history = noisy([BestCheckpoint(path, monitor), EarlyStopping(monitor, patience=99)])
    np.testing.assert_array_equal(cf.load(path).flat_parameters, model.flat_parameters)
    saved = cf.nn.serialization.metadata(path)["training"]
    assert saved["stopped"] == "running"
    assert len(saved["epochs"]) == history.best_epoch < len(history.epochs)


def test_the_best_checkpoint_is_refused_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="BestCheckpoint: cannot write"):
        noisy([BestCheckpoint(tmp_path / "no" / "best.safetensors")])


def test_logs_have_a_line_for_each_epoch(tmp_path: Path) -> None:
    table, lines = tmp_path / "log.csv", tmp_path / "log.jsonl"
    table.write_text("of another training")
    seen: list[int] = []
    count = At("epoch_end", lambda context: seen.append(table.read_text().count("\n")))
    history = noisy([CSVLogger(table), JSONLinesLogger(lines), count], 3, metrics=["top2"])[1]
    assert seen == [2, 3, 4], "each line is there after its epoch"
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    objects = [json.loads(line) for line in lines.read_text().splitlines()]
    for row, entry, record in zip(rows, objects, history.epochs, strict=True):
        want = {"epoch": record.epoch, **record.logs()}
        assert entry == want
        assert {name: float(value) for name, value in row.items()} == want
    assert "val_top2" in rows[0]


def fake_tensorboard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            calls.append(("open", folder))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            calls.append((name, value, step))

        def flush(self) -> None:
            pass

        def close(self) -> None:
            calls.append(("close",))

    module = ModuleType("tensorboardX")
    module.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", module)
    return calls


def test_tensorboard_gets_epochs_and_some_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_tensorboard(monkeypatch)
    history = noisy([TensorBoard("runs", every=4)], 2)[1]
    assert (calls[0], calls[-1]) == (("open", "runs"), ("close",))
    assert ("epoch/val_loss", history.epochs[1].val_loss, 2) in calls
    assert [call[2] for call in calls if call[0] == "step/loss"] == [4, 8, 12, 16]
    calls.clear()
    callback = TensorBoard("runs")
    assert callback.on_batch_end.__func__ is cf.Callback.on_batch_end
    noisy([callback], 1)
    assert not any(call[0].startswith("step") for call in calls)


def test_tensorboard_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    text = "writing for TensorBoard needs the package tensorboardX: pip install tensorboardX"
    with refused(MissingDependencyError, text):
        TensorBoard("runs")


def test_a_time_limit_ends_the_epoch_and_leaves_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("cnnfast.training.callbacks.time_limit.time.perf_counter", lambda: now[0])

    def tick(context: Context) -> None:
        now[0] += 1.0

    history = fit(
        mlp(), blobs(), 9, optim.SGD(0.4), 10, schedule="cosine", progress=False,
        callbacks=[At("batch_begin", tick), cf.TimeLimit(6)],
    )  # fmt: skip
    assert (history.stopped, len(history.epochs)) == ("time limit", 2)
    want = optim.lr_scheduler.CosineAnnealingLR(36, by="step").lr(0.4, step=5)
    assert history.epochs[-1].lr == want
