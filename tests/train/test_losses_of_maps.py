"""Cross entropy and NLL of maps: a class, or probabilities of classes, for each position of an output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, check_gradients, evaluate, fit, functional, losses, nn, optim
from cnnfast.training.trainer import Trainer

from tests import oracle
from tests.support.refusal import refused

Array = np.ndarray[Any, Any]
Rng = np.random.Generator

LOSSES = [
    losses.CrossEntropy(),
    losses.CrossEntropy(weight=[0.5, 0, 2, 1], label_smoothing=0.3, ignore_index=2),
    losses.CrossEntropy(weight=[0.5, 1, 2, 1], ignore_index=255),
    losses.NLL(weight=[1, 2, 3, 0.25], ignore_index=3),
]
by_loss = pytest.mark.parametrize("loss", LOSSES, ids=str)
SHAPES = [(3, 4, 5), (2, 4, 3, 7), (5, 4, 1, 1), (2, 4, 2, 3, 2), (1, 4, 17), (0, 4, 3, 3), (2, 4, 0)]


def classes(rng: Rng, loss: Any, n: int, *rest: int) -> Array:
    """Some of them not known."""
    target = rng.integers(0, 4, (n, *rest))
    target[rng.random(target.shape) < 0.3] = loss.ignore_index
    return target


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@by_loss
def test_matches_oracle(loss: losses.Loss, shape: tuple[int, ...], isa: str, dtype: str, rng: Rng) -> None:
    n, c, *rest = shape
    x = (3 * rng.standard_normal(shape)).astype(dtype)
    targets = [classes(rng, loss, n, *rest)]
    if loss.takes_probabilities:
        targets.append(np.moveaxis(rng.dirichlet(np.ones(c), (n, *rest)), -1, 1).astype(dtype))
    limit = 1e-5 if dtype == "float32" else 1e-13
    for target in targets:
        got = _core.row_losses(loss.engine_loss(), x, target, isa)
        want = oracle.LOSSES[loss.name](x, target, **loss._settings())
        for value, expected in zip(got[:2], want[:2], strict=True):
            assert value.dtype == dtype
            assert value.shape == expected.shape
            np.testing.assert_allclose(value, expected, rtol=limit, atol=limit)
        assert got[2] == pytest.approx(want[2])


@by_loss
def test_functions_reduce_over_the_positions_that_count(loss: losses.Loss, rng: Rng) -> None:
    """As over the same positions one below the other."""
    x, target = rng.standard_normal((3, 4, 5, 6)), classes(rng, loss, 3, 5, 6)
    rows, flat = np.moveaxis(x, 1, -1).reshape(-1, 4), target.ravel()
    name = "cross_entropy" if loss.name == "cross_entropy" else "nll_loss"
    value, slope = getattr(functional, name), getattr(functional, f"{name}_backward")
    settings = loss._settings()
    for reduction in ("mean", "sum", "none"):
        got, want = (value(a, t, **settings, reduction=reduction) for a, t in ((x, target), (rows, flat)))
        np.testing.assert_allclose(np.ravel(got), np.ravel(want), rtol=1e-13)
        dx, drows = (slope(a, t, **settings, reduction=reduction) for a, t in ((x, target), (rows, flat)))
        np.testing.assert_allclose(np.moveaxis(dx, 1, -1).reshape(-1, 4), drows, rtol=1e-13)
    assert value(x, target, **settings, reduction="none").shape == target.shape


def network(loss: losses.Loss | None = None) -> nn.Sequential:
    """Four scores for each pixel."""
    body = [nn.Conv2d(2, 9, 3, padding=1), nn.ReLU(), nn.Conv2d(9, 4, 1)]
    ending = [nn.LogSoftmax()] if loss is not None and loss.name == "nll" else []
    return nn.Sequential(*body, *ending, seed=3)


@by_loss
def test_one_pass_through_a_network(loss: losses.Loss, dtype: str, rng: Rng) -> None:
    """`loss_and_grad` as forward, loss and backward one after the other; rows by index; right answers."""
    model = network(loss).to(dtype)
    x, target = rng.standard_normal((7, 2, 5, 6)).astype(dtype), classes(rng, loss, 7, 5, 6)
    rows = np.array([4, 0, 4])
    value, grads = model.loss_and_grad(x[rows], target[rows], loss)
    y = model.forward(x[rows])
    each, slope, divisor = _core.row_losses(loss.engine_loss(), y, target[rows])
    assert value == pytest.approx(each.sum(dtype=np.float64) / divisor, rel=1e-6)
    model.backward((slope / divisor).astype(dtype))
    limit = 1e-4 if dtype == "float32" else 1e-12
    for name, grad in model.gradients().items():
        np.testing.assert_allclose(grads[name], grad, rtol=limit, atol=limit * np.abs(grad).max())
    plan, _ = model.prepare(x)
    flat = np.empty_like(model.flat_parameters)
    step, right, *_ = plan.loss_and_grad(x, target, model.flat_parameters, flat, rows, loss.engine_loss())
    assert step == value
    assert right == ((y.argmax(axis=1) == target[rows]) & (target[rows] != loss.ignore_index)).sum() > 0
    np.testing.assert_array_equal(flat, np.concatenate([g.ravel() for g in grads.values()]))


def test_probabilities_through_a_network(rng: Rng) -> None:
    model, loss = network().to("float64"), losses.CrossEntropy([1, 2, 0.5, 1], label_smoothing=0.1)
    x, shares = rng.standard_normal((5, 2, 4, 3)), np.moveaxis(rng.dirichlet(np.ones(4), (5, 4, 3)), -1, 1)
    value, grads = model.loss_and_grad(x, shares, loss)
    y = model.forward(x)
    assert value == pytest.approx(
        functional.cross_entropy(y, shares, loss.weight, label_smoothing=0.1), rel=1e-13
    )
    model.backward(functional.cross_entropy_backward(y, shares, loss.weight, label_smoothing=0.1))
    for name, grad in model.gradients().items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-11, atol=1e-14)
    plan, _ = model.prepare(x)
    flat = np.empty_like(model.flat_parameters)
    _, right, *_ = plan.loss_and_grad(
        x, np.ascontiguousarray(shares), model.flat_parameters, flat, None, loss.engine_loss()
    )
    assert right == (y.argmax(axis=1) == shares.argmax(axis=1)).sum() > 0
    check_gradients(model, x[:2], shares[:2], loss)


@by_loss
def test_any_number_of_threads_gives_the_same_bits(
    loss: losses.Loss, set_threads: Callable[[int], None], rng: Rng
) -> None:
    model, x = network(loss), rng.standard_normal((70, 2, 9, 9)).astype(np.float32)
    target, seen = classes(rng, loss, 70, 9, 9), []
    for threads in (1, 2, 3, 7):
        set_threads(threads)
        value, grads = model.loss_and_grad(x, target, loss)
        seen.append((value, b"".join(g.tobytes() for g in grads.values())))
    assert seen == seen[:1] * 4


@by_loss
def test_a_batch_in_parts_is_the_batch(loss: losses.Loss, rng: Rng) -> None:
    """However many positions of a part count."""
    x, target = rng.standard_normal((9, 2, 5, 6)), classes(rng, loss, 9, 5, 6)
    target[:3, 1:] = loss.ignore_index
    ends = []
    for micro_batch in (None, 2):
        model = network(loss).to("float64")
        trainer = Trainer(model, optim.SGD(0.5), loss)
        ends.append((trainer.step(x, target, micro_batch=micro_batch), model.flat_parameters.copy()))
    assert ends[0][0] == pytest.approx(ends[1][0], rel=1e-12)
    np.testing.assert_allclose(ends[0][1], ends[1][1], rtol=1e-11)


@pytest.mark.parametrize("name", ["cross_entropy", "nll"])
def test_fit_learns_a_map(name: str, rng: Rng) -> None:
    """The class of a pixel is the larger of two channels, or how both compare with 0."""
    x = rng.standard_normal((60, 2, 6, 7)).astype(np.float32)
    target = 2 * (x[:, 0] > 0) + (x[:, 1] > 0)
    target[:, 0] = 255
    loss = losses.KINDS[name](ignore_index=255)
    model = network(loss)
    history = fit(model, (x, target), 30, optim.Adam(0.02), 10, loss=loss, validation=0.2, progress=False)
    last = history.epochs[-1]
    assert last.val_accuracy is not None
    assert last.val_accuracy > 0.9, "of the pixels whose class is known"
    assert last.accuracy is not None
    assert last.accuracy > 0.9, "of the pixels whose class is known"
    held = np.isin(np.arange(60), np.random.default_rng(0).permutation(60)[:12])
    best = history.epochs[history.best_epoch - 1]
    value = functional.cross_entropy(model(x[held]), target[held], ignore_index=255)
    assert best.val_loss == pytest.approx(value, rel=1e-5)
    said, known = model(x[held]).argmax(axis=1), target[held] != 255
    assert best.val_accuracy == pytest.approx((said == target[held])[known].mean())


def test_training_accuracy_is_that_of_positions(rng: Rng) -> None:
    x, target = rng.standard_normal((6, 2, 4, 5)).astype(np.float32), rng.integers(0, 4, (6, 4, 5))
    model = network()
    right = (model.forward(x).argmax(axis=1) == target).mean()
    history = fit(model, (x, target), 1, optim.SGD(0.0), 6, progress=False)
    assert history.epochs[0].accuracy == pytest.approx(right)


ZEROS = np.zeros((2, 4, 3, 5))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: functional.cross_entropy(ZEROS, np.zeros((2, 5, 3), int)),
            ValueError,
            "cross_entropy: target must have shape (2, 3, 5), one class for each position of the output, "
            "got (2, 5, 3)",
        ),
        (
            lambda: functional.nll_loss(ZEROS, [0, 1]),
            ValueError,
            "nll_loss: target must have shape (2, 3, 5), one class for each position of the output, got (2,)",
        ),
        (
            lambda: functional.cross_entropy(ZEROS, np.zeros((2, 3, 5))),
            TypeError,
            "cross_entropy: target must be integers, got float64; use target.astype(np.int64)",
        ),
        (
            lambda: functional.cross_entropy(ZEROS, np.zeros((2, 4, 5, 3))),
            ValueError,
            "cross_entropy: target must have shape (2, 4, 3, 5), that of the output, got (2, 4, 5, 3)",
        ),
        (
            lambda: functional.cross_entropy_backward(ZEROS, np.full((2, 3, 5), 4)),
            ValueError,
            "cross_entropy_backward: label 4 at (0, 0, 0) of target is outside of 0 .. 3 "
            "(4 classes, 30 such labels)",
        ),
        (
            lambda: functional.cross_entropy(np.zeros(3), [0]),
            ValueError,
            "cross_entropy: logits must have shape (n, classes, ...), got (3,)",
        ),
        (
            lambda: network().loss_and_grad(np.zeros((2, 2, 3, 5), np.float32), [0, 1]),
            ValueError,
            "Sequential: target must have shape (2, 3, 5), one class for each position of the output, "
            "got (2,)",
        ),
        (
            lambda: network().loss_and_grad(np.zeros((2, 2, 3, 5), np.float32), np.full((2, 3, 5), -1)),
            ValueError,
            "target: values must be from 0 to 3 (the network has 4 outputs), got -1 at position 0",
        ),
        (
            lambda: network().loss_and_grad(
                np.zeros((1, 2, 3, 5), np.float32), np.zeros((1, 3, 5), int), losses.CrossEntropy([1, 2])
            ),
            ValueError,
            "loss: weight has 2 entries, one is needed for each of the 4 outputs",
        ),
        (
            lambda: fit(network(), (np.zeros((2, 2, 3, 5), np.float32), [0, 1]), progress=False),
            ValueError,
            "fit: y must have shape (2, 3, 5), one class for each position of the output, got (2,)",
        ),
        (
            lambda: evaluate(network(), (np.zeros((2, 2, 3, 5), np.float32), np.zeros((2, 5, 3), int))),
            ValueError,
            "evaluate: y must have shape (2, 3, 5), one class for each position of the output, got (2, 5, 3)",
        ),
        (
            lambda: _core.row_losses(losses.NLL().engine_loss(), ZEROS, np.zeros((2, 3), np.int64)),
            ValueError,
            "target: expected shape (2, 3, 5), a class for each position, got (2, 3)",
        ),
    ],
)
def test_invalid_arguments(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    with refused(error, text):
        call()
