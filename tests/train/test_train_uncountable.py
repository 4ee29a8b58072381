"""Rows that do not count: steps without any are skipped, and means are taken over the others."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from cnnfast import fit, losses, nn, optim
from cnnfast.training.trainer import Trainer

from tests.support.refusal import refused

IGNORED = -100


def network(seed: int = 0) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3), seed=seed)


def rows(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(n, 4)).astype(np.float32), rng.integers(0, 3, n)


def state(trainer: Trainer) -> tuple[bytes, str, int]:
    return trainer.model.flat_parameters.tobytes(), repr(trainer.optimizer.state_dict()), trainer.steps


WEIGHTLESS = losses.CrossEntropy(weight=[1.0, 0.0, 1.0])


@pytest.mark.parametrize("micro_batch", [None, 2, 3])
@pytest.mark.parametrize(("loss", "label"), [("cross_entropy", IGNORED), (WEIGHTLESS, 1)])
def test_a_step_without_a_row_that_counts_changes_nothing(loss, label, micro_batch, rng):
    trainer = Trainer(network(), optim.Adam(), loss)
    x, y = rows(rng, 6)
    trainer.step(x, np.where(y == 1, 0, y))
    before = state(trainer)
    assert np.isnan(trainer.step(x, np.full(6, label), micro_batch=micro_batch))
    assert state(trainer) == before
    assert trainer.skipped == 1
    assert np.isfinite(trainer.step(x, np.where(y == 1, 0, y)))
    assert (trainer.steps, trainer.skipped) == (2, 1)


def test_parts_without_a_row_that_counts_add_nothing(rng):
    x, y = rows(rng, 9)
    y[:3] = y[6:] = IGNORED
    model = nn.Sequential(nn.Linear(4, 3), seed=0)
    whole = Trainer(model.copy(), optim.SGD(lr=0.1))
    parts = Trainer(model.copy(), optim.SGD(lr=0.1))
    handed = Trainer(model.copy(), optim.SGD(lr=0.1))
    want = whole.step(x, y)
    assert parts.step(x, y, micro_batch=3) == pytest.approx(want, rel=1e-6)
    np.testing.assert_allclose(parts.model.flat_parameters, whole.model.flat_parameters, rtol=1e-5, atol=1e-6)
    found = [handed.accumulate(x[i : i + 3], y[i : i + 3]) for i in (0, 3, 6)]
    assert [bool(np.isnan(loss)) for loss in found] == [True, False, True]
    handed.update()
    np.testing.assert_array_equal(handed.model.flat_parameters, parts.model.flat_parameters)
    assert np.isnan(handed.accumulate(x[:3], y[:3]))
    assert np.isnan(handed.update())
    assert (handed.steps, handed.skipped) == (1, 1)


def test_running_averages_do_not_move_by_parts_that_do_not_count(rng):
    x, y = rows(rng, 6)
    one, other = Trainer(network(), optim.SGD(0.1)), Trainer(network(), optim.SGD(0.1))
    y[3:] = IGNORED
    one.accumulate(x[:3], y[:3])
    other.accumulate(x[:3], y[:3])
    other.accumulate(x[3:], y[3:])
    one.update()
    other.update()
    assert one.model.flat_parameters.tobytes() == other.model.flat_parameters.tobytes()


@pytest.mark.parametrize("micro_batch", [None, 4])
def test_fit_counts_what_it_skips(micro_batch, rng):
    x, y = rows(rng, 40)
    y[16:] = IGNORED
    history = fit(network(), (x, y), 2, batch_size=8, shuffle=False, micro_batch=micro_batch, progress=False)
    assert [record.skipped_steps for record in history.epochs] == [3, 3]
    assert "3 steps skipped" in str(history)
    plain = fit(
        network(), (x[:16], y[:16]), 2, batch_size=8, shuffle=False, micro_batch=micro_batch, progress=False
    )
    for found, want in zip(history.epochs, plain.epochs, strict=True):
        assert (found.loss, found.accuracy) == (want.loss, want.accuracy)
    assert plain.epochs[0].skipped_steps == 0


@pytest.mark.parametrize(
    ("loss", "label", "ignored"),
    [("cross_entropy", IGNORED, -100), (losses.CrossEntropy(ignore_index=2), 2, 2), (WEIGHTLESS, 1, -100)],
)
def test_data_in_which_nothing_counts_are_refused_before_the_first_step(loss, label, ignored, rng):
    model = network()
    before = model.flat_parameters.copy()
    with refused(
        ValueError,
        f"fit: all rows of data are ignored: all labels are the loss's ignore_index ({ignored}), or of "
        "classes of weight 0",
    ):
        fit(model, (rows(rng, 8)[0], np.full(8, label)), 1, loss=loss, progress=False)
    np.testing.assert_array_equal(model.flat_parameters, before)


def answers(model: nn.Module, x: np.ndarray, y: np.ndarray, loss: losses.CrossEntropy) -> tuple[float, float]:
    """Loss and accuracy by definition."""
    logits = model(x).astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    known = y != loss.ignore_index
    picked = np.take_along_axis(log_p, np.where(known, y, 0)[:, None], 1)[:, 0]
    weight = np.where(known, np.asarray(loss.weight or [1.0] * 3)[np.where(known, y, 0)], 0)
    right = logits.argmax(axis=1) == y
    return float(-(picked * weight).sum() / weight.sum()), float(right[known].mean())


@pytest.mark.parametrize("batch_size", [5, 8, 64])
@pytest.mark.parametrize("weight", [None, [1.0, 5.0, 0.25]])
@pytest.mark.parametrize("positions", [(), (2, 3)])
def test_epoch_figures_are_means_over_what_counts(positions, weight, batch_size, rng):
    """With a rate of 0 the network stays as it is, and training's figures are those by definition."""
    loss = losses.CrossEntropy(weight=weight)
    model = nn.Sequential(nn.Conv2d(4, 3, 1), seed=0) if positions else nn.Sequential(nn.Linear(4, 3), seed=0)
    x = rng.normal(size=(20, 4, *positions)).astype(np.float32)
    y = rng.integers(0, 3, (20, *positions))
    y[rng.random(y.shape) < 0.6] = IGNORED
    record = fit(
        model, (x, y), 1, optim.SGD(lr=0.0), batch_size, loss=loss, validation=(x, y), progress=False
    ).epochs[0]
    want_loss, want_accuracy = answers(model, x, y, loss)
    assert record.loss == pytest.approx(want_loss, rel=1e-5)
    assert record.accuracy == pytest.approx(want_accuracy, rel=1e-12)
    assert record.accuracy == record.val_accuracy
    if weight is None:
        assert record.loss == pytest.approx(record.val_loss, rel=1e-5)


