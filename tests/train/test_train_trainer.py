"""`Trainer`: one step is loss, gradient and update; what it refuses; what it costs."""

from __future__ import annotations

import time

import numpy as np
import pytest
from cnnfast import _core, nn, optim
from cnnfast.errors import NonFiniteError
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused


def network(seed: int = 0) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3), seed=seed)


def batch(rng: np.random.Generator, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 256, (n, 3, 4), dtype=np.uint8), rng.integers(0, 3, n)


def test_a_step_is_loss_gradient_update(dtype, rng):
    model, twin = network().to(dtype), network().to(dtype)
    x, y = batch(rng)
    trainer = Trainer(model, optim.SGD(lr=0.5))
    for step in range(3):
        expected, grads = twin.loss_and_grad(x, y)
        assert trainer.step(x, y) == expected
        for name, value in twin.parameters().items():
            value -= value.dtype.type(0.5) * grads[name]
            np.testing.assert_allclose(model.parameters()[name], value, rtol=1e-5, atol=1e-7)
        twin.load_state_dict(model.state_dict())
        assert trainer.steps == step + 1


def test_index_picks_rows(rng):
    x, y = batch(rng)
    rows = np.array([7, 2, 2, 9])
    by_index, by_copy = Trainer(network(), optim.Adam()), Trainer(network(), optim.Adam())
    assert by_index.step(x, y, rows) == by_copy.step(x[rows], y[rows])
    np.testing.assert_array_equal(by_index.model.flat_parameters, by_copy.model.flat_parameters)


def test_labels_may_be_any_integers(rng):
    x, y = batch(rng)
    losses = {
        Trainer(network(), optim.Adam()).step(x, kind)
        for kind in (y, y.astype(np.int32), y.astype(np.uint8), y.tolist())
    }
    assert len(losses) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_leaves_the_weights(value, rng):
    model = network()
    trainer = Trainer(model, optim.SGD(lr=0.1))
    x, y = rng.standard_normal((10, 12)).astype(np.float32), rng.integers(0, 3, 10)
    x = x.reshape(10, 3, 4)
    trainer.step(x, y)
    before = model.state_dict()
    x[4] = value
    with pytest.raises(NonFiniteError) as caught:
        trainer.step(x, y)
    error = caught.value
    assert str(error) == (
        "the loss (nan) is not finite at step 2; the model keeps the weights it had before that step; "
        "try a smaller lr (now 0.1) and check the input"
    )
    assert (error.step, error.epoch, error.history) == (2, None, None)
    assert not np.isfinite(error.loss)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert trainer.steps == trainer.optimizer.steps == 1


def test_a_gradient_that_is_not_finite_leaves_the_weights():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False), seed=0)
    model[0].weight = np.full((2, 2), 1e-38)
    model[1].weight = np.array([[3e38, 3e38], [-3e38, -3e38]])
    before = model.flat_parameters.copy()
    with pytest.raises(
        NonFiniteError, match=r"^the gradient \(loss .*\) is not finite at step 1; "
    ) as caught:
        Trainer(model, optim.Adam()).step(np.full((1, 2), 10, np.float32), [1])
    assert np.isfinite(caught.value.loss)
    np.testing.assert_array_equal(model.flat_parameters, before)


@pytest.mark.parametrize("size", [1, 17, 1 << 17, 200_003])
def test_the_search_for_nan_covers_every_place(size, dtype):
    values = np.full(size, np.finfo(dtype).max, dtype)
    assert _core.all_finite(values)
    for place in {0, size // 2, size - 1}:
        for bad in (np.nan, np.inf, -np.inf):
            values[place] = bad
            assert not _core.all_finite(values)
            values[place] = 0


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (
            lambda: Trainer(3, optim.Adam()),
            TypeError,
            "Trainer: model must be a Module, got int",
        ),
        (
            lambda: Trainer(network(), "adam"),
            TypeError,
            "Trainer: optimizer must be an Optimizer, got 'adam'; use optim.Adam(...)",
        ),
        (
            lambda: Trainer(network(), optim.Adam(), "hinge"),
            ValueError,
            'Trainer: loss must be one of "cross_entropy", "nll", "mse", "l1", "smooth_l1", "huber", '
            "\"bce_with_logits\" or an object of cnnfast.losses, got 'hinge'",
        ),
        (
            lambda: Trainer(network(), optim.Adam(), "nll"),
            ValueError,
            'Trainer: the loss "nll" needs a model that ends in LogSoftmax; use loss="cross_entropy"',
        ),
        (
            lambda: Trainer(nn.Sequential(nn.Linear(1, 2), nn.Softmax()), optim.Adam()),
            ValueError,
            'Trainer: the loss "cross_entropy" does not take probabilities; remove the Softmax at the end',
        ),
        (
            lambda: Trainer(nn.ReLU(), optim.Adam()),
            ValueError,
            "Trainer: the model has no parameters to train",
        ),
    ],
)
def test_what_a_trainer_is_made_of_is_checked(build, error, text):
    with refused(error, text):
        build()


def test_wrong_batches_are_named_and_change_nothing(rng):
    x, y = batch(rng)
    model = network()
    trainer = Trainer(model, optim.SGD(1))
    before = model.flat_parameters.copy()
    with refused(ValueError, "Trainer: y must have shape (10,), one class for each row, got (9,)"):
        trainer.step(x, y[:9])
    with refused(
        ValueError,
        "target: values must be from 0 to 2 (the network has 3 outputs), got 3 at position 0",
    ):
        trainer.step(x, y * 0 + 3)
    with refused(ValueError, "index: values must be from 0 to 9 (rows of x), got 10 at position 1"):
        trainer.step(x, y, np.array([0, 10]))
    with refused(ValueError, "x: the batch is empty; a mean loss needs at least one image"):
        trainer.step(x, y, np.zeros(0, np.int64))
    with refused(
        TypeError, "Trainer: index must hold integers (row numbers) or booleans (a mask), got float64"
    ):
        trainer.step(x, y, np.zeros(2))
    with refused(TypeError, 'Sequential: x must be float32 or uint8, got int64; use x.astype("float32")'):
        trainer.step(x.astype(int), y)
    np.testing.assert_array_equal(model.flat_parameters, before)
    assert trainer.steps == 0


def test_a_trainer_notices_that_its_model_was_moved(rng):
    model = network()
    trainer = Trainer(model, optim.Adam())
    model.to("float64")
    with refused(
        ValueError,
        "Trainer: the model's parameters were moved (by to(), a replaced layer, or into a container) since "
        "the Trainer was made; make a new one",
    ):
        trainer.step(*batch(rng))


def test_the_python_around_a_step_is_small(rng):
    """A network of one weight: what is left is overhead. The bound is generous, for busy machines."""
    trainer = Trainer(nn.Linear(1, 2), optim.SGD(0.0))
    x, y, rows = np.zeros((64, 1), np.float32), np.zeros(64, np.int64), np.arange(8)
    seconds = []
    for _ in range(300):
        began = time.perf_counter()
        trainer.step(x, y, rows)
        seconds.append(time.perf_counter() - began)
    assert np.median(seconds) < 500e-6
