"""The exponential moving average of the weights: its formula, and which weights are validated and kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import Context, Trainer, evaluate, fit, optim

from tests.support.refusal import refused
from tests.support.training import At, blobs, mlp


def averages(decay: float, steps: int) -> list[np.ndarray]:
    """In float64, after each step of the same training."""
    model, (x, y) = mlp(batch_norm=True), blobs()
    trainer, found = Trainer(model, optim.SGD(0.3)), []
    mean = model.flat_parameters.astype(np.float64)
    for step in range(1, steps + 1):
        rows = np.arange(10 * step - 10, 10 * step) % 40
        trainer.step(x, y, rows)
        d = min(decay, step / (9 + step))
        mean = d * mean + (1 - d) * model.flat_parameters
        found.append(mean)
    return found


def train(epochs: int, decay: float | None, **settings: Any) -> Any:
    model = mlp(batch_norm=True)
    fit(
        model, blobs(), epochs, optim.SGD(0.3), 10, shuffle=False, ema=decay, progress=False, **settings
    )  # fmt: skip
    return model


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.99])
def test_the_model_ends_with_the_average_of_weights_and_statistics(decay: float) -> None:
    model = train(3, decay)
    np.testing.assert_allclose(model.flat_parameters, averages(decay, 12)[-1], rtol=1e-4, atol=1e-6)
    plain = train(3, None)
    last = np.allclose(model.flat_parameters, plain.flat_parameters, rtol=1e-5, atol=1e-6)
    assert last == (decay == 0)


def test_averaging_does_not_change_the_steps() -> None:
    weights: list[np.ndarray] = []
    keep = At("batch_end", lambda context: weights.append(context.model.flat_parameters.copy()))
    train(2, None, callbacks=[keep], validation=blobs(seed=1))
    train(2, 0.9, callbacks=[keep], validation=blobs(seed=1))
    np.testing.assert_array_equal(weights[:8], weights[8:])


def test_validation_uses_the_average_and_the_best_of_it_is_kept() -> None:
    held, seen = blobs(seed=1), []

    def look(context: Context) -> None:
        assert evaluate(context.model, held).loss == context.logs["val_loss"]
        seen.append(context.model.flat_parameters.copy())

    model = train(4, 0.8, callbacks=[At("epoch_end", look)], validation=held)
    wanted = averages(0.8, 16)[3::4]
    np.testing.assert_allclose(seen, wanted, rtol=1e-4, atol=1e-6)
    assert any(np.array_equal(model.flat_parameters, weights) for weights in seen)


def test_skipped_steps_are_not_averaged() -> None:
    x, y = blobs()
    y[10:20] = -100
    model, twin = mlp(), mlp()
    fit(model, (x, y), 1, optim.SGD(0.3), 10, shuffle=False, ema=0.5, progress=False)
    trainer, mean = Trainer(twin, optim.SGD(0.3)), twin.flat_parameters.astype(np.float64)
    for count, start in enumerate((0, 20, 30), 1):
        trainer.step(x, y, np.arange(start, start + 10))
        d = count / (9 + count)
        mean = d * mean + (1 - d) * twin.flat_parameters
    np.testing.assert_allclose(model.flat_parameters, mean, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("decay", [1.0, -0.1])
def test_the_decay_is_checked(decay: float) -> None:
    with refused(ValueError, f"fit: ema must be at least 0 and below 1, got {decay}"):
        fit(mlp(), blobs(), ema=decay)
