"""`memory` and `summary(batch=)`: what they predict is what a fresh process takes."""

from __future__ import annotations

import os

import numpy as np
import pytest
from cnnfast import models, nn, optim

from tests.support.peak_memory import measured
from tests.support.refusal import refused

posix = pytest.mark.skipif(os.name == "nt", reason="getrusage is POSIX")


@posix
@pytest.mark.parametrize(
    ("name", "batch", "training"),
    [
        ("d4", 2000, False),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [
                ("d4", 2000, True),
                ("separable", 8, False),
                ("separable", 8, True),
                ("resnet18", 1, False),
                ("resnet18", 8, False),
                ("resnet18", 8, True),
                ("alexnet", 8, False),
                ("vgg16", 1, False),
            ]
        ),
    ],
)
def test_the_peak_of_a_fresh_process(name: str, batch: int, training: bool) -> None:
    predicted, used = measured(name, batch, training)
    assert predicted == pytest.approx(used, rel=0.1)


@pytest.mark.slow
def test_training_resnet18_takes_no_more_than_pytorch() -> None:
    """PyTorch 2 takes 576 MB, measured in the same way, channels-last 551 MB."""
    optimizer = optim.SGD(lr=0.1, momentum=0.9)
    with nn.blank_parameters():
        model = models.resnet(18)
    assert model.memory(8, training=True, optimizer=optimizer).total < 551e6


def test_parts() -> None:
    model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 4), input_shape=(10,), seed=0)
    parameters = 4 * model.num_parameters()
    inference = model.memory(6)
    assert (inference.batch, inference.training) == (6, False)
    assert (inference.parameters, inference.gradients, inference.optimizer) == (parameters, 0, 0)
    assert inference.arrays == 6 * 4 * (10 + 4)
    assert inference.weights >= parameters
    training = model.memory(6, training=True, optimizer=optim.Adam(lr=0.1, amsgrad=True))
    assert training.optimizer == 3 * parameters
    assert training.gradients >= parameters
    assert training.arrays == 6 * (4 * 10 + 8)
    assert training.total == sum(
        getattr(training, name)
        for name in ("parameters", "gradients", "optimizer", "weights", "values", "arrays")
    )
    wide = model.copy().to("float64").memory(6)
    assert (wide.parameters, wide.arrays) == (2 * parameters, 2 * inference.arrays)


@pytest.mark.parametrize(
    ("optimizer", "arrays"),
    [
        (optim.SGD(lr=0.1), 0),
        (optim.SGD(lr=0.1, momentum=0.9), 1),
        (optim.SGD(lr=0.1, groups=[optim.Group("*.bias", momentum=0.5)]), 1),
        (optim.Adam(lr=0.1), 2),
    ],
)
def test_state_arrays_of_optimizers(optimizer: optim.Optimizer, arrays: int) -> None:
    assert optimizer.num_state_arrays == arrays
    params = np.zeros(5, np.float32)
    optimizer.bind(params, [("a.bias", (2,)), ("b.weight", (3,))])
    optimizer.step(params, np.ones_like(params))
    assert len(optimizer.memory) == arrays


def test_the_summary_of_a_batch() -> None:
    model = nn.Sequential(nn.Linear(1000, 500), input_shape=(1000,), seed=0)
    text = " ".join(model.summary(batch=64).split())  # lines are wrapped
    assert f"memory of inference, batch 64: {model.memory(64)}" in text
    assert f"memory of training, batch 64: {model.memory(64, training=True)}; and 2.00 MB for each" in text
    assert "parameters 2.00 MB" in text
    assert "memory for one image" not in text


def test_refusals() -> None:
    model = nn.Sequential(nn.Linear(3, 2), input_shape=(3,))
    with refused(ValueError, "Sequential.memory: batch must be at least 1, got 0"):
        model.memory(0)
    with refused(ValueError, "Sequential.memory: an optimizer has state in training only; use training=True"):
        model.memory(1, optimizer=optim.SGD(lr=0.1))
    with refused(TypeError, "Sequential.memory: optimizer must be an Optimizer, got str"):
        model.memory(1, training=True, optimizer="adam")  # type: ignore[arg-type]
    with refused(ValueError, "Linear: plan needs an input_shape, this module has none of its own"):
        nn.Linear(3, 2).memory()
