"""Copies of a training in progress go on where the original was, bit for bit."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import fit, nn, optim
from cnnfast.optim import Group
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused

COPIES: list[Callable[[Any], Any]] = [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
OPTIMIZERS: list[Callable[[], optim.Optimizer]] = [
    lambda: optim.SGD(lr=0.1, momentum=0.9),
    lambda: optim.Adam(lr=0.01, amsgrad=True),
    lambda: optim.AdamW(lr=0.01, groups=[Group("*.bias", weight_decay=0.0)]),
    lambda: optim.RMSprop(lr=0.01, centered=True, momentum=0.5),
    lambda: optim.Adagrad(lr=0.1, initial_accumulator_value=0.5),
]


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3), seed=0
    )


def rows(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(12, 4)).astype(np.float32), rng.integers(0, 3, 12)


def state(model: nn.Module, optimizer: optim.Optimizer) -> tuple[bytes, dict[str, bytes], int]:
    saved = optimizer.state_dict()
    return (
        model.flat_parameters.tobytes(),
        {k: v.tobytes() for k, v in saved["memory"].items()},
        saved["steps"],
    )


@pytest.mark.parametrize("copied", COPIES, ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("build", OPTIMIZERS, ids=["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_a_model_and_its_optimizer(build, copied, rng):
    x, y = rows(rng)
    model, optimizer = network(), build()
    model.freeze("0.bias")
    fit(model, (x, y), 2, optimizer, 4, progress=False)
    twin, again = copied((model, optimizer))
    assert state(twin, again) == state(model, optimizer)
    for m, o in ((model, optimizer), (twin, again)):
        fit(m, (x, y), 2, o, 4, seed=1, progress=False)
    assert state(twin, again) == state(model, optimizer)
    assert again.steps == 12


@pytest.mark.parametrize("copied", COPIES, ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("parts", [0, 1, 2])
def test_a_trainer(parts, dtype, copied, rng):
    x, y = rows(rng)
    trainer = Trainer(network().to(dtype), optim.Adam(0.01), "cross_entropy", 7, clip_norm=0.5)
    x = x.astype(dtype)
    trainer.step(x, y)
    for part in range(parts):
        trainer.accumulate(x[part : part + 4], y[part : part + 4])
    twin = copied(trainer)
    assert twin.model is not trainer.model
    for one in (trainer, twin):
        one.accumulate(x[4:], y[4:])
        one.update()
        one.step(x, y, micro_batch=5)
    assert state(twin.model, twin.optimizer) == state(trainer.model, trainer.optimizer)
    assert (twin.steps, twin.skipped) == (trainer.steps, trainer.skipped) == (3, 0)


def test_what_was_copied_together_stays_together(rng):
    x, y = rows(rng)
    model, optimizer = network(), optim.SGD(0.1)
    trainer = Trainer(model, optimizer)
    trainer.step(x, y)
    m, o, t = copy.deepcopy((model, optimizer, trainer))
    assert (t.model is m, t.optimizer is o) == (True, True)
    before = model.flat_parameters.copy()
    t.step(x, y)
    np.testing.assert_array_equal(model.flat_parameters, before)
    assert optimizer.steps == 1
    assert o.steps == 2


def test_a_part_that_fails_in_a_copy_takes_running_averages_back(rng):
    x, y = rows(rng)
    trainer = Trainer(network(), optim.SGD(0.1))
    before = trainer.model.flat_parameters.copy()
    trainer.accumulate(x, y)
    twin = copy.deepcopy(trainer)
    with pytest.raises(ArithmeticError):
        twin.accumulate(np.full_like(x, np.nan), y)
    np.testing.assert_array_equal(twin.model.flat_parameters, before)


def test_a_copy_of_an_optimizer_still_refuses_a_model_of_another_size(rng):
    x, y = rows(rng)
    optimizer = optim.Adam()
    Trainer(network(), optimizer).step(x, y)
    with refused(ValueError, "Adam: exp_avg is of shape (99,), but the model has 15 parameters"):
        Trainer(nn.Linear(4, 3), copy.copy(optimizer))
    with refused(
        ValueError, "Adam: already bound to another model (or to its former dtype); create a new optimizer"
    ):
        Trainer(network(), optimizer)
