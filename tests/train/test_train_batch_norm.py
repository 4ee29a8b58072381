"""Batch normalization in training: last batches of one row, frozen running averages, batches with NaN."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from cnnfast import fit, nn, optim
from cnnfast.errors import NonFiniteError
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3), seed=0)


def convolutions() -> nn.Sequential:
    return nn.Sequential(
        *(
            nn.Conv2d(1, 4, 3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 4, 2),
            nn.BatchNorm2d(4, affine=False),
        ),
        *(nn.Flatten(), nn.Linear(4, 3)),
        seed=0,
    )


def rows(rng: np.random.Generator, n: int, shape: tuple[int, ...] = (4,)) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(3, 2, (n, *shape)).astype(np.float32), rng.integers(0, 3, n)


@pytest.mark.parametrize("micro_batch", [None, 4])
def test_a_last_batch_of_one_row_is_merged_with_the_previous_one(micro_batch, rng, monkeypatch):
    sizes = []
    step = Trainer.step_checked
    monkeypatch.setattr(
        Trainer,
        "step_checked",
        lambda self, plan, x, y, index, *rest: (
            sizes.append(len(index)) or step(self, plan, x, y, index, *rest)
        ),
    )
    x, y = rows(rng, 17)
    scheduled = "cosine"
    history = fit(
        network(), (x, y), 2, batch_size=8, micro_batch=micro_batch, schedule=scheduled, progress=False
    )
    assert sizes == [8, 9, 8, 9]
    assert len(history.epochs) == 2


def test_a_single_row_may_stay_where_positions_or_frozen_averages_give_statistics(rng, monkeypatch):
    sizes = []
    step = Trainer.step_checked
    monkeypatch.setattr(
        Trainer,
        "step_checked",
        lambda self, plan, x, y, index, *rest: (
            sizes.append(len(index)) or step(self, plan, x, y, index, *rest)
        ),
    )
    spatial = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3), seed=0)
    fit(spatial, rows(rng, 9, (1, 4, 4)), 1, batch_size=8, progress=False)
    held = network()
    held.freeze("1")
    fit(held, rows(rng, 9), 1, batch_size=8, progress=False)
    assert sizes == [8, 1, 8, 1]


@pytest.mark.parametrize(
    ("n", "batch_size", "micro_batch", "given"),
    [
        (8, 1, None, "batch_size=1"),
        (8, 4, 1, "micro_batch=1"),
        (1, 4, None, "a batch of 1 row"),
    ],
)
def test_batches_that_are_too_small_are_errors_before_the_first_step(n, batch_size, micro_batch, given, rng):
    model = network()
    before = model.flat_parameters.copy()
    with refused(
        ValueError,
        f"fit: {given} is too small: batch normalization needs more than one value per channel; use at "
        "least 2 rows",
    ):
        fit(model, rows(rng, n), 1, batch_size=batch_size, micro_batch=micro_batch, progress=False)
    np.testing.assert_array_equal(model.flat_parameters, before)


def test_the_last_part_of_a_step_is_merged_with_the_previous_one(rng):
    x, y = rows(rng, 9)
    one, other = Trainer(network(), optim.SGD(0.1)), Trainer(network(), optim.SGD(0.1))
    one.step(x, y, micro_batch=4)
    other.accumulate(x[:4], y[:4])
    other.accumulate(x[4:], y[4:])
    other.update()
    np.testing.assert_array_equal(one.model.flat_parameters, other.model.flat_parameters)
    with refused(
        ValueError,
        "Trainer: micro_batch=1 is too small: batch normalization needs more than one value per channel; use "
        "at least 2 rows",
    ):
        one.step(x, y, micro_batch=1)


FREEZE = [(), ("*",), ("1", "4"), ("*.running_*",), ("1.running_mean", "4.running_var")]


@pytest.mark.parametrize("patterns", FREEZE)
def test_frozen_averages_are_kept_and_used(patterns, rng):
    model = convolutions()
    for name, value in model.buffers().items():
        value[:] = rng.uniform(0.5, 2, value.shape) if name.endswith("var") else rng.normal(size=value.shape)
    x, y = rows(rng, 6, (1, 4, 4))
    moved = model.copy()
    moved.forward(x)
    assert any((moved.buffers()[n] != v).any() for n, v in model.buffers().items())

    model.freeze(*patterns)
    before = model.state_dict()
    np.testing.assert_allclose(model.forward(x), model(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.forward(x)[:1], model.forward(x[:1]), rtol=1e-5, atol=1e-6)
    model.loss_and_grad(x, y)
    if patterns not in ((), ("*",)):
        Trainer(model, optim.Adam(0.1)).step(x, y)
    for name, value in model.buffers().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_frozen_averages_pass_gradients_as_inference_does(rng):
    """Against central differences of the inference pass, for the input and all parameters."""
    model = convolutions().to("float64")
    for name, value in model.buffers().items():
        value[:] = rng.uniform(0.5, 2, value.shape) if name.endswith("var") else rng.normal(size=value.shape)
    model.freeze("*.running_*")
    x, dy = rng.normal(size=(5, 1, 4, 4)), rng.normal(size=(5, 3))
    model.forward(x)
    dx = model.backward(dy)
    step = 1e-6

    def slope(place: np.ndarray) -> float:
        kept = float(place[...])
        place[...] = kept + step
        up = (model(x) * dy).sum()
        place[...] = kept - step
        down = (model(x) * dy).sum()
        place[...] = kept
        return float((up - down) / (2 * step))

    for i in range(0, x.size, 7):
        assert dx.reshape(-1)[i] == pytest.approx(
            slope(x.reshape(-1)[i : i + 1].reshape(())), rel=1e-5, abs=1e-7
        )
    gradients = model.gradients()
    for name, value in model.parameters().items():
        flat = value.reshape(-1)
        for i in range(min(3, flat.size)):
            want = slope(flat[i : i + 1].reshape(()))
            assert gradients[name].reshape(-1)[i] == pytest.approx(want, rel=1e-5, abs=1e-7), name


def test_frozen_averages_agree_with_torch(rng):
    torch = pytest.importorskip("torch")
    layer = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU()).to("float64")
    twin = torch.nn.BatchNorm2d(3, dtype=torch.float64).eval()
    with torch.no_grad():
        for name in ("weight", "bias", "running_mean", "running_var"):
            value = rng.uniform(0.5, 2, 3)
            getattr(layer[0], name)[:] = value
            getattr(twin, name)[:] = torch.from_numpy(value)
    layer.freeze("0.running_mean")
    x, dy = rng.normal(size=(4, 3, 2, 2)), rng.normal(size=(4, 3, 2, 2))
    given = torch.from_numpy(x).requires_grad_()
    want = torch.relu(twin(given))
    want.backward(torch.from_numpy(dy))
    np.testing.assert_allclose(layer.forward(x), want.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.backward(dy), given.grad.numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        layer.gradients()["0.weight"], twin.weight.grad.numpy(), rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(layer.gradients()["0.bias"], twin.bias.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_freezing_and_unfreezing_take_effect_immediately_in_parts_and_copies(rng):
    part = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), seed=0)
    model = nn.Sequential({"body": part, "head": nn.Linear(6, 3)})
    x, y = rows(rng, 8)
    trainer = Trainer(model, optim.SGD(0.1))

    def moves() -> bool:
        before = {name: value.copy() for name, value in model.buffers().items()}
        trainer.step(x, y)
        return any((before[name] != value).any() for name, value in model.buffers().items())

    assert moves()
    assert part.freeze("1") == ["1.weight", "1.bias", "1.running_mean", "1.running_var"]
    assert model.frozen == tuple(f"body.1.{n}" for n in ("weight", "bias", "running_mean", "running_var"))
    assert not moves()
    for twin in (model.copy(), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.frozen == model.frozen
        np.testing.assert_array_equal(twin.forward(x), model.forward(x))
    model.unfreeze("body")
    assert moves()
    model.freeze("body.1.weight", "body.1.bias")
    assert moves()


def test_a_layer_without_weights_can_be_frozen(rng):
    layer = nn.BatchNorm1d(4, affine=False)
    assert layer.freeze() == ["running_mean", "running_var"]
    x, _ = rows(rng, 5)
    np.testing.assert_allclose(layer.forward(x), layer(x), rtol=1e-6)
    np.testing.assert_array_equal(layer.running_mean, np.zeros(4))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("call", ["forward", "loss_and_grad"])
def test_a_batch_that_is_not_finite_updates_no_average(value, momentum, call, rng):
    model = nn.Sequential(
        *(
            nn.Linear(4, 6),
            nn.BatchNorm1d(6, momentum=momentum),
            nn.ReLU(),
            nn.BatchNorm1d(6),
            nn.Linear(6, 3),
        ),
        seed=0,
    )
    x, y = rows(rng, 8)
    model.forward(x)
    before = model.state_dict()
    spoilt = x.copy()
    spoilt[3, 2] = value
    getattr(model, call)(spoilt, *(() if call == "forward" else (y,)))
    for name, kept in model.state_dict().items():
        np.testing.assert_array_equal(kept, before[name], err_msg=name)
    model.forward(x + 1)
    assert all((value != before[name]).any() for name, value in model.buffers().items())


def test_inference_sees_averages_that_were_restored(rng):
    """A part that fails takes back what the parts before it gave to the running averages."""
    trainer = Trainer(network(), optim.SGD(0.1))
    x, y = rows(rng, 8)
    before = trainer.model(x)
    trainer.accumulate(x[:4], y[:4])
    assert (trainer.model(x) != before).any()
    with pytest.raises(NonFiniteError):
        trainer.accumulate(np.full_like(x[4:], np.inf), y[4:])
    np.testing.assert_array_equal(trainer.model(x), before)
