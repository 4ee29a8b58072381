"""Training with each loss."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from cnnfast import evaluate, fit, losses, nn, optim

from tests.support.refusal import refused

Array = np.ndarray[Any, Any]


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
