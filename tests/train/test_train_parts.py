"""Batches that come in parts: their gradients add up to that of the whole, and the same parts give the same
bits.
"""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import fit, nn, optim
from cnnfast.errors import NonFiniteError
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused


def network(seed: int = 0) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 5)),
        seed=seed,
    )


def batch(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 256, (n, 6, 6), dtype=np.uint8), rng.integers(0, 5, n)


def trainer_of(dtype: str = "float32") -> Trainer:
    return Trainer(network().to(dtype), optim.SGD(lr=0.1, momentum=0.9))


@pytest.mark.parametrize("micro_batch", [1, 7, 16, 36])
def test_parts_add_up_to_the_whole(micro_batch, dtype, rng):
    whole, parts = trainer_of(dtype), trainer_of(dtype)
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    for _ in range(3):
        x, y = batch(rng, 37)
        loss = whole.step(x, y)
        assert parts.step(x, y, micro_batch=micro_batch) == pytest.approx(loss, rel=tolerance)
        want = whole.model.flat_gradients
        np.testing.assert_allclose(parts.model.flat_gradients, want, atol=tolerance * np.abs(want).max())
        np.testing.assert_allclose(
            parts.model.flat_parameters, whole.model.flat_parameters, rtol=tolerance, atol=tolerance
        )
    assert parts.steps == parts.optimizer.steps == 3


def test_one_part_is_the_step_itself(dtype, rng):
    x, y = batch(rng, 20)
    plain, one = trainer_of(dtype), trainer_of(dtype)
    assert plain.step(x, y) == one.step(x, y, micro_batch=20)
    np.testing.assert_array_equal(plain.model.flat_parameters, one.model.flat_parameters)


def test_the_same_parts_give_the_same_bits(dtype, rng):
    """Cut by `step`, handed over one by one, picked by index, on other threads: all the same."""
    x, y = batch(rng, 37)
    cut, handed, picked = trainer_of(dtype), trainer_of(dtype), trainer_of(dtype)
    loss = cut.step(x, y, micro_batch=16)
    for start in (0, 16, 32):
        handed.accumulate(x[start : start + 16], y[start : start + 16])
    assert handed.update() == loss
    order = rng.permutation(37)
    assert picked.step(x[order], y[order], np.argsort(order), micro_batch=16) == loss
    for other in (handed, picked):
        assert other.model.flat_parameters.tobytes() == cut.model.flat_parameters.tobytes()
        assert other.steps == 1


def test_parts_are_weighed_by_their_rows(rng):
    """As by hand: loss_and_grad of each part, each times its share of the rows."""
    x, y = batch(rng, 10)
    trainer, model = trainer_of("float64"), network().to("float64")
    by_hand, mean = dict.fromkeys(model.state_dict(), 0.0), 0.0
    for rows in (slice(0, 7), slice(7, 10)):
        loss, grads = model.loss_and_grad(x[rows], y[rows], weight=len(x[rows]) / 10)
        mean += loss
        by_hand = {name: total + grads[name] for name, total in by_hand.items()}
        assert trainer.accumulate(x[rows], y[rows]) == pytest.approx(loss * 10 / len(x[rows]), rel=1e-14)
    assert trainer.update() == pytest.approx(mean, rel=1e-14)
    loss, whole = model.loss_and_grad(x, y)
    assert mean == pytest.approx(loss, rel=1e-14)
    for name, grad in trainer.model.gradients().items():
        np.testing.assert_allclose(by_hand[name], whole[name], atol=1e-14)
        np.testing.assert_allclose(grad, whole[name], atol=1e-14)


def test_the_weight_of_a_part(dtype, rng):
    x, y = batch(rng, 6)
    model = network().to(dtype)
    loss, grads = model.loss_and_grad(x, y)
    half, halves = model.loss_and_grad(x, y, weight=0.5)
    assert half == 0.5 * loss
    for name, grad in halves.items():
        np.testing.assert_array_equal(grad, grads[name] * grad.dtype.type(0.5))
        np.testing.assert_array_equal(grad, model.gradients()[name])
    for weight, text in (
        (float("nan"), "Sequential: weight must be finite and at least 0, got nan"),
        (-1, "Sequential: weight must be finite and at least 0, got -1"),
    ):
        with refused(ValueError, text):
            model.loss_and_grad(x, y, weight=weight)


