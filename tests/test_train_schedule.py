"""The learning rate's way through `fit`: what it is at each step, and that it is given back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cnnfast import errors, fit, nn, optim

from tests.refusal import refused


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
    with refused(ValueError, 'fit: schedule must be "constant" or "cosine", got \'step\''):
        fit(model, (x, y), schedule="step")  # type: ignore[arg-type]
