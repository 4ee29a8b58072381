"""Losses: against their definitions, at corners, through networks and training, and what they refuse."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, evaluate, fit, functional, losses, nn, optim
from cnnfast.training.history import EpochRecord
from cnnfast.training.trainer import Trainer

from tests import oracle
from tests.support.refusal import refused

NAN, INF = np.nan, np.inf
Array = np.ndarray[Any, Any]

SETTINGS: list[tuple[losses.Loss, str]] = [
    (losses.CrossEntropy(), "classes"),
    (losses.CrossEntropy(weight=[0.5, 0, 2, 1], label_smoothing=0.3, ignore_index=2), "classes"),
    (losses.CrossEntropy(label_smoothing=0.1), "shares"),
    (losses.CrossEntropy(weight=[0.5, 1, 2, 1]), "shares"),
    (losses.NLL(weight=[1, 2, 3, 0.25]), "classes"),
    (losses.MSE(), "numbers"),
    (losses.L1(), "numbers"),
    (losses.SmoothL1(beta=0.5), "numbers"),
    (losses.SmoothL1(beta=0), "numbers"),
    (losses.Huber(delta=0.75), "numbers"),
    (losses.BCEWithLogits(), "shares"),
    (losses.BCEWithLogits(pos_weight=[1, 0, 2, 5]), "shares"),
]
by_setting = pytest.mark.parametrize(("loss", "kind"), SETTINGS, ids=lambda v: str(v))


def drawn(kind: str, rng: np.random.Generator, *shape: int) -> Array:
    """Targets of that shape."""
    if kind == "classes":
        return rng.integers(0, shape[1], shape[0])
    return rng.dirichlet(np.ones(shape[1]), shape[0]) if kind == "shares" else rng.standard_normal(shape)


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


def line(n: int, seed: int) -> tuple[Array, Array]:
    """x, and two numbers that follow from it."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3)).astype(np.float32)
    return x, np.stack([x @ [1, -2, 0.5], x[:, 0] - 1], axis=1).astype(np.float32)


@pytest.mark.parametrize("loss", ["mse", "l1", "smooth_l1", losses.Huber(delta=0.3)], ids=str)
def test_fit_a_regression(loss: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Linear(3, 2, seed=0)
    history = fit(
        *(model, line(400, 0), 25, optim.Adam(lr=0.05), 32),
        loss=loss,
        validation=line(100, 1),
    )
    x, y = line(100, 2)
    assert np.abs(model(x) - y).max() < 0.05
    record = history.epochs[-1]
    assert (record.accuracy, record.val_accuracy) == (None, None)
    best = min(history.epochs, key=lambda r: (r.val_loss, r.epoch))
    assert history.best_epoch == best.epoch
    assert losses.from_config(losses.as_loss("test", loss).to_config()) == losses.as_loss("test", loss)
    assert "accuracy" not in capsys.readouterr().err
    assert "accuracy" not in str(history)
    json.dumps(history.to_dict())


def test_fit_to_probabilities_and_to_several_answers() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 4)).astype(np.float32)
    classes = x.argmax(axis=1)
    soft = (np.eye(4)[classes] * 0.9 + 0.025).astype(np.float32)
    model = nn.Linear(4, 4, seed=0)
    history = fit(model, (x, soft), 30, optim.Adam(0.05), progress=False, validation=0.2)
    assert history.epochs[-1].accuracy > 0.9
    assert history.epochs[-1].val_accuracy > 0.9
    assert evaluate(model, (x, classes)).accuracy > 0.9

    several = (x > 0).astype(np.float32)
    model = nn.Linear(4, 4, seed=0)
    history = fit(model, (x, several), 30, optim.Adam(0.05), loss="bce_with_logits", progress=False)
    assert ((model(x) > 0) == several).mean() > 0.95
    assert history.epochs[-1].accuracy is None