def test_fit_in_parts(rng):
    x, y = batch(rng, 50)
    models = [network().to("float64") for _ in range(3)]
    for model, micro_batch in zip(models, (None, 8, 8), strict=True):
        fit(model, (x, y), epochs=2, batch_size=20, micro_batch=micro_batch, progress=False)
    np.testing.assert_allclose(models[1].flat_parameters, models[0].flat_parameters, rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(models[1].flat_parameters, models[2].flat_parameters)
    with refused(ValueError, "fit: micro_batch must be at least 1, got 0"):
        fit(models[0], (x, y), micro_batch=0)


def test_frozen_parameters_stay_in_parts_too(rng):
    x, y = batch(rng, 20)
    trainer = trainer_of()
    trainer.model.freeze("0")
    before = trainer.model[0].state_dict()
    trainer.step(x, y, micro_batch=8)
    for name, value in trainer.model[0].state_dict().items():
        assert value.tobytes() == before[name].tobytes()


def test_a_part_that_is_not_finite_drops_all_of_them(rng):
    trainer = trainer_of()
    x, y = batch(rng, 8)
    x = x[:, None].astype(np.float32)
    before = trainer.model.flat_parameters.copy()
    trainer.accumulate(x, y)
    x[3] = np.nan
    with pytest.raises(NonFiniteError, match=r"^the loss \(nan\) is not finite at step 1; "):
        trainer.accumulate(x, y)
    np.testing.assert_array_equal(trainer.model.flat_parameters, before)
    with refused(RuntimeError, "Trainer: nothing to update from; call accumulate() before update()"):
        trainer.update()
    with pytest.raises(NonFiniteError):
        trainer.step(x, y, micro_batch=2)
    np.testing.assert_array_equal(trainer.model.flat_parameters, before)
    x[3] = 0
    trainer.step(x, y)


def test_wrong_calls_are_named(rng):
    trainer = trainer_of()
    x, y = batch(rng, 4)
    with refused(RuntimeError, "Trainer: nothing to update from; call accumulate() before update()"):
        trainer.update()
    with refused(TypeError, "Trainer: micro_batch must be an integer, got float 2.0"):
        trainer.step(x, y, micro_batch=2.0)
    with refused(ValueError, "x: the batch is empty; a mean loss needs at least one image"):
        trainer.accumulate(x[:0], y[:0])
    trainer.accumulate(x, y)
    with refused(RuntimeError, "Trainer: 4 accumulated rows are pending; call update() before step()"):
        trainer.step(x, y)
    trainer.update()
    trainer.step(x, y)


def test_what_depends_on_the_batch_goes_by_parts(rng):
    """Batch normalization sees each part for itself, and its running averages move with each."""

    def normalized() -> nn.Sequential:
        layers = (nn.Flatten(), nn.Linear(36, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 5))
        return nn.Sequential(*layers, seed=0)

    x, y = batch(rng, 24)
    cut, handed, whole = (Trainer(normalized(), optim.SGD(0.1)) for _ in range(3))
    cut.step(x, y, micro_batch=12)
    for rows in (slice(0, 12), slice(12, 24)):
        handed.accumulate(x[rows], y[rows])
    handed.update()
    assert cut.model.flat_parameters.tobytes() == handed.model.flat_parameters.tobytes()
    whole.step(x, y)
    assert np.abs(whole.model.flat_parameters - cut.model.flat_parameters).max() > 1e-4
    by_hand = normalized()
    for rows in (slice(0, 12), slice(12, 24)):
        by_hand.forward(x[rows])
    for name, value in cut.model.buffers().items():
        np.testing.assert_allclose(value, by_hand.buffers()[name], rtol=1e-6)


def test_dropout_draws_again_for_each_part(rng):
    """The same rows twice: with one draw for both parts their losses would be equal."""
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 5), seed=0)
    x, y = batch(rng, 16)
    trainer, again = (Trainer(model.copy(), optim.SGD(0.1), seed=3) for _ in range(2))
    losses = [trainer.accumulate(x, y) for _ in range(3)]
    assert len(set(losses)) == 3
    trainer.update()
    assert trainer.accumulate(x, y) not in losses
    assert again.step(np.concatenate([x, x, x]), np.concatenate([y, y, y]), micro_batch=16) == np.mean(losses)


def test_a_sum_that_overflows_is_refused(rng):
    model = nn.Linear(1, 2)
    model.load_state_dict({"weight": np.zeros((2, 1)), "bias": np.zeros(2)})
    trainer = Trainer(model, optim.SGD(0.1))
    x, y = np.full((16, 1), 3e37, np.float32), np.zeros(16, np.int64)
    for _ in range(2):  # each sum is 2.4e38
        trainer.accumulate(x, y)
    with pytest.raises(NonFiniteError, match=r"^the gradient \(loss 0\.6931\) is not finite at step 1; "):
        trainer.update()
    assert not model.flat_parameters.any()
    trainer.accumulate(x, y)
    trainer.update()
    assert model.flat_parameters.all()
