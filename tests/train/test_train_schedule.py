"""The learning rate's way through `fit`: what it is at each step, and that it is given back."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from cnnfast import Trainer, errors, fit, nn, optim
from cnnfast.optim import lr_scheduler

from tests.support.refusal import refused


def problem(n: int = 40) -> tuple[nn.Sequential, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(5, 3), input_shape=(5,), seed=0)
    return model, rng.standard_normal((n, 5)).astype(np.float32), rng.integers(0, 3, n)


class Recorder(optim.SGD):
    """SGD that notes the rate of each step."""

    def __init__(self, lr: float) -> None:
        super().__init__(lr)
        self.rates: list[float] = []

    def step(self, params: np.ndarray, grads: np.ndarray) -> None:
        self.rates.append(self.lr)
        super().step(params, grads)


def test_cosine_falls_from_lr_towards_zero_over_all_steps() -> None:
    model, x, y = problem()
    recorder = Recorder(0.4)
    fit(model, (x, y), epochs=2, optimizer=recorder, batch_size=10, schedule="cosine", progress=False)
    want = [0.4 * 0.5 * (1 + math.cos(math.pi * step / 8)) for step in range(8)]
    assert recorder.rates == pytest.approx(want)
    assert recorder.lr == 0.4


def test_constant_is_the_default() -> None:
    model, x, y = problem()
    recorder = Recorder(0.4)
    fit(model, (x, y), epochs=2, optimizer=recorder, batch_size=10, progress=False)
    assert recorder.rates == [0.4] * 8


def test_lr_is_given_back_after_an_error() -> None:
    model, x, y = problem()
    x[-1] = np.nan
    recorder = Recorder(0.4)
    with pytest.raises(errors.NonFiniteError):
        fit(
            model, (x, y), optimizer=recorder, batch_size=10, schedule="cosine", shuffle=False, progress=False
        )
    assert len(recorder.rates) == 3
    assert recorder.lr == 0.4


def test_unknown_schedule_is_refused() -> None:
    model, x, y = problem()
    words = '"constant", "cosine", "one-cycle" or "plateau"'
    with refused(ValueError, f"fit: schedule must be {words}, or one of optim.lr_scheduler, got 'step'"):
        fit(model, (x, y), schedule="step")  # type: ignore[arg-type]


def test_a_schedule_by_epochs_keeps_its_rate_within_one() -> None:
    model, x, y = problem()
    recorder = Recorder(0.4)
    schedule = lr_scheduler.StepLR(step_size=1, gamma=0.5)
    fit(model, (x, y), epochs=3, optimizer=recorder, batch_size=20, schedule=schedule, progress=False)
    assert recorder.rates == [0.4, 0.4, 0.2, 0.2, 0.1, 0.1]
    assert recorder.lr == 0.4


def test_one_cycle_has_the_length_of_the_training_the_last_small_batch_included() -> None:
    model, x, y = problem(n=37)
    recorder = Recorder(0.4)
    fit(model, (x, y), 3, recorder, batch_size=10, schedule="one-cycle", progress=False)
    want = lr_scheduler.OneCycleLR(total_steps=12)
    assert recorder.rates == [want.lr(0.4, step=step) for step in range(12)]
    assert max(recorder.rates) > 0.35
    assert recorder.rates[-1] == pytest.approx(0.4 / 25 / 1e4)


def test_warm_up_by_steps_then_ten_times_less_when_the_validation_stalls() -> None:
    model, x, y = problem()
    recorder = Recorder(0.5)
    schedule = lr_scheduler.ChainedScheduler(
        [
            lr_scheduler.LinearLR(0.5, total_iters=2, by="step"),
            # nothing is better by a factor of a hundred: every second epoch reduces
            lr_scheduler.ReduceLROnPlateau(patience=1, threshold=0.99),
        ]
    )
    history = fit(model, (x, y), 6, recorder, 20, validation=(x, y), schedule=schedule, progress=False)
    assert recorder.rates == pytest.approx([0.25, 0.375, *[0.5] * 4, *[0.05] * 4, *[0.005] * 2])
    assert len(history.epochs) == 6


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_plateau_watches_what_its_mode_says(mode: str) -> None:
    """Loss and accuracy of each epoch, as the history has them, give the same reductions."""
    model, x, y = problem()
    recorder = Recorder(0.5)
    schedule = lr_scheduler.ReduceLROnPlateau(mode, patience=0, threshold=0.02, factor=0.5)
    history = fit(model, (x, y), 12, recorder, 40, validation=(x, y), schedule=schedule, progress=False)
    figures = [r.val_loss if mode == "min" else r.val_accuracy for r in history.epochs]
    want = [schedule.given(figures[:epoch]).lr(0.5) for epoch in range(12)]
    assert recorder.rates == want
    assert len(set(want)) > 2


@pytest.mark.parametrize("schedule", ["plateau", lr_scheduler.ReduceLROnPlateau("max")])
def test_a_plateau_needs_a_validation(schedule: lr_scheduler.Schedule) -> None:
    model, x, y = problem()
    watched = "loss" if schedule == "plateau" else "accuracy"
    text = f"fit: the schedule depends on the validation {watched}; set validation=..."
    with refused(ValueError, text):
        fit(model, (x, y), schedule=schedule)


def test_a_schedule_that_is_none_is_refused() -> None:
    model, x, y = problem()
    words = '"constant", "cosine", "one-cycle" or "plateau"'
    wanted = f"fit: schedule must be {words}, or one of optim.lr_scheduler"
    with refused(TypeError, f"{wanted}, got int"):
        fit(model, (x, y), schedule=3)  # type: ignore[arg-type]
    with refused(TypeError, f"{wanted}, got the class StepLR; write StepLR(...)"):
        fit(model, (x, y), schedule=lr_scheduler.StepLR)  # type: ignore[arg-type]


SCHEDULES = {
    "steps": lr_scheduler.MultiStepLR([2, 3], gamma=0.3),
    "one cycle": lr_scheduler.OneCycleLR(),
    "warm-up, cosine": lr_scheduler.SequentialLR(
        [lr_scheduler.LinearLR(0.1, total_iters=3, by="step"), lr_scheduler.CosineAnnealingLR(by="step")], [3]
    ),
    "warm-up, plateau": lr_scheduler.ChainedScheduler(
        [
            lr_scheduler.LinearLR(0.1, total_iters=3, by="step"),
            lr_scheduler.ReduceLROnPlateau(patience=0, threshold=0.1),
        ]
    ),
}


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_stopping_and_going_on_gives_the_same_bits(name: str, kind: str) -> None:
    """A training cut in two after each epoch, or in the middle of one; everything through plain data."""
    model, x, y = problem()
    weights = model.state_dict()
    epochs, batches = 5, np.arange(40).reshape(4, 10)

    def start() -> tuple[nn.Sequential, optim.Optimizer, Trainer, lr_scheduler.Scheduler]:
        model = problem()[0]
        model.load_state_dict(weights)
        more = {"momentum": 0.9} if kind == "SGD" else {}
        groups = [optim.no_decay(), optim.Group("*.weight", lr=0.05)]
        optimizer = getattr(optim, kind)(lr=0.1, weight_decay=0.01, groups=groups, **more)
        trainer = Trainer(model, optimizer, clip_norm=1.0)
        schedule = lr_scheduler.Scheduler(optimizer, SCHEDULES[name], epochs=epochs, steps_per_epoch=4)
        return model, optimizer, trainer, schedule

    def run(cut: int | None) -> dict[str, np.ndarray]:
        model, optimizer, trainer, scheduler = start()
        for epoch in range(epochs):
            losses = []
            for number, rows in enumerate(batches):
                losses.append(trainer.step(x, y, rows))
                scheduler.after_step()
                if number == 3:
                    scheduler.after_epoch(float(np.mean(losses)))
                if 4 * epoch + number == cut:
                    state = optimizer.state_dict()
                    scheduled = json.dumps(scheduler.state_dict())
                    kept = model.state_dict()
                    model, optimizer, trainer, scheduler = start()
                    model.load_state_dict(kept)
                    optimizer.load_state_dict(state)
                    scheduler.load_state_dict(json.loads(scheduled))
        return model.state_dict()

    whole = run(None)
    for cut in (2, 3, 7, 12):
        for name_, value in run(cut).items():
            np.testing.assert_array_equal(value, whole[name_])


def test_fit_is_that_loop() -> None:
    model, x, y = problem()
    twin = model.copy()
    schedule = SCHEDULES["warm-up, cosine"]
    fit(model, (x, y), 3, optim.Adam(0.1), 10, schedule=schedule, shuffle=False, progress=False)
    trainer = Trainer(twin, optim.Adam(0.1))
    scheduler = lr_scheduler.Scheduler(trainer.optimizer, schedule, epochs=3, steps_per_epoch=4)
    for _ in range(3):
        for rows in np.arange(40).reshape(4, 10):
            trainer.step(x, y, rows)
            scheduler.after_step()
        scheduler.after_epoch()
    for name, value in twin.state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name], value)
