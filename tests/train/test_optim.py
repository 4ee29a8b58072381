"""Optimizers: arithmetic compared with plain formulas and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import optim

from tests.support.optimizers import CASES, names
from tests.support.refusal import refused


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=names)
def test_ten_steps_as_in_pytorch(cls, settings, dtype, rng):
    torch = pytest.importorskip("torch")
    params = rng.standard_normal(1037).astype(dtype)
    theirs = torch.nn.Parameter(torch.tensor(params))
    their_optimizer = getattr(torch.optim, cls.__name__)([theirs], **settings)
    optimizer = cls(**settings)
    for step in range(10):
        grads = (rng.standard_normal(1037) * 10.0 ** rng.integers(-3, 2)).astype(dtype)
        optimizer.step(params, grads)
        theirs.grad = torch.tensor(grads)
        their_optimizer.step()
        tolerance = {"float32": 2e-6, "float64": 1e-13}[dtype]
        np.testing.assert_allclose(params, theirs.detach().numpy(), rtol=tolerance, atol=tolerance)
        assert optimizer.steps == step + 1


def test_sgd_by_hand():
    params, grads = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    optimizer = optim.SGD(lr=0.1, momentum=0.5, weight_decay=0.1)
    optimizer.step(params, grads)
    first = grads + 0.1 * np.array([1.0, -2.0])
    after = np.array([1.0, -2.0]) - 0.1 * first
    np.testing.assert_allclose(params, after)
    optimizer.step(params, grads)
    np.testing.assert_allclose(params, after - 0.1 * (0.5 * first + grads + 0.1 * after))


def test_adams_first_step_is_lr_long_whatever_the_gradient(dtype):
    params = np.zeros(4, dtype)
    optim.Adam(lr=0.25).step(params, np.array([1e-3, -1, 50, -1e4], dtype))
    np.testing.assert_allclose(params, [-0.25, 0.25, -0.25, 0.25], rtol=1e-4)


def test_rmsprop_by_hand(dtype):
    params, grads = np.array([1.0, -2.0], dtype), np.array([4.0, 0.5], dtype)
    optimizer = optim.RMSprop(lr=0.5, alpha=0.75, eps=0.25, momentum=0.5, centered=True)
    want, mean, square, direction = params.astype(float), 0.0, 0.0, 0.0
    for _ in range(3):
        optimizer.step(params, grads)
        square = 0.75 * square + 0.25 * grads.astype(float) ** 2
        mean = 0.75 * mean + 0.25 * grads.astype(float)
        direction = 0.5 * direction + grads / (np.sqrt(square - mean**2) + 0.25)
        want = want - 0.5 * direction
    np.testing.assert_allclose(params, want, rtol=1e-6 if dtype == "float32" else 1e-14)


def test_centered_rmsprop_takes_a_negative_variance_as_0(dtype):
    """The estimate is 0 but for rounding when every gradient is the same; its root must not be NaN."""
    params = np.zeros(64, dtype)
    optimizer = optim.RMSprop(lr=1e-12, alpha=0.5, centered=True)
    grads = np.linspace(0.1, 1.7, 64).astype(dtype)
    for _ in range(80):
        optimizer.step(params, grads)
    memory = optimizer.state_dict()["memory"]
    assert (memory["square_avg"] < memory["grad_avg"] ** 2).any()
    assert np.isfinite(params).all()


def test_adagrad_by_hand(dtype):
    params = np.array([1.0, 1.0], dtype)
    optimizer = optim.Adagrad(lr=1.0, lr_decay=1.0, initial_accumulator_value=16.0)
    optimizer.step(params, np.array([3.0, 0.0], dtype))
    np.testing.assert_allclose(params, [1 - 3 / 5, 1], rtol=1e-6)
    optimizer.step(params, np.array([12.0, -3.0], dtype))
    np.testing.assert_allclose(params, [1 - 3 / 5 - 12 / 13 / 2, 1 + 3 / 5 / 2], rtol=1e-6)


def test_amsgrad_keeps_the_largest_second_moment():
    params, plain = np.zeros(1), np.zeros(1)
    careful, forgetful = optim.Adam(lr=0.1, betas=(0, 0.5), amsgrad=True), optim.Adam(lr=0.1, betas=(0, 0.5))
    for size in (100.0, *[1.0] * 20):
        careful.step(params, np.array([size]))
        forgetful.step(plain, np.array([size]))
    assert plain.item() < 2 * params.item() < 0


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=names)
def test_any_number_of_threads_gives_the_same_bits(cls, settings, dtype, rng, set_threads):
    start = rng.standard_normal(300_007).astype(dtype)
    grads = rng.standard_normal((3, start.size)).astype(dtype)
    seen = set()
    for count in (1, 2, 3, 7):
        set_threads(count)
        params, optimizer = start.copy(), cls(**settings)
        for g in grads:
            optimizer.step(params, g)
        seen.add(params.tobytes())
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("make", "name", "weight"),
    [
        (lambda rest: optim.Adam(lr=0.1, betas=(1 - rest, 0.9)), "exp_avg", 1.0),
        (lambda rest: optim.AdamW(lr=0.1, betas=(1 - rest, 0.9)), "exp_avg", 0.875),
        (lambda rest: optim.RMSprop(lr=0.1, alpha=1 - rest, centered=True), "grad_avg", 1.0),
        (lambda rest: optim.RMSprop(lr=0.1, alpha=1 - rest, centered=True), "grad_avg", 0.25),
    ],
)
def test_moments_of_small_gradients_are_accurate(make, name, weight, dtype):
    """An average takes a small gradient in behind a large one, whatever weight the new one has."""
    large, small = 1e6 if dtype == "float32" else 1e14, np.pi * np.arange(1, 38)
    optimizer, params = make(weight), np.zeros(37, dtype)
    for size in (large, small):
        optimizer.step(params, np.full(37, size, dtype))
    want = (1 - weight) * weight * np.full(37, large, dtype) + weight * small.astype(dtype)
    got = optimizer.state_dict()["memory"][name]
    np.testing.assert_allclose(got, want, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("cls", "settings"), CASES, ids=names)
def test_maximize_is_a_step_along_the_negative_gradient(cls, settings, dtype, rng):
    """To the last bit, in parameters and memory; it may change between steps."""
    start = rng.standard_normal(1037).astype(dtype)
    up, down = start.copy(), start.copy()
    climbing, falling = cls(**{**settings, "maximize": True}), cls(**{**settings, "maximize": False})
    for _ in range(4):
        grads = rng.standard_normal(1037).astype(dtype)
        climbing.step(up, grads)
        falling.step(down, -grads)
        climbing.maximize, falling.maximize = falling.maximize, climbing.maximize
        climbing.step(up, grads)
        falling.step(down, -grads)
        climbing.maximize, falling.maximize = falling.maximize, climbing.maximize
        assert up.tobytes() == down.tobytes()
    for name, memory in climbing.state_dict()["memory"].items():
        assert memory.tobytes() == falling.state_dict()["memory"][name].tobytes()


def test_maximize_climbs():
    params = np.array([1.0, 2.0])
    optim.SGD(lr=0.5, maximize=True).step(params, np.array([1.0, -1.0]))
    np.testing.assert_array_equal(params, [1.5, 1.5])
    with refused(TypeError, "SGD: maximize must be True or False, got 1"):
        optim.SGD(lr=0.5, maximize=1)


def test_a_state_without_maximize_minimizes():
    state = optim.SGD(0.5, momentum=0.5).state_dict()
    del state["settings"]["maximize"]
    optimizer = optim.SGD(1, maximize=True)
    optimizer.load_state_dict(state)
    assert optimizer.maximize is False
