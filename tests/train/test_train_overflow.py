"""Updates that overflow: refused, with everything as it was before; and weights that are not finite."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cnnfast import _core, fit, functional, load, nn, optim
from cnnfast.errors import NonFiniteError
from cnnfast.optim import Group
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused


def rows(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(16, 4)).astype(np.float32), rng.integers(0, 3, 16)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3), seed=0)


HUGE = {
    "SGD": lambda: optim.SGD(lr=3e38),
    "momentum": lambda: optim.SGD(lr=1e38, momentum=0.99),
    "Adam": lambda: optim.Adam(lr=3e38),
    "AdamW": lambda: optim.AdamW(lr=3e38),
    "RMSprop": lambda: optim.RMSprop(lr=3e38),
    "Adagrad": lambda: optim.Adagrad(lr=3e38),
    "no eps": lambda: optim.Adam(lr=1e-3, eps=0.0),
    "decay": lambda: optim.SGD(lr=1e-3, weight_decay=3e38),
    "group": lambda: optim.SGD(lr=1e-3, groups=[Group("*.bias", lr=3e38)]),
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_huge_rate_ends_in_an_error_with_finite_weights(kind, rng):
    x, y = rows(rng)
    x[:, 0] = 0  # gradients of 0, which an eps of 0 divides by 0
    model, optimizer = network(), HUGE[kind]()
    with pytest.raises(NonFiniteError) as caught:
        fit(model, (x, y), 30, optimizer, 8, progress=False)
    assert np.isfinite(model.flat_parameters).all()
    assert all(np.isfinite(value).all() for value in optimizer.state_dict()["memory"].values())
    assert caught.value.history is not None
    assert optimizer.steps == caught.value.step - 1


def test_an_update_that_overflows_leaves_no_trace(rng):
    x, y = rows(rng)
    trainer = Trainer(network(), optim.Adam(lr=1e-2))
    trainer.step(x, y)
    trainer.optimizer.lr = 3e38
    before, state = trainer.model.flat_parameters.copy(), repr(trainer.optimizer.state_dict())
    for micro_batch in (None, 4):
        with pytest.raises(
            NonFiniteError, match=r"^a weight after the update \(loss 1\.\d+\) is not finite at step 2; "
        ):
            trainer.step(x, y, micro_batch=micro_batch)
        assert trainer.model.flat_parameters.tobytes() == before.tobytes()
        assert repr(trainer.optimizer.state_dict()) == state
    trainer.optimizer.lr = 1e-2
    twin = Trainer(network(), optim.Adam(lr=1e-2))
    twin.step(x, y)
    twin.step(x, y)
    trainer.step(x, y)
    assert trainer.model.flat_parameters.tobytes() == twin.model.flat_parameters.tobytes()


def test_memory_that_overflows_is_refused():
    """The square of a gradient of 1e25 is infinite in float32: the weight would never move again."""
    model = nn.Linear(1, 1, bias=False, seed=0)
    optimizer = optim.Adam()
    with pytest.raises(NonFiniteError, match="is not finite at step 1"):
        Trainer(model, optimizer, "l1").step(np.full((1, 1), 1e25, np.float32), np.zeros((1, 1), np.float32))
    assert optimizer.steps == 0


def copies_made(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    made = []
    saved = type(trainer.optimizer).state_dict
    monkeypatch.setattr(type(trainer.optimizer), "state_dict", lambda self: made.append(1) or saved(self))
    trainer.step(*args)  # type: ignore[arg-type]
    return len(made)


@pytest.mark.parametrize("build", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad])
def test_ordinary_steps_copy_nothing(build, rng, monkeypatch):
    trainer = Trainer(network(), build(lr=1.0))
    assert copies_made(trainer, monkeypatch, *rows(rng)) == 0


@pytest.mark.parametrize("what", ["gradient", "memory", "weights"])
def test_after_something_large_steps_are_careful_until_it_is_gone(what, rng, monkeypatch):
    x, y = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    model = nn.Linear(2, 1, bias=False, seed=0)
    trainer = Trainer(model, optim.SGD(lr=1e-30, momentum=0.5, weight_decay=1e-3), "l1")
    trainer.step(x, y)
    if what == "memory":
        state = trainer.optimizer.state_dict()
        state["memory"]["momentum_buffer"][:] = 1e20
        trainer.optimizer.load_state_dict(state)
    elif what == "weights":
        model.weight = np.full((1, 2), 1e20)
    assert copies_made(trainer, monkeypatch, x * np.float32(1e20 if what == "gradient" else 1), y) == 1
    model.weight = np.ones((1, 2))
    for _ in range(60):
        trainer.step(x, y)
    assert copies_made(trainer, monkeypatch, x, y) == 0


def test_magnitude(dtype, rng):
    for size in (0, 1, 5, 17, 70_001, 200_003):
        values = rng.normal(size=size).astype(dtype)
        assert _core.magnitude(values) == (np.abs(values).max() if size else 0)
        for bad in (np.nan, np.inf, -np.inf) if size else ():
            values[size // 2] = bad
            assert np.isnan(_core.magnitude(values))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_models_that_are_not_finite_say_so(value, tmp_path, rng):
    model = network()
    model[3].bias[1] = value
    assert model.non_finite() == ["3.bias"]
    path = tmp_path / "model.safetensors"
    text = "the model's 3.bias hold NaN or infinity; its predictions are meaningless"

    def use() -> None:
        model.save(path)
        again = load(path)
        again.predict(rows(rng)[0])
        again.predict_proba(rows(rng)[0])

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use()
    assert [str(warning.message) for warning in caught] == [
        f"save: {path}: {text}",
        f"load: {path}: {text}",
        f"Sequential: predict: {text}",
        f"Sequential: predict_proba: {text}",
    ]
    assert {warning.filename for warning in caught} >= {__file__}


@pytest.mark.parametrize("training", [False, True])
def test_a_negative_running_variance_is_refused(training):
    with refused(ValueError, "batch_norm: running_var must not be negative, got -0.5 at position 1"):
        functional.batch_norm(np.ones((3, 2)), np.zeros(2), np.array([1.0, -0.5]), training=training)
