"""Learning rates that are set by hand while a schedule is at work."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import fit, nn, optim
from cnnfast.optim import Group, lr_scheduler
from cnnfast.training.trainer import Trainer


def used_rates(
    schedule: object, change: dict[int, object], epochs: int = 4, **settings: object
) -> list[list[float]]:
    """The rates of each step, two steps an epoch; `change` is called with the optimizer after its epoch."""
    optimizer = optim.SGD(lr=0.1, **settings)  # type: ignore[arg-type]
    rates: list[list[float]] = []
    step = optimizer.step

    def watched(params: np.ndarray, grads: np.ndarray) -> None:
        rates.append(optimizer.learning_rates())
        step(params, grads)

    optimizer.step = watched  # type: ignore[method-assign]
    x, y = np.zeros((8, 2), np.float32), np.zeros(8, np.int64)
    fit(
        nn.Linear(2, 2, seed=0),
        (x, y),
        epochs,
        optimizer,
        4,
        schedule=schedule,  # type: ignore[arg-type]
        validation=(x, y),
        progress=False,
        on_epoch=lambda record: change.get(record.epoch, lambda o: None)(optimizer),  # type: ignore[operator]
    )
    rates.append(optimizer.learning_rates())
    return rates


def halve(optimizer: optim.Optimizer) -> None:
    optimizer.lr *= 0.5


def set_to(rate: float) -> object:
    def change(optimizer: optim.Optimizer) -> None:
        optimizer.lr = rate

    return change


@pytest.mark.parametrize(
    "schedule",
    [
        "cosine",
        "one-cycle",
        "plateau",
        lr_scheduler.StepLR(step_size=1),
        lr_scheduler.ExponentialLR(gamma=0.9),
    ],
    ids=str,
)
def test_what_follows_is_scaled_alike(schedule):
    plain = used_rates(schedule, {})
    halved = used_rates(schedule, {2: halve})
    for i, (found, want) in enumerate(zip(halved, plain, strict=True)):
        np.testing.assert_allclose(found, np.multiply(want, 1 if i < 4 else 0.5), rtol=1e-12)


@pytest.mark.parametrize(
    "schedule", ["constant", "cosine", "plateau", lr_scheduler.StepLR(step_size=1)], ids=str
)
@pytest.mark.parametrize("rate", [0.03, 2.0, 0.0])
def test_the_rate_holds_for_the_next_step(schedule, rate):
    rates = used_rates(schedule, {1: set_to(rate), 3: set_to(0.25)})
    assert rates[2] == [rate]
    assert rates[6] == [0.25]


def test_groups_are_scaled_one_by_one():
    group = Group("bias", lr=0.01)
    plain = used_rates("cosine", {}, groups=[group])
    halved = used_rates("cosine", {1: halve}, groups=[group])
    np.testing.assert_allclose(np.array(halved)[2:], np.array(plain)[2:] * [0.5, 1.0], rtol=1e-12)


def test_a_rate_set_at_the_end_is_what_the_optimizer_has_then():
    """The cosine ends at 0, which no factor scales."""
    assert used_rates("cosine", {4: set_to(0.7)})[-1] == [0.7]


def test_in_a_loop_of_ones_own():
    optimizer = optim.SGD(lr=1.0)
    scheduler = lr_scheduler.Scheduler(optimizer, lr_scheduler.StepLR(step_size=1, gamma=0.5))
    scheduler.after_epoch()
    optimizer.lr = 0.1
    scheduler.after_epoch()
    assert optimizer.lr == 0.05
    scheduler.give_back()
    assert optimizer.lr == 0.2
    assert Trainer(nn.Linear(2, 2), optimizer).optimizer is optimizer
