"""Clipping of gradients: by hand, beside PyTorch, with any number of threads, in training."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import Trainer, _core, fit, nn, optim

from tests.support.refusal import refused


def test_norm_by_hand(dtype):
    grads = np.array([3.0, 0.0, -4.0], dtype)
    assert optim.clip_grad_norm_(grads, 10.0) == 5.0
    assert grads.tolist() == [3, 0, -4]
    assert optim.clip_grad_norm_(grads, 2.5) == 5.0
    np.testing.assert_allclose(grads, [1.5, 0, -2], rtol=1e-6)


def test_the_norm_is_that_of_all_arrays_together(dtype):
    named = {"a": np.full((2, 2), 2.0, dtype), "b": np.zeros((0, 3), dtype), "c": np.array(3.0, dtype)}
    assert optim.clip_grad_norm_(named, 1.0) == 5.0
    np.testing.assert_allclose(named["a"], 0.4, rtol=1e-6)
    assert optim.clip_grad_norm_(list(named.values()), 2.0) == pytest.approx(1.0, rel=1e-5)
    assert optim.clip_grad_norm_({}, 1.0) == 0.0


def test_value_by_hand(dtype):
    grads = np.array([0.5, -7.0, 7.0, np.nan, -np.inf], dtype)
    optim.clip_grad_value_(grads, 1.0)
    np.testing.assert_array_equal(grads, np.array([0.5, -1, 1, np.nan, -1], dtype))


@pytest.mark.parametrize("number", range(40))
def test_beside_pytorch(number, dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng([number, 3])
    shapes = [tuple(rng.integers(1, 9, rng.integers(1, 4))) for _ in range(rng.integers(1, 6))]
    grads = [(rng.standard_normal(s) * 10.0 ** rng.integers(-3, 4)).astype(dtype) for s in shapes]
    limit = float(np.exp(rng.uniform(-4, 6)))
    tensors = [torch.nn.Parameter(torch.zeros(g.shape, dtype=getattr(torch, dtype))) for g in grads]
    for clip, theirs in (
        (optim.clip_grad_norm_, torch.nn.utils.clip_grad_norm_),
        (optim.clip_grad_value_, torch.nn.utils.clip_grad_value_),
    ):
        ours = [g.copy() for g in grads]
        for tensor, g in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(g)
        norm, want = clip(ours, limit), theirs(tensors, limit)
        tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
        if want is not None:
            assert norm == pytest.approx(float(want), rel=tolerance)
        for got, tensor in zip(ours, tensors, strict=True):
            np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=tolerance)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_shows(bad):
    """As in PyTorch: the norm says it, and no number but 0 remains that could be taken for a gradient."""
    grads = np.array([1.0, bad])
    norm = optim.clip_grad_norm_(grads, 1.0)
    assert np.isnan(norm) if np.isnan(bad) else norm == np.inf
    np.testing.assert_array_equal(grads, [np.nan if np.isnan(bad) else 0, np.nan])


def test_float32_squares_do_not_overflow():
    grads = np.full(1000, 1e30, np.float32)
    assert optim.clip_grad_norm_(grads, 1.0) == pytest.approx(1e30 * 1000**0.5, rel=1e-6)
    np.testing.assert_allclose(grads, 1000**-0.5, rtol=1e-6)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 4095, 4096, 4097, 300_007])
def test_the_sum_is_exact_for_small_integers(size, dtype, rng):
    values = rng.integers(-9, 10, size)
    assert _core.squared_norm(values.astype(dtype)) == (values**2).sum()


def test_any_number_of_threads_gives_the_same_bits(dtype, rng, set_threads):
    values = (rng.standard_normal(1_000_003) * np.exp(3 * rng.standard_normal(1_000_003))).astype(dtype)
    seen = set()
    for count in (1, 2, 3, 7):
        set_threads(count)
        seen.add(_core.squared_norm(values))
    assert len(seen) == 1
    assert seen.pop() == pytest.approx(float((values.astype(np.longdouble) ** 2).sum()), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: optim.clip_grad_norm_(np.zeros(2, int), 1.0),
            TypeError,
            "clip_grad_norm_: grads must be a float32 or float64 array, got int64 array",
        ),
        (
            lambda: optim.clip_grad_norm_({"0.bias": [1.0]}, 1.0),
            TypeError,
            "clip_grad_norm_: grads['0.bias'] must be a float32 or float64 array, got list",
        ),
        (
            lambda: optim.clip_grad_value_(3.0, 1.0),
            TypeError,
            "clip_grad_value_: grads must be an array, a dict or a list of arrays, got float",
        ),
        (
            lambda: optim.clip_grad_value_([np.zeros((4, 4))[:, 1]], 1.0),
            ValueError,
            "clip_grad_value_: grads[0] must be contiguous and writable, to be changed in place",
        ),
        (
            lambda: optim.clip_grad_norm_(np.zeros(2), 0),
            ValueError,
            "clip_grad_norm_: max_norm must be above 0, got 0",
        ),
        (
            lambda: optim.clip_grad_norm_(np.zeros(2), float("inf")),
            ValueError,
            "clip_grad_norm_: max_norm must be finite and at least 0, got inf",
        ),
        (
            lambda: optim.clip_grad_value_(np.zeros(2), "1"),
            TypeError,
            "clip_grad_value_: clip_value must be a number, got str '1'",
        ),
        (
            lambda: Trainer(nn.Linear(1, 2), optim.SGD(1), clip_norm=1.0, clip_value=1.0),
            ValueError,
            "Trainer: accepts clip_norm or clip_value, not both",
        ),
        (
            lambda: Trainer(nn.Linear(1, 2), optim.SGD(1), clip_norm=-1),
            ValueError,
            "Trainer: clip_norm must be finite and at least 0, got -1",
        ),
        (
            lambda: Trainer(nn.Linear(1, 2), optim.SGD(1), clip_value=0),
            ValueError,
            "Trainer: clip_value must be above 0, got 0",
        ),
    ],
)
def test_what_cannot_be_clipped_is_refused(call, error, text):
    with refused(error, text):
        call()


# ------------------------------------------------------------------ in training


def problem():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3), input_shape=(5,), seed=0)
    return model, 10 * rng.standard_normal((20, 5)).astype(np.float32), rng.integers(0, 3, 20)


@pytest.mark.parametrize("how", ["clip_norm", "clip_value"])
def test_a_step_goes_along_clipped_gradients(how):
    model, x, y = problem()
    twin = model.copy()
    Trainer(model, optim.SGD(1.0), **{how: 0.01}).step(x, y)
    _, grads = twin.loss_and_grad(x, y)
    clip = optim.clip_grad_norm_ if how == "clip_norm" else optim.clip_grad_value_
    clip(grads, 0.01)
    for name, value in twin.state_dict().items():
        np.testing.assert_allclose(model.state_dict()[name], value - grads[name], rtol=1e-6, atol=1e-8)
    moved = np.concatenate([(model.state_dict()[k] - v).ravel() for k, v in twin.state_dict().items()])
    longest = np.linalg.norm(moved) if how == "clip_norm" else np.abs(moved).max()
    assert longest == pytest.approx(0.01, rel=1e-3)


def test_frozen_gradients_are_not_part_of_the_norm():
    model, x, y = problem()
    twin = model.copy()
    model.freeze("0")
    Trainer(model, optim.SGD(1.0), clip_norm=0.01).step(x, y)
    moved = [model.state_dict()[name] - twin.state_dict()[name] for name in model.state_dict()]
    assert not moved[0].any()
    assert not moved[1].any()
    assert np.linalg.norm(np.concatenate([m.ravel() for m in moved])) == pytest.approx(0.01, rel=1e-3)


def test_fit_passes_the_limits_on():
    model, x, y = problem()
    before = model.copy()
    fit(model, (x, y), 1, optim.SGD(1.0), batch_size=20, clip_value=1e-3, progress=False)
    for name, value in before.state_dict().items():
        assert 0 < np.abs(model.state_dict()[name] - value).max() < 1.001e-3
