"""A training that is stopped and resumed equals the uninterrupted one, bit for bit."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import Context, fit, optim

from tests.support.resumed import (
    AUGMENTATIONS,
    EPOCHS,
    OPTIMIZERS,
    SCHEDULES,
    STEPS_PER_EPOCH,
    outcome,
    settings,
    train,
)
from tests.support.training import At, blobs, mlp, untimed

LAST = EPOCHS * STEPS_PER_EPOCH
CASES = range(12)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are killed for real are in test_resume_killed.py."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


class Killed(Exception):
    pass


def at(step: int, how: str) -> cf.Callback:
    """Ends the training after a step: by an exception, as if it were killed, or by Ctrl-C."""

    def stop(context: Context) -> None:
        if context.step == step:
            if how == "killed":
                raise Killed
            signal.raise_signal(signal.SIGINT)

    return At("batch_end", stop)


def test_the_cases_have_all_settings() -> None:
    drawn = [settings(case) for case in CASES]
    assert {d["optimizer"] for d in drawn} == set(range(len(OPTIMIZERS)))
    assert {d["schedule"] for d in drawn} == set(range(len(SCHEDULES)))
    assert {d["augmentation"] for d in drawn} == set(range(len(AUGMENTATIONS)))
    for name in ("dropout", "batch_norm", "ema", "monitor", "micro_batch", "clip_norm"):
        assert len({d[name] for d in drawn}) == 2, name


#: One way to end for each case is quick; each optimizer is ended in both.
ENDS = [
    pytest.param(case, how, marks=() if k == (case + case // len(OPTIMIZERS)) % 2 else pytest.mark.slow)
    for case in CASES
    for k, how in enumerate(("killed", "interrupted"))
]


@pytest.mark.parametrize(("case", "how"), ENDS)
def test_resumed_is_uninterrupted(case: int, how: str, tmp_path: Path, set_threads: Any) -> None:
    whole = outcome(case, tmp_path / "whole", train(case, tmp_path / "whole"))
    plain = train(case, None)
    assert plain[0].flat_parameters.tobytes() == whole["weights"], "checkpoints change nothing"
    rng = np.random.default_rng(case)
    # the 5th and the 6th step are around an epoch's end and a rate set by hand
    for step in {5, 6, int(rng.integers(1, LAST + 1))}:
        folder = tmp_path / str(step)
        set_threads(int(rng.integers(1, 4)))
        try:
            history = train(case, folder, at(step, how))[1]
        except Killed:
            pass
        else:
            assert history.stopped == "interrupted"
        set_threads(int(rng.integers(1, 4)))
        assert outcome(case, folder, train(case, folder)) == whole, (step, settings(case))


def test_interrupted_again_and_again(tmp_path: Path) -> None:
    """One step at a time, by checkpoints within the epochs."""
    whole = outcome(1, tmp_path / "whole", train(1, tmp_path / "whole"))
    for step in range(1, LAST + 1):
        assert train(1, tmp_path / "parts", at(step, "interrupted"))[1].stopped == "interrupted"
    result = train(1, tmp_path / "parts")
    assert outcome(1, tmp_path / "parts", result) == whole


def test_checkpoints_in_an_epoch_are_written_every_few_minutes(tmp_path: Path) -> None:
    seen: list[list[str]] = []
    look = At("batch_begin", lambda context: seen.append(names(tmp_path)))
    fit(
        mlp(), blobs(), 1, batch_size=10, checkpoint=tmp_path, every_minutes=1e-9, callbacks=[look],
        progress=False,
    )  # fmt: skip
    first = "step-000000001.safetensors"
    assert seen[:2] == [[], [first]]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "training.lock")


def test_the_last_few_and_the_best_are_kept(tmp_path: Path) -> None:
    fit(
        mlp(),
        blobs(),
        5,
        batch_size=10,
        validation=0.25,
        checkpoint=tmp_path / "a" / "b",
        keep=2,
        progress=False,
    )
    assert names(tmp_path / "a" / "b") == [
        "best.safetensors", "step-000000012.safetensors", "step-000000015.safetensors"
    ]  # fmt: skip


def test_a_finished_training_is_not_trained_again_but_may_be_continued(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"batch_size": 10, "validation": 0.25, "progress": False}
    five = fit(mlp(), blobs(), 5, **arguments)
    fit(mlp(), blobs(), 3, checkpoint=tmp_path, **arguments)
    model = mlp(seed=1)
    again = fit(model, blobs(), 3, checkpoint=tmp_path, resume=True, **arguments)
    assert (again.stopped, len(again.epochs)) == ("finished", 3)
    np.testing.assert_array_equal(
        model.flat_parameters, cf.load(tmp_path / "best.safetensors").flat_parameters
    )
    more = fit(mlp(), blobs(), 5, checkpoint=tmp_path, resume=True, **arguments)
    assert untimed(more) == untimed(five)


def test_a_training_that_stopped_early_is_not_continued(tmp_path: Path) -> None:
    def run() -> cf.History:
        stopping = cf.EarlyStopping("loss", patience=1, min_delta=9)
        return fit(mlp(), blobs(), 9, callbacks=[stopping], checkpoint=tmp_path, resume=True, progress=False)

    first, second = run(), run()
    assert first.stopped == second.stopped == "early stopping"
    assert untimed(first) == untimed(second)


def test_in_the_same_program_with_the_same_model_and_optimizer(tmp_path: Path) -> None:
    model, optimizer = mlp(), optim.Adam(0.01)
    arguments: dict[str, Any] = {"schedule": "cosine", "batch_size": 10, "progress": False}
    twin = mlp()
    want = fit(twin, blobs(), 4, optim.Adam(0.01), **arguments)
    stop = at(6, "interrupted")
    fit(model, blobs(), 4, optimizer, callbacks=[stop], checkpoint=tmp_path, **arguments)
    found = fit(model, blobs(), 4, optimizer, checkpoint=tmp_path, resume=True, **arguments)
    assert untimed(found) == untimed(want)
    np.testing.assert_array_equal(model.flat_parameters, twin.flat_parameters)


def test_interrupted_in_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnfast.training import validation

    whole = outcome(3, tmp_path / "whole", train(3, tmp_path / "whole"))
    measure, calls = validation.measure, []

    def interrupted(*arguments: Any) -> bool:
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGINT)
        return measure(*arguments)

    monkeypatch.setattr(validation, "measure", interrupted)
    history = train(3, tmp_path / "parts")[1]
    assert (history.stopped, len(history.epochs)) == ("interrupted", 1)
    assert outcome(3, tmp_path / "parts", train(3, tmp_path / "parts")) == whole


def test_logs_of_a_resumed_training_are_those_of_an_uninterrupted_one(tmp_path: Path) -> None:
    """Killed after an epoch's line was written, but before its checkpoint."""
    log = tmp_path / "log.jsonl"

    def kill(context: Context) -> None:
        if context.epoch == 3:
            raise Killed

    def run(*callbacks: cf.Callback) -> cf.History:
        logger = cf.JSONLinesLogger(log)
        return fit(
            mlp(),
            blobs(),
            4,
            callbacks=[logger, *callbacks],
            checkpoint=tmp_path,
            resume=True,
            progress=False,
        )

    with pytest.raises(Killed):
        run(At("epoch_end", kill))
    assert log.read_text().count("\n") == 3
    history = run()
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == [
        f'{{"epoch": {i}' for i in range(1, 5)
    ]
    assert len(history.epochs) == 4


def test_a_limited_time_is_that_of_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("cnnfast.training.pace.time.perf_counter", lambda: now[0])

    def tick(context: Context) -> None:
        now[0] += 1.0

    def run(limit: float, *callbacks: cf.Callback) -> cf.History:
        now[0] += 1000.0
        return fit(
            mlp(), blobs(), batch_size=10, time_limit=limit, checkpoint=tmp_path, resume=True, progress=False,
            callbacks=[At("batch_begin", tick), *callbacks],
        )  # fmt: skip

    assert run(10, at(6, "interrupted")).stopped == "interrupted"
    assert [len(run(10).epochs), len(run(10).epochs), len(run(18).epochs)] == [3, 3, 5]
