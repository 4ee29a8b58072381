"""Per-sample weights in `Trainer` and `fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import Trainer, fit, losses, models, nn, optim
from cnnfast.datasets import glyphs

from tests.support.refusal import refused

DATA = glyphs(24, seed=0)
X, Y = DATA.images, DATA.labels


def stepped(
    x: np.ndarray, y: np.ndarray, loss: Any = "cross_entropy", **settings: Any
) -> tuple[np.ndarray, float]:
    model = models.d4(seed=0, num_classes=26)
    trainer = Trainer(model, optim.SGD(lr=0.1), loss)
    value = trainer.step(x, y, **settings)
    return model.flat_parameters.copy(), value


def test_weights_of_one_change_no_bit() -> None:
    plain, loss = stepped(X, Y)
    weighted, value = stepped(X, Y, sample_weight=np.ones(24))
    np.testing.assert_array_equal(plain, weighted)
    assert loss == value


@pytest.mark.parametrize("loss", ["cross_entropy", losses.CrossEntropy(weight=np.linspace(0.5, 2, 26))])
def test_integer_weights_are_repetitions(loss: Any, rng: np.random.Generator) -> None:
    times = rng.integers(0, 4, 24)
    repeated, wanted = stepped(np.repeat(X, times, axis=0), np.repeat(Y, times), loss)
    for settings in ({}, {"micro_batch": 7}, {"index": np.arange(24)[::-1]}):
        weighted, value = stepped(X, Y, loss, sample_weight=times, **settings)
        np.testing.assert_allclose(weighted, repeated, rtol=1e-4, atol=1e-6)
        assert value == pytest.approx(wanted, rel=1e-5)


def test_weights_belong_to_the_rows_of_x() -> None:
    weights = np.linspace(0, 2, 24)
    rows = np.array([5, 3, 20])
    wanted = stepped(X[rows], Y[rows], sample_weight=weights[rows])
    for y in (Y, Y.astype(np.int32)):  # read in place, and copied
        found = stepped(X, y, sample_weight=weights, index=rows)
        np.testing.assert_array_equal(found[0], wanted[0])
        assert found[1] == wanted[1]


def test_regression(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(6, 4)).astype(np.float32), rng.normal(size=(6, 2)).astype(np.float32)
    times = np.array([1, 2, 0, 3, 1, 1])
    found = []
    for inputs, targets, weights in ((x, y, times), (np.repeat(x, times, 0), np.repeat(y, times, 0), None)):
        model = nn.Sequential(nn.Linear(4, 2), input_shape=(4,), seed=0)
        value = Trainer(model, optim.SGD(lr=0.1), "mse").step(inputs, targets, sample_weight=weights)
        found.append((model.flat_parameters.copy(), value))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5, atol=1e-7)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-6)


def test_rows_of_weight_zero_do_not_train() -> None:
    before = models.d4(seed=0, num_classes=26).flat_parameters.copy()
    after, value = stepped(X, Y, sample_weight=np.zeros(24))
    np.testing.assert_array_equal(after, before)
    assert np.isnan(value)


def test_parts() -> None:
    weights = np.linspace(0.1, 2, 24)
    wanted, _ = stepped(X, Y, sample_weight=weights)
    model = models.d4(seed=0, num_classes=26)
    trainer = Trainer(model, optim.SGD(lr=0.1))
    for part in (slice(0, 10), slice(10, 24)):
        trainer.accumulate(X[part], Y[part], sample_weight=weights[part])
    trainer.update()
    np.testing.assert_allclose(model.flat_parameters, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("validation", [None, 0.25])
def test_fit_on_any_number_of_threads(validation: float | None, set_threads: Any) -> None:
    found = []
    for threads in (1, 3):
        set_threads(threads)
        model = models.d4(seed=0, num_classes=26)
        fit(
            model,
            DATA,
            epochs=2,
            batch_size=10,
            validation=validation,
            progress=False,
            sample_weight=np.arange(24),
        )
        found.append(model.flat_parameters.copy())
    np.testing.assert_array_equal(found[0], found[1])
    plain = models.d4(seed=0, num_classes=26)
    fit(plain, DATA, epochs=2, batch_size=10, validation=validation, progress=False)
    assert not np.array_equal(found[0], plain.flat_parameters)


@pytest.mark.parametrize(
    ("weights", "error", "text"),
    [
        ([1.0] * 23, ValueError, "sample_weight must have shape (24,), one for each row, got (23,)"),
        ([1.0] * 23 + [-1], ValueError, "sample_weight must be finite and at least 0, got -1 at row 23"),
        ([np.nan] * 24, ValueError, "sample_weight must be finite and at least 0, got nan at row 0"),
        (["a"] * 24, TypeError, "sample_weight must be numbers, one for each row, got list"),
    ],
)
def test_wrong_weights(weights: Any, error: type[Exception], text: str) -> None:
    with refused(error, f"Trainer: {text}"):
        stepped(X, Y, sample_weight=weights)
    with refused(error, f"fit: {text}"):
        fit(models.d4(seed=0, num_classes=26), DATA, sample_weight=weights, progress=False)


def test_what_cannot_be_weighed() -> None:
    model = models.d4(seed=0, num_classes=26)
    with refused(ValueError, "fit: sample_weight is 0 for all rows"):
        fit(model, DATA, sample_weight=np.zeros(24), progress=False)
    with refused(ValueError, "fit: sample_weight needs arrays; an iterable of batches has no rows to weigh"):
        fit(model, iter([DATA]), steps_per_epoch=1, sample_weight=np.ones(24), progress=False)
    with pytest.raises(ValueError, match=r"sample_weight cannot be used with .*, which mixes images"):
        fit(model, DATA, augment="mixup(0.2)", sample_weight=np.ones(24), progress=False)
