"""Metrics by name, against definitions in plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import Evaluation, MultilabelEvaluation, evaluate, fit, nn

from tests.support.refusal import refused
from tests.support.training import blobs, mlp


def counts(predicted: np.ndarray, target: np.ndarray, one: int) -> tuple[float, float, float]:
    """Precision, recall and F1 of one class."""
    hits = sum(p == one and t == one for p, t in zip(predicted, target, strict=True))
    of_predictions, of_targets = int((predicted == one).sum()), int((target == one).sum())
    precision = hits / of_predictions if of_predictions else 0.0
    recall = hits / of_targets if of_targets else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0


def test_classes() -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(5, 7), input_shape=(5,), seed=3)
    x, y = rng.standard_normal((50, 5)).astype(np.float32), rng.integers(0, 6, 50)  # class 6: no targets
    names = ["accuracy", "top1", "top3", "top7", "precision", "recall", "f1"]
    result = evaluate(model, (x, y), 16, metrics=names)
    assert isinstance(result, Evaluation)
    predicted = model.predict(x)
    assert len(set(predicted.tolist())) < 7, "choose another seed: every class is predicted"
    want = np.array([counts(predicted, y, one) for one in range(7)])
    np.testing.assert_allclose(np.stack([result.precision, result.recall, result.f1], 1), want, rtol=1e-12)
    found = result.metrics
    np.testing.assert_allclose([found[name] for name in names[4:]], want.mean(0), rtol=1e-12)
    assert found["accuracy"] == found["top1"] == result.accuracy
    order = np.argsort(-model(x), axis=1)
    assert found["top3"] == pytest.approx(np.mean([t in row[:3] for t, row in zip(y, order, strict=True)]))
    assert found["top7"] == 1.0
    assert f"f1 {found['f1']:.4g}" in str(result)
    assert result.to_dict()["metrics"] == found
    table = result.by_class().splitlines()
    assert len(table) == 8
    assert table[0].split() == ["class", "precision", "recall", "F1", "targets"]
    assert table[3].split() == ["2", *(f"{value:.2%}" for value in want[2]), str((y == 2).sum())]


@pytest.mark.parametrize("outputs", [1, 3])
def test_binary_outputs(outputs: int) -> None:
    rng = np.random.default_rng(1)
    model = nn.Sequential(nn.Linear(5, outputs), input_shape=(5,), seed=0)
    model.task = "binary" if outputs == 1 else "multilabel"
    x = rng.standard_normal((40, 5)).astype(np.float32)
    y = rng.integers(0, 2, (40, outputs)).astype(np.float32)
    predicted = model(x) > 0
    want = np.mean([counts(predicted[:, i], y[:, i], 1) for i in range(outputs)], axis=0)
    result = evaluate(model, (x, y), 16, metrics=["precision", "recall", "f1"])
    assert isinstance(result, Evaluation | MultilabelEvaluation)
    np.testing.assert_allclose(list(result.metrics.values()), want, rtol=1e-12)
    history = fit(model, (x, y), 1, loss="bce_with_logits", validation=(x, y), metrics=["f1"], progress=False)
    assert list(history.epochs[0].val_metrics) == ["f1"]


def test_regression_in_validation() -> None:
    x = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32)
    model = nn.Sequential(nn.Linear(5, 2), input_shape=(5,), seed=0)
    history = fit(
        model, (x, x[:, :2]), 2, loss="mse", validation=(x, x[:, :2]), metrics=["r2", "mae"], progress=False
    )
    result = evaluate(model, (x, x[:, :2]))
    assert history.epochs[-1].val_metrics == {"r2": result.r2, "mae": result.mae}
    assert "r2 " in str(history.epochs[0])


CASES: list[tuple[Any, type[Exception], str]] = [
    ("f1", TypeError, "metrics must be a list of names, got str"),
    (["top4"], ValueError, "metrics has 'top4', but the model has 3 classes"),
    (["f1", "f1"], ValueError, "metrics has 'f1' twice"),
    (
        ["reccall"],
        ValueError,
        "metrics has 'reccall'; for multiclass there are accuracy, precision, recall, f1, top2, top3, top5; "
        "did you mean 'recall'?",
    ),
    (
        ["r2"],
        ValueError,
        "metrics has 'r2'; for multiclass there are accuracy, precision, recall, f1, top2, top3, top5",
    ),
]


@pytest.mark.parametrize(("names", "error", "text"), CASES, ids=str)
def test_names_are_checked(names: Any, error: type[Exception], text: str) -> None:
    with refused(error, f"evaluate: {text}"):
        evaluate(mlp(), blobs(), metrics=names)
    with refused(error, f"fit: {text}"):
        fit(mlp(), blobs(), validation=0.2, metrics=names)


def test_metrics_need_a_validation() -> None:
    with refused(ValueError, "fit: metrics are computed in the validation; set validation=..."):
        fit(mlp(), blobs(), metrics=["f1"])
