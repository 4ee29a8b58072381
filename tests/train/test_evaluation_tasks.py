"""`evaluate` and validation by task: yes or no, numbers, maps, and labels that do not count."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from cnnfast import evaluate, fit, functional, losses, nn, optim
from cnnfast._types import Array
from cnnfast.datasets import ImageDataset
from cnnfast.training.evaluation import Evaluation, MultilabelEvaluation, RegressionEvaluation

from tests.support.refusal import refused

Rng = np.random.Generator


def identity(n: int, *ends: nn.Module, task: Any = None) -> nn.Sequential:
    """A network that puts out its input of n numbers, or what `ends` make of it."""
    model = nn.Sequential(nn.Linear(n, n, bias=False), *ends)
    model[0].weight = np.eye(n, dtype=np.float32)
    model.task = task
    return model


def bce(x: Array, y: Array) -> float:
    return float(functional.binary_cross_entropy_with_logits(x.astype(float), y.astype(float)))


# --- yes or no --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 7, 1024])
@pytest.mark.parametrize("end", [None, nn.Sigmoid])
def test_binary(batch_size: int, end: Any, rng: Rng) -> None:
    x, y = rng.standard_normal((40, 1)).astype(np.float32), rng.integers(0, 2, 40)
    model = identity(1, *([end()] if end else []), task="binary")
    said = (x[:, 0] > 0).astype(int)
    forms: list[Any] = [y, y.tolist(), y.astype(bool), y.astype(np.uint8), y[:, None]]
    forms += [y[:, None].astype(np.float32), y.astype(np.float32)]
    for form in forms:
        result = evaluate(model, (x, form), batch_size)
        assert isinstance(result, Evaluation)
        assert result.loss == pytest.approx(bce(x[:, 0], y), rel=1e-5)
        assert result.accuracy == (said == y).mean()
        pairs = [[int(((y == t) & (said == s)).sum()) for s in (0, 1)] for t in (0, 1)]
        assert result.confusion.tolist() == pairs
        assert (result.n, result.classes) == (40, ("0", "1"))
        assert "top-2" not in str(result)


def test_names_of_no_and_yes(rng: Rng) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, seed=0))
    data = ImageDataset(np.zeros((4, 2, 2), np.uint8), np.array([0, 1, 1, 0]), ("cat", "dog"))
    history = fit(model, data, 2, loss="bce_with_logits", validation=data, progress=False)
    assert history.epochs[-1].val_accuracy == 0.5
    assert (model.task, model.classes) == ("binary", ("cat", "dog"))
    assert evaluate(model, data).classes == ("cat", "dog")
    by_name = evaluate(model, (data.images, ["cat", "dog", "dog", "cat"]))
    np.testing.assert_array_equal(by_name.confusion, evaluate(model, data).confusion)
    three = ImageDataset(np.zeros((3, 2, 2), np.uint8), np.arange(3), ("a", "b", "c"))
    text = (
        "evaluate: the data has 3 classes but the model has 1 outputs; build the model with 3 outputs "
        "(num_classes=3)"
    )
    with refused(ValueError, text):
        evaluate(model, three)


@pytest.mark.parametrize("end", [None, nn.Sigmoid])
def test_multilabel(end: Any, rng: Rng) -> None:
    x, y = rng.standard_normal((40, 3)).astype(np.float32), rng.integers(0, 2, (40, 3))
    model = identity(3, *([end()] if end else []), task="multilabel")
    right = (x > 0) == y
    for form in (y, y.astype(np.float32), y.astype(bool), y.tolist()):
        result = evaluate(model, (x, form), 7)
        assert isinstance(result, MultilabelEvaluation)
        assert result.loss == pytest.approx(bce(x, y), rel=1e-5)
        assert result.accuracy == right.mean()
        assert result.exact_match == right.all(axis=1).mean()
        assert result.accuracy_by_output == tuple(right.mean(axis=0))
        assert (result.n, result.classes) == (40, ("0", "1", "2"))
    plain = result.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert list(plain)[:4] == ["loss", "accuracy", "exact_match", "accuracy_by_output"]


def test_a_sure_sigmoid_costs_nothing_if_right_and_infinity_if_wrong() -> None:
    model = identity(1, nn.Sigmoid(), task="binary")
    x = np.array([[200.0], [-200.0]], np.float32)
    assert evaluate(model, (x, [1, 0])).loss == 0
    assert evaluate(model, (x, [0, 0])).loss == math.inf


@pytest.mark.parametrize("loss", ["bce_with_logits", losses.BCEWithLogits(pos_weight=[2.0])], ids=str)
def test_validation_of_yes_or_no_has_an_accuracy_and_the_best_epoch_by_it(loss: Any, rng: Rng) -> None:
    x = rng.standard_normal((200, 2)).astype(np.float32)
    y = (x[:, :1] > x[:, 1:]).astype(np.float32)
    model = nn.Linear(2, 1, seed=0)
    rates = iter([0.5, 0.0, 5.0, 0.001])
    optimizer = optim.SGD(1.0)

    def next_rate(record: object) -> None:
        optimizer.lr = next(rates)

    history = fit(
        *(model, (x, y), 4, optimizer, 20),
        loss=loss,
        validation=(x[:60], y[:60]),
        on_epoch=next_rate,
        progress=False,
    )
    scores = [(record.val_accuracy, -record.val_loss) for record in history.epochs]
    assert history.best_epoch == 1 + scores.index(max(scores))
    assert max(scores)[0] > 0.9
    best = history.epochs[history.best_epoch - 1]
    result = evaluate(model, (x[:60], y[:60]))
    assert best.val_accuracy == result.accuracy == (model.predict(x[:60]) == y[:60, 0]).mean()
    if loss == "bce_with_logits":
        assert best.val_loss == pytest.approx(result.loss)


def test_validation_of_several_answers(rng: Rng) -> None:
    x = rng.standard_normal((100, 3)).astype(np.float32)
    y = (x > 0).astype(np.float32)
    model = nn.Linear(3, 3, seed=0)
    history = fit(model, (x, y), 3, optim.Adam(0.1), loss="bce_with_logits", validation=0.2, progress=False)
    held = np.random.default_rng(0).permutation(100)[:20]
    best = history.epochs[history.best_epoch - 1]
    assert best.val_accuracy == pytest.approx((model.predict(x[held]) == y[held]).mean())
    assert model.task == "multilabel"


def test_a_task_that_the_user_sets_is_evaluated_by_accuracy_whatever_the_loss(rng: Rng) -> None:
    x = rng.standard_normal((50, 3)).astype(np.float32)
    one_hot = np.eye(3, dtype=np.float32)[x.argmax(axis=1)]
    model = nn.Linear(3, 3, seed=0)
    model.task = "multiclass"
    record = fit(model, (x, one_hot), 1, loss="mse", validation=(x, one_hot), progress=False).epochs[0]
    assert record.val_accuracy == (model.predict(x) == x.argmax(axis=1)).mean()
    assert record.val_loss == pytest.approx(((model(x) - one_hot) ** 2).mean(), rel=1e-5)


# --- numbers ----------------------------------------------------------------------------------------


def r2_score(y: Array, said: Array) -> float:
    spread = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    return float((1 - ((y - said) ** 2).sum(axis=0) / spread).mean())


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("batch_size", [1, 8, 1024])
def test_regression(offset: float, batch_size: int, rng: Rng) -> None:
    y = rng.standard_normal((30, 2)) * [1, 5] + offset
    x = y + rng.standard_normal((30, 2))
    model = identity(2).to("float64")
    model.task = "regression"
    result = evaluate(model, (x, y), batch_size)
    assert isinstance(result, RegressionEvaluation)
    assert result.mse == result.loss == pytest.approx(((x - y) ** 2).mean())
    assert result.mae == pytest.approx(np.abs(x - y).mean())
    assert result.r2 == pytest.approx(r2_score(y, x))
    assert (result.n, result.counted) == (30, "images")
    plain = result.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["loss"] == plain["mse"]


@pytest.mark.parametrize(
    ("y", "said", "expected"),
    [
        ([[2.0], [2.0]], [[2.0], [2.0]], 1.0),
        ([[2.0], [2.0]], [[2.0], [3.0]], 0.0),
        ([[2.0]], [[2.0]], math.nan),
        ([[2.0, 1.0], [2.0, 3.0]], [[2.0, 1.0], [2.0, 3.0]], 1.0),
        ([[2.0], [2.0]], [[math.nan], [2.0]], math.nan),
    ],
)
def test_r2_at_its_edges(y: Any, said: Any, expected: float) -> None:
    given, target = np.array(said, np.float32), np.array(y, np.float32)
    result = evaluate(identity(given.shape[1], task="regression"), (given, target))
    assert result.r2 == pytest.approx(expected, nan_ok=True)
    assert result.to_dict().get("finite", True) is math.isfinite(expected)


def test_of_a_single_output_y_may_be_a_row() -> None:
    x = np.arange(4, dtype=np.float32)[:, None]
    model = identity(1, task="regression")
    assert evaluate(model, (x, x[:, 0])).mse == evaluate(model, (x, x)).mse == 0


# --- maps and labels that do not count --------------------------------------------------------------


@pytest.mark.parametrize("end", [None, nn.Softmax, nn.LogSoftmax])
@pytest.mark.parametrize("batch_size", [1, 4, 1024])
def test_maps_of_classes(end: Any, batch_size: int, rng: Rng) -> None:
    conv = nn.Conv2d(2, 3, 1, seed=0)
    model = nn.Sequential(conv, *([end()] if end else []))
    x, y = rng.standard_normal((9, 2, 4, 5)).astype(np.float32), rng.integers(0, 3, (9, 4, 5))
    y[0], y[3, 1:] = -100, -100
    result = evaluate(model, (x, y), batch_size)
    known = y != -100
    said = model(x).argmax(axis=1)
    assert result.loss == pytest.approx(float(functional.cross_entropy(conv(x), y)), rel=1e-5)
    assert result.accuracy == (said == y)[known].mean()
    assert (result.n, result.counted) == (known.sum(), "positions")
    expected = np.zeros((3, 3), np.int64)
    np.add.at(expected, (y[known], said[known]), 1)
    np.testing.assert_array_equal(result.confusion, expected)
    assert f"({known.sum()} positions in" in str(result)


@pytest.mark.parametrize("ignored", [-100, 255, 1])
def test_ignored_rows_count_neither_in_loss_nor_in_accuracy(ignored: int, rng: Rng) -> None:
    x, y = rng.standard_normal((30, 3)).astype(np.float32), rng.integers(0, 3, 30)
    y[::2] = ignored
    known = y != ignored
    model, settings = identity(3), {} if ignored == -100 else {"ignore_index": ignored}
    a, b = evaluate(model, (x, y), 4, **settings), evaluate(model, (x[known], y[known]))
    assert (a.accuracy, a.top2_accuracy, a.n) == (b.accuracy, b.top2_accuracy, b.n)
    assert a.loss == pytest.approx(b.loss, rel=1e-6)
    np.testing.assert_array_equal(a.confusion, b.confusion)


@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_validation_is_evaluation(shape: tuple[int, ...], rng: Rng) -> None:
    x = rng.standard_normal((40, 2, *shape)).astype(np.float32)
    y = rng.integers(0, 3, (40, *shape))
    y[5:], y[:3] = np.where(rng.random(y[5:].shape) < 0.5, -100, y[5:]), -100
    model = nn.Conv2d(2, 3, 1, seed=0) if shape else nn.Linear(2, 3, seed=0)
    record = fit(model, (x, y), 1, optim.SGD(0.1), 40, validation=(x, y), progress=False).epochs[0]
    result = evaluate(model, (x, y))
    assert (record.val_loss, record.val_accuracy) == (result.loss, result.accuracy)


def test_yes_or_no_at_each_position(rng: Rng) -> None:
    x = rng.standard_normal((3, 1, 2, 4)).astype(np.float32)
    model = nn.Conv2d(1, 1, 1, bias=False)
    model.weight = np.ones((1, 1, 1, 1))
    model.task = "binary"
    y = rng.integers(0, 2, (3, 2, 4))
    for form in (y, y[:, None].astype(np.float32)):
        result = evaluate(model, (x, form))
        assert result.accuracy == ((x[:, 0] > 0) == y).mean()
        assert (result.n, result.counted) == (24, "positions")


def test_wrong_data_are_named() -> None:
    x = np.zeros((2, 3), np.float32)
    with refused(ValueError, "evaluate: y: all labels are ignored"):
        evaluate(identity(3), (x, [-100, -100]))
    with refused(
        ValueError,
        "evaluate: label -1 at row 1 of y is outside of 0 .. 2 (3 classes, 1 such labels)",
    ):
        evaluate(identity(3), (x, [0, -1]))
    with refused(TypeError, "evaluate: ignore_index must be an integer, got float 1.0"):
        evaluate(identity(3), (x, [0, 1]), ignore_index=1.0)  # type: ignore[arg-type]
    with refused(ValueError, "evaluate: y must be from 0 to 1, got 2.0 at (1, 0)"):
        evaluate(identity(1, task="binary"), (x[:, :1], [0, 2]))
    text = "evaluate: y must have shape (2, 3), that of the output, got (2,)"
    with refused(ValueError, text):
        evaluate(identity(3, task="multilabel"), (x, [0, 1]))
    text = (
        "evaluate: the meaning of a single output is unknown; set model.task to 'binary' (a logit) or "
        "'regression'"
    )
    with refused(ValueError, text):
        evaluate(identity(1), (x[:, :1], [0, 1]))


# --- reports ----------------------------------------------------------------------------------------


def test_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    several = MultilabelEvaluation(0.25, 0.75, 0.5, (0.5, 1.0), 1200, ("red", "round"), 0.5)
    assert str(several) == (
        "accuracy 75.00%  exact match 50.00%  loss 0.2500  (1,200 images in 0.5 s)\n"
        "accuracy by output:  red 50.00%  round 100.00%"
    )
    numbers = RegressionEvaluation(0.123456, 0.25, 0.987654, 20, 0.125)
    assert str(numbers) == "MSE 0.1235  MAE 0.25  R2 0.9877  (20 images in 0.1 s)"
