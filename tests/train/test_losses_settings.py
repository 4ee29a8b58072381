"""Settings of losses, and what is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from cnnfast import evaluate, fit, functional, losses, nn, optim
from cnnfast.training.history import EpochRecord
from cnnfast.training.trainer import Trainer

from tests.support.losses import SETTINGS
from tests.support.refusal import refused

NAN, INF = np.nan, np.inf


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
def test_invalid_arguments(build: Callable[[], object], error: type[Exception], text: str) -> None:
    with refused(error, text):
        build()


def test_a_record_of_a_regression() -> None:
    assert str(EpochRecord(1, 0.5, None, 0.25, None, 1.0, 10.0)) == (
        "epoch 1  loss 0.5000  validation loss 0.2500  10 images/s  1.0 s"
    )
