"""Losses: against their definitions, at corners, through networks and training, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, functional, losses, nn

from tests import oracle
from tests.support.losses import SETTINGS

NAN, INF = np.nan, np.inf
Array = np.ndarray[Any, Any]

by_setting = pytest.mark.parametrize(("loss", "kind"), SETTINGS, ids=lambda v: str(v))


def drawn(kind: str, rng: np.random.Generator, *shape: int) -> Array:
    """Targets of that shape."""
    if kind == "classes":
        return rng.integers(0, shape[1], shape[0])
    return (
        rng.dirichlet(np.ones(shape[1]), shape[0]) if kind == "probabilities" else rng.standard_normal(shape)
    )


def plain(loss: losses.Loss, x: Array, target: Array) -> tuple[Array, Array, float]:
    """Losses of rows or elements, their gradients, and what a mean divides by: `tests/oracle`."""
    return oracle.LOSSES[loss.name](x, target, **loss._settings())


@by_setting
def test_matches_oracle(loss: losses.Loss, kind: str, isa: str, dtype: str, rng: np.random.Generator) -> None:
    x = (3 * rng.standard_normal((9, 4))).astype(dtype)
    target = drawn(kind, rng, 9, 4)
    target = target if kind == "classes" else target.astype(dtype)
    got = _core.row_losses(loss.engine_loss(), x, target, isa)
    want = plain(loss, x.astype(np.float64), target)
    limit = 1e-5 if dtype == "float32" else 1e-13
    for value, expected in zip(got[:2], want[:2], strict=True):
        assert value.dtype == dtype
        np.testing.assert_allclose(value, expected, rtol=limit, atol=limit)
    assert got[2] == pytest.approx(want[2])


@by_setting
def test_gradient_is_that_of_the_loss(
    loss: losses.Loss, kind: str, isa: str, rng: np.random.Generator
) -> None:
    x, target, step = rng.standard_normal((5, 4)), drawn(kind, rng, 5, 4), 1e-6
    slope = _core.row_losses(loss.engine_loss(), x, target, isa)[1]
    for i in range(x.size):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved.flat[i] += sign * step
            ends.append(_core.row_losses(loss.engine_loss(), moved, target, isa)[0].sum())
        assert slope.flat[i] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def test_huge_logits_do_not_overflow(isa: str, dtype: str) -> None:
    x, target = np.array([[1e30, -1e30], [-1e4, 1e4]], dtype), np.array([[1, 0], [0, 1]], dtype)
    for loss in (losses.BCEWithLogits(), losses.CrossEntropy(label_smoothing=0), losses.CrossEntropy([1, 2])):
        values, slope, _ = _core.row_losses(loss.engine_loss(), x, target, isa)
        np.testing.assert_array_equal(values, 0)
        np.testing.assert_array_equal(slope, 0)
    values, slope, _ = _core.row_losses(losses.BCEWithLogits().engine_loss(), x, 1 - target, isa)
    np.testing.assert_allclose(values, np.abs(x))
    np.testing.assert_array_equal(slope, np.sign(x))


@pytest.mark.parametrize("classes", [3, 17, 37])
def test_the_largest_logit_is_found_wherever_it_is(classes: int, isa: str, dtype: str) -> None:
    """In whole vectors and behind them: taken off every logit, it keeps exponentials from overflowing."""
    x = np.zeros((classes, classes), dtype)
    np.fill_diagonal(x, 1e4)
    values, slope, _ = _core.row_losses(losses.CrossEntropy().engine_loss(), x, np.arange(classes), isa)
    np.testing.assert_array_equal(values, 0)
    np.testing.assert_array_equal(slope, 0)
    np.testing.assert_array_equal(functional.softmax(x, isa=isa), np.eye(classes))
    np.testing.assert_array_equal(functional.log_softmax(x, isa=isa), x - 1e4)


def test_small_losses_keep_their_digits(isa: str, dtype: str) -> None:
    """log(1 + exp(-x)) is exp(-x) for large x, not 0; so is its derivative."""
    x = np.array([[20.0, -30.0, 60.0, -88.0, 100.0]], dtype)
    target = (x > 0).astype(dtype)
    values, slope, _ = _core.row_losses(losses.BCEWithLogits().engine_loss(), x, target, isa)
    want = np.log1p(np.exp(-np.abs(x.astype(np.float64))))
    least = float(np.finfo(dtype).tiny * np.finfo(dtype).eps)
    limit = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(values, want, rtol=limit, atol=least)
    np.testing.assert_allclose(slope, -np.sign(x) * want, rtol=1e-6, atol=least)


def test_special_values(isa: str, dtype: str) -> None:
    """NaN stays NaN; a class that cannot be (logit -Inf) costs nothing where it is not wanted."""
    x = np.array([[-INF, 0, 0], [0, NAN, 0]], dtype)
    shares = np.array([[0, 0.5, 0.5], [0, 1, 0]], dtype)
    values, slope, _ = _core.row_losses(losses.CrossEntropy().engine_loss(), x, shares, isa)
    np.testing.assert_allclose(values, [np.log(2), NAN], rtol=1e-6)
    np.testing.assert_allclose(slope[0], 0, atol=1e-7)
    assert np.isnan(slope[1]).all()
    for loss in (losses.MSE(), losses.L1(), losses.Huber(), losses.SmoothL1(), losses.BCEWithLogits()):
        values, slope, _ = _core.row_losses(
            loss.engine_loss(), np.array([[NAN, 1.0]], dtype), np.zeros((1, 2), dtype), isa
        )
        np.testing.assert_array_equal(np.isnan(values), [[True, False]])
        np.testing.assert_array_equal(np.isnan(slope), [[True, False]])


def test_ignored_rows_do_not_count(dtype: str, rng: np.random.Generator) -> None:
    x, target = rng.standard_normal((6, 3)).astype(dtype), np.array([0, -100, 2, 1, -100, 1])
    known = target >= 0
    for reduction in ("mean", "sum"):
        got = functional.cross_entropy(x, target, reduction=reduction)
        assert got == pytest.approx(
            functional.cross_entropy(x[known], target[known], reduction=reduction), rel=1e-6
        )
    slope = functional.cross_entropy_backward(x, target)
    np.testing.assert_allclose(
        slope[known], functional.cross_entropy_backward(x[known], target[known]), rtol=1e-6
    )
    assert not slope[~known].any()
    assert functional.cross_entropy(x, target, reduction="none")[1] == 0
    none = np.full(6, -100)
    assert np.isnan(functional.cross_entropy(x, none))
    assert functional.cross_entropy(x, none, reduction="sum") == 0
    assert not functional.cross_entropy_backward(x, none).any()


def test_pos_weight_goes_by_channels_of_images(dtype: str, rng: np.random.Generator) -> None:
    x, weight = rng.standard_normal((2, 3, 4, 5)).astype(dtype), [1.0, 3.0, 0.5]
    target = rng.integers(0, 2, x.shape).astype(dtype)
    whole = functional.binary_cross_entropy_with_logits(x, target, reduction="none", pos_weight=weight)
    slope = functional.binary_cross_entropy_with_logits_backward(
        x, target, reduction="none", pos_weight=weight
    )
    for c in range(3):
        alone = x[:, c : c + 1].copy(), target[:, c : c + 1].copy()
        got = functional.binary_cross_entropy_with_logits(
            *alone, reduction="none", pos_weight=weight[c : c + 1]
        )
        np.testing.assert_array_equal(whole[:, c : c + 1], got)
        got = functional.binary_cross_entropy_with_logits_backward(
            *alone, reduction="none", pos_weight=weight[c : c + 1]
        )
        np.testing.assert_array_equal(slope[:, c : c + 1], got)


def image_network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 3, 3, padding=1), seed=1)


@pytest.mark.parametrize(
    "loss", [losses.MSE(), losses.Huber(delta=0.5), losses.BCEWithLogits(pos_weight=[1, 2, 3])], ids=str
)
def test_images_as_targets(loss: losses.Loss, dtype: str, rng: np.random.Generator) -> None:
    """The target is NCHW like the output, whatever the layout inside; rows by index."""
    model = image_network().to(dtype)
    x, target = rng.standard_normal((7, 2, 5, 6)).astype(dtype), rng.random((7, 3, 5, 6)).astype(dtype)
    rows = np.array([4, 0, 4])
    value, grads = model.loss_and_grad(x[rows], target[rows], loss)
    values, slope, divisor = _core.row_losses(loss.engine_loss(), model.forward(x[rows]), target[rows])
    assert value == pytest.approx(values.sum(dtype=np.float64) / divisor, rel=1e-6)
    model.backward((slope / divisor).astype(dtype))
    limit = 1e-4 if dtype == "float32" else 1e-12
    for name, grad in model.gradients().items():
        np.testing.assert_allclose(grads[name], grad, rtol=limit, atol=limit * np.abs(grad).max())
    plan, _ = model.prepare(x)
    flat = np.empty_like(model.flat_parameters)
    step, right, *_ = plan.loss_and_grad(x, target, model.flat_parameters, flat, rows, loss.engine_loss())
    assert (step, right) == (value, 0)
    np.testing.assert_array_equal(flat, np.concatenate([g.ravel() for g in grads.values()]))


@by_setting
def test_any_number_of_threads_gives_the_same_bits(
    loss: losses.Loss, kind: str, set_threads: Callable[[int], None], rng: np.random.Generator
) -> None:
    end = nn.LogSoftmax() if loss.is_classification else nn.Identity()
    model = nn.Sequential(nn.Linear(30, 64, seed=1), nn.Tanh(), nn.Linear(64, 4, seed=2), end)
    x = rng.standard_normal((333, 30)).astype(np.float32)
    target = drawn(kind, rng, 333, 4)
    target = target if kind == "classes" else target.astype(np.float32)
    seen = []
    for threads in (1, 2, 3, 7):
        set_threads(threads)
        value, grads = model.loss_and_grad(x, target, loss)
        seen.append((value, b"".join(g.tobytes() for g in grads.values())))
    assert seen[0][1]
    assert seen == seen[:1] * 4


# --- training ---------------------------------------------------------------------------------------


# --- settings and refusals --------------------------------------------------------------------------
