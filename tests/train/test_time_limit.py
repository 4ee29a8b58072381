"""`fit(time_limit=...)`: when training ends, and how a schedule is fitted into the time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import Context, fit, optim
from cnnfast.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR, StepLR

from tests.support.refusal import refused
from tests.support.training import At, Rates, blobs, mlp


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("cnnfast.training.pace.time.perf_counter", lambda: now[0])
    return now


def train(clock: list[float], limit: float, per_step: Any, **settings: Any) -> tuple[Any, list[float]]:
    """Four steps an epoch; each takes `per_step` seconds, a number or a function of the step."""
    rates = Rates()

    def tick(context: Context) -> None:
        clock[0] += per_step(context.step) if callable(per_step) else per_step

    callbacks = [At("batch_begin", tick), rates]
    arguments = {"batch_size": 10, "progress": False, "optimizer": optim.SGD(1.0), **settings}
    return fit(mlp(), blobs(), callbacks=callbacks, time_limit=limit, **arguments), rates.found


def test_it_ends_with_the_step_in_which_the_time_is_over(clock: list[float]) -> None:
    history, rates = train(clock, 10.5, 1.0)
    assert (history.stopped, len(history.epochs), len(rates)) == ("time limit", 3, 11)
    history, rates = train(clock, 100, 1.0, epochs=2)
    assert (history.stopped, len(rates)) == ("finished", 8)


@pytest.mark.parametrize("unit", ["step", "epoch"])
def test_a_cosine_falls_to_zero_in_the_time(clock: list[float], unit: str) -> None:
    _, rates = train(clock, 400, 1.0, schedule=CosineAnnealingLR(by=unit))
    assert len(rates) == 400
    want = (1 + np.cos(np.pi * np.arange(400) / 400)) / 2
    np.testing.assert_allclose(rates, want, atol=0.001 if unit == "step" else 0.03)
    assert rates[-1] < 0.001 if unit == "step" else rates[-1] < 0.01


def test_the_rate_follows_the_time_if_steps_become_slower(clock: list[float]) -> None:
    times: list[float] = []

    def per_step(step: int) -> float:
        times.append(clock[0])
        return 1.0 if step < 100 else 3.0

    _, rates = train(clock, 400, per_step, schedule="cosine")
    assert len(rates) == 200
    np.testing.assert_allclose(rates, (1 + np.cos(np.pi * np.array(times) / 400)) / 2, atol=0.02)


def test_warm_up_steps_remain_steps_and_epochs_epochs(clock: list[float]) -> None:
    warm = SequentialLR([LinearLR(0.1, total_iters=9, by="step"), CosineAnnealingLR(by="step")], [9])
    _, rates = train(clock, 200, 1.0, schedule=warm)
    np.testing.assert_allclose(rates[:10], np.linspace(0.1, 1.0, 10))
    assert rates[-1] < 0.001
    assert (np.diff(rates[10:]) <= 1e-12).all()
    _, rates = train(clock, 16, 1.0, schedule=StepLR(2, gamma=0.5))
    assert rates == [1.0] * 8 + [0.5] * 8


def test_epochs_count_if_they_end_first(clock: list[float]) -> None:
    _, rates = train(clock, 1e6, 1.0, epochs=5, schedule="cosine")
    want = CosineAnnealingLR(20, by="step")
    np.testing.assert_allclose(rates, [want.lr(1.0, step=step) for step in range(20)], rtol=1e-9)


def test_time_is_left_for_the_last_validation(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnfast.training.validation import Validation

    measure = Validation.measure

    def slow(self: Any, stop: Any) -> Any:
        clock[0] += 5.0
        return measure(self, stop)

    monkeypatch.setattr(Validation, "measure", slow)
    history, rates = train(clock, 30, 1.0, validation=blobs(seed=1))
    assert history.stopped == "time limit"
    assert (clock[0], len(rates)) == (27, 12), "no epoch begins if a validation no longer fits"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "above 0, got 0"),
        (-1, "finite and at least 0, got -1"),
        (float("inf"), "finite and at least 0, got inf"),
    ],
)
def test_the_limit_is_checked(value: float, text: str) -> None:
    with refused(ValueError, f"fit: time_limit must be {text}"):
        fit(mlp(), blobs(), time_limit=value)