def test_fit_leaves_unknown_classes_out_of_training_and_validation() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3)).astype(np.float32)
    y = x.argmax(axis=1)
    y[::4] = -100
    model, twin = nn.Linear(3, 3, seed=0), nn.Linear(3, 3, seed=0)
    known = y >= 0
    a = fit(model, (x, y), 1, optim.SGD(0.1), 200, shuffle=False, validation=(x, y), progress=False)
    b = fit(
        *(twin, (x[known], y[known]), 1, optim.SGD(0.1), 200),
        shuffle=False,
        validation=(x[known], y[known]),
        progress=False,
    )
    assert a.epochs[0].val_loss == pytest.approx(b.epochs[0].val_loss, rel=1e-5)
    np.testing.assert_allclose(model.weight, twin.weight, rtol=1e-5)
    with refused(ValueError, "fit: validation: all labels are ignored"):
        fit(model, (x, y), validation=(x[:4], [-100] * 4))


def test_weights_change_what_is_learned(rng: np.random.Generator) -> None:
    x, y = np.ones((100, 1), np.float32), (np.arange(100) % 10 == 0).astype(int)
    for weight, share in ((None, 0.1), ([1.0, 9.0], 0.5)):
        model = nn.Linear(1, 2, seed=0)
        fit(model, (x, y), 150, optim.SGD(0.5), 100, loss=losses.CrossEntropy(weight), progress=False)
        assert model.predict_proba(x)[0, 1] == pytest.approx(share, abs=0.02)


# --- settings and refusals --------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [loss for loss, _ in SETTINGS], ids=str)
def test_settings_are_plain_data(loss: losses.Loss) -> None:
    config = json.loads(json.dumps(loss.to_config()))
    assert losses.from_config(config) == loss
    model = nn.Sequential(nn.Linear(3, 4), nn.LogSoftmax() if loss.is_classification else nn.Identity())
    trainer = Trainer(model, optim.SGD(0.1), loss)
    assert trainer.loss == pickle.loads(pickle.dumps(trainer.loss)) == loss
    assert hash(loss) == hash(losses.from_config(config))


def test_plain_names() -> None:
    assert {losses.as_loss("x", name).name for name in losses.KINDS} == set(losses.KINDS)
    assert losses.as_loss("x", "huber") == losses.Huber()