def test_the_display_shows_the_same_means(rng, monkeypatch):
    from cnnfast.training import fit as fit_module
    from cnnfast.training.progress import Progress

    shown = []

    class Seen(Progress):
        def batch(self, epoch: int, done: int, loss: float, accuracy: float | None) -> None:
            shown.append((done, loss, accuracy))

    monkeypatch.setattr(fit_module, "display_for", lambda setting, epochs, images, _: Seen(epochs, images))
    x, y = rows(rng, 20)
    y[::2] = IGNORED
    record = fit(nn.Linear(4, 3, seed=0), (x, y), 1, batch_size=8, shuffle=False).epochs[0]
    assert [done for done, _, _ in shown] == [8, 16, 20]
    assert shown[-1][1:] == (record.loss, record.accuracy)


def test_numbers_have_no_accuracy_and_count_by_rows(rng):
    x, y = rng.normal(size=(7, 4)).astype(np.float32), rng.normal(size=(7, 2)).astype(np.float32)
    model = nn.Linear(4, 2, seed=0)
    want = float(np.square(model(x) - y).mean())
    record = fit(model, (x, y), 1, optim.SGD(lr=0.0), 3, loss="mse", progress=False).epochs[0]
    assert record.loss == pytest.approx(want, rel=1e-5)
    assert record.accuracy is None


def test_gradients_of_a_batch_in_which_nothing_counts_are_zero(rng):
    model = network()
    x, _ = rows(rng, 4)
    loss, grads = model.loss_and_grad(x, np.full(4, IGNORED))
    assert np.isnan(loss)
    assert all((grad == 0).all() for grad in grads.values())


def test_a_schedule_goes_on_over_skipped_steps(rng):
    x, y = rows(rng, 16)
    y[8:] = IGNORED
    rates = []
    optimizer = optim.SGD(lr=1.0)
    schedule = optim.lr_scheduler.StepLR(step_size=1, gamma=0.5)
    fit(
        copy.deepcopy(network()),
        (x, y),
        3,
        optimizer,
        4,
        shuffle=False,
        schedule=schedule,
        progress=False,
        on_epoch=lambda record: rates.append(optimizer.lr),
    )
    assert rates == [0.5, 0.25, 0.125]
