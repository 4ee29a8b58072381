"""The learning rate range test: its steps, its suggestion, and that it leaves no trace."""

from __future__ import annotations

import math
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import Trainer, fit, lr_find, optim
from cnnfast.training.lr_find import LearningRateTest, _suggestion

from tests.support.refusal import refused
from tests.support.training import blobs, mlp


def test_its_steps_are_those_of_training_with_rising_rates() -> None:
    found = lr_find(mlp(), blobs(), optim.SGD(0.1), 10, seed=2, start=1e-4, end=1.0, steps=9)
    model, (x, y) = mlp(), blobs()
    trainer = Trainer(model, optim.SGD(0.1), seed=2)
    want, rates = [], []
    for step in range(9):
        trainer.optimizer.lr = 1e-4 * 1e4 ** (step / 8)
        order = np.random.default_rng(np.random.SeedSequence([2, step // 4])).permutation(40)
        rates.append(trainer.optimizer.lr)
        want.append(trainer.step(x, y, order[step % 4 * 10 :][:10]))
    assert found.losses.tolist() == want
    np.testing.assert_allclose(found.lrs, rates, rtol=1e-14)
    assert found.suggestion is None, "too few steps"


@pytest.mark.parametrize("bound", [False, True])
def test_nothing_changes(bound: bool) -> None:
    model = mlp(dropout=0.3, batch_norm=True)
    model.freeze("0.weight")
    optimizer = optim.Adam(0.01, groups=[optim.Group("*.bias", lr=0.1)])
    if bound:
        fit(model, blobs(), 1, optimizer, progress=False)
    np.random.seed(0)
    before = model.flat_parameters.copy(), optimizer.state_dict(), model.description()
    lr_find(model, blobs(), optimizer, 10)
    np.testing.assert_array_equal(model.flat_parameters, before[0])
    state = optimizer.state_dict()
    for name, value in before[1].pop("memory").items():
        np.testing.assert_array_equal(state["memory"][name], value)
    del state["memory"]
    assert (state, model.description(), model.frozen) == (before[1], before[2], ("0.weight",))
    after = np.random.random()
    np.random.seed(0)
    assert after == np.random.random()


def test_it_ends_when_the_loss_diverges_and_suggests_less_than_that() -> None:
    found = lr_find(mlp(), blobs(400), optim.SGD(0.1), 20, end=1e6, steps=200)
    assert len(found.losses) < 200
    assert found.suggestion is not None
    assert 0.003 < found.suggestion < found.lrs[found.smoothed.argmin()]
    overflow = lr_find(mlp(), blobs(), optim.SGD(0.1), start=1e30, end=1e38, steps=20)
    assert np.isfinite(overflow.losses).all()


def test_the_suggestion_is_the_steepest_descent() -> None:
    lrs = np.logspace(-4, 1, 60)
    smoothed = 2 - np.tanh(2 * np.log(lrs / 0.05)) + np.where(lrs > 1, 10 * (lrs - 1), 0)
    assert _suggestion(lrs, smoothed) == pytest.approx(0.05, rel=0.15)
    assert _suggestion(lrs, np.arange(60.0)) is None
    text = str(LearningRateTest(lrs, smoothed, smoothed, None))
    assert text == "suggested learning rate none: the loss does not fall (60 steps, up to 10)"


CASES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"steps": 1}, ValueError, "lr_find: steps must be at least 2, got 1"),
    ({"start": 0}, ValueError, "lr_find: start must be above 0 and below end, got 0 and 10"),
    ({"end": 1e-7}, ValueError, "lr_find: start must be above 0 and below end, got 1e-06 and 1e-07"),
    ({"model": 3}, TypeError, "lr_find: model must be a Module, got int"),
    (
        {"optimizer": "sgd"},
        TypeError,
        "lr_find: optimizer must be an Optimizer, got 'sgd'; use optim.SGD(...)",
    ),
    (
        {"data": (blobs()[0] * math.nan, blobs()[1])},
        ValueError,
        "lr_find: the loss is not finite at the first step; check the input",
    ),
]


@pytest.mark.parametrize(("changes", "error", "text"), CASES, ids=[text for _, _, text in CASES])
def test_arguments(changes: dict[str, Any], error: type[Exception], text: str) -> None:
    with refused(error, text):
        lr_find(**{"model": mlp(), "data": blobs(), **changes})


def test_public_names() -> None:
    assert cf.lr_find is lr_find