NAMES = '"cross_entropy", "nll", "mse", "l1", "smooth_l1", "huber", "bce_with_logits"'


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (
            lambda: losses.CrossEntropy([1, -1]),
            ValueError,
            "CrossEntropy: weight[1] must be finite and at least 0, got -1",
        ),
        (
            lambda: losses.CrossEntropy([NAN]),
            ValueError,
            "CrossEntropy: weight[0] must be finite and at least 0, got nan",
        ),
        (
            lambda: losses.CrossEntropy([]),
            ValueError,
            "CrossEntropy: weight must not be empty; None stands for all 1",
        ),
        (
            lambda: losses.CrossEntropy(2.0),
            TypeError,
            "CrossEntropy: weight must be a sequence of numbers, one for each output, got 2.0",
        ),
        (lambda: losses.NLL(["a"]), TypeError, "NLL: weight[0] must be a number, got str 'a'"),
        (
            lambda: losses.CrossEntropy(label_smoothing=1.5),
            ValueError,
            "CrossEntropy: label_smoothing must be at least 0 and at most 1, got 1.5",
        ),
        (
            lambda: losses.CrossEntropy(ignore_index=0.0),
            TypeError,
            "CrossEntropy: ignore_index must be an integer, got float 0.0",
        ),
        (lambda: losses.Huber(delta=0), ValueError, "Huber: delta must be above 0, got 0"),
        (lambda: losses.Huber(delta=INF), ValueError, "Huber: delta must be finite and at least 0, got inf"),
        (
            lambda: losses.SmoothL1(beta=-1),
            ValueError,
            "SmoothL1: beta must be finite and at least 0, got -1",
        ),
        (
            lambda: losses.from_config({"type": "Hinge"}),
            ValueError,
            "losses.from_config: unknown type 'Hinge'; known are CrossEntropy, NLL, MSE, L1, SmoothL1, "
            "Huber, BCEWithLogits",
        ),
        (
            lambda: losses.from_config({"type": "MSE", "delta": 1}),
            ValueError,
            "MSE: has no setting 'delta'; it takes none",
        ),
        (
            lambda: nn.Linear(2, 3).loss_and_grad(np.zeros((1, 2), np.float32), [0], "hinge"),
            ValueError,
            f"Linear: loss must be one of {NAMES} or an object of cnnfast.losses, got 'hinge'",
        ),
        (
            lambda: nn.Linear(2, 3).loss_and_grad(
                np.zeros((1, 2), np.float32), [0], losses.CrossEntropy([1, 2])
            ),
            ValueError,
            "loss: weight has 2 entries, one is needed for each of the 3 outputs",
        ),
        (
            lambda: functional.binary_cross_entropy_with_logits(
                np.zeros((1, 3)), np.zeros((1, 3)), pos_weight=[1]
            ),
            ValueError,
            "loss: pos_weight has 1 entries, one is needed for each of the 3 outputs",
        ),
        (
            lambda: nn.Linear(2, 3).loss_and_grad(np.zeros((1, 2), np.float32), np.zeros((1, 3)), "mse"),
            TypeError,
            'Linear: target must be float32 like the output, got float64; use target.astype("float32")',
        ),
        (
            lambda: nn.Linear(2, 3).loss_and_grad(
                np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32), "l1"
            ),
            ValueError,
            "Linear: target must have shape (2, 3), that of the output, got (2, 2)",
        ),
        (
            lambda: nn.Linear(2, 3).loss_and_grad(np.zeros((2, 2), np.float32), [[0.0]], "l1"),
            TypeError,
            'Linear: target must be a NumPy array, got list; use np.asarray(target, dtype="float32")',
        ),
        (
            lambda: functional.cross_entropy(np.zeros((2, 2)), np.array([[0.5, 0.5], [1.5, -0.5]])),
            ValueError,
            "cross_entropy: target must be from 0 to 1, got 1.5 at (1, 0)",
        ),
        (
            lambda: functional.binary_cross_entropy_with_logits(np.zeros((1, 2)), np.array([[0.0, NAN]])),
            ValueError,
            "binary_cross_entropy_with_logits: target must be from 0 to 1, got nan at (0, 1)",
        ),
        (
            lambda: functional.cross_entropy(np.zeros((2, 3)), [0, -1]),
            ValueError,
            "cross_entropy: label -1 at row 1 of target is outside of 0 .. 2 (3 classes, 1 such labels)",
        ),
        (
            lambda: functional.mse_loss(np.zeros(3), np.zeros((3, 1))),
            ValueError,
            "mse_loss: target must have shape (3,), that of the output, got (3, 1)",
        ),
        (
            lambda: evaluate(nn.Linear(2, 3), (np.zeros((4, 2), np.float32), np.zeros((4, 3), np.float32))),
            TypeError,
            "evaluate: y must be integers, the class of each row, got float32 array of shape (4, 3); "
            "for other targets set model.task to 'regression' or 'multilabel'",
        ),
        (
            lambda: Trainer(nn.Sequential(nn.Linear(1, 2), nn.Softmax()), optim.Adam(), "bce_with_logits"),
            ValueError,
            'Trainer: the loss "bce_with_logits" does not take probabilities; remove the Softmax at the end',
        ),
        (
            lambda: fit(nn.Linear(2, 3), (np.zeros((4, 2), np.float32), [0, 1, 2, 0]), loss="mse"),
            TypeError,
            'fit: y must be a NumPy array, got list; use np.asarray(y, dtype="float32")',
        ),
    ],
)
def test_what_does_not_fit_is_refused(build: Callable[[], object], error: type[Exception], text: str) -> None:
    with refused(error, text):
        build()


def test_a_record_without_classes() -> None:
    assert str(EpochRecord(1, 0.5, None, 0.25, None, 1.0, 10.0)) == (
        "epoch 1  loss 0.5000  validation loss 0.2500  10 images/s  1.0 s"
    )
