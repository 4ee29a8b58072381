"""Large weights of networks with batch normalization are packed a segment at a time, in shared memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from cnnfast import nn

from tests.support.marks import quick_only

N = 5


def network(first_norm: bool = False) -> nn.Sequential:
    """Convolutions by Winograd's algorithm and by direct sums, with more than 32 MB of packed weights."""
    body = nn.Sequential(
        nn.Conv2d(256, 256, 3, padding=1, bias=False),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1, bias=False),
        nn.BatchNorm2d(256),
    )
    layers = [nn.BatchNorm2d(256)] if first_norm else []
    layers += [nn.Residual(body), nn.ReLU(), nn.Conv2d(256, 128, 2, 2, bias=False), nn.BatchNorm2d(128)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10), input_shape=(256, 4, 4), seed=0)


@pytest.mark.parametrize("first_norm", quick_only([False, True], [True]))
def test_gradients_are_those_of_the_layers(
    first_norm: bool, set_threads: Callable[[int], None], rng: np.random.Generator
) -> None:
    model = network(first_norm)
    one = 2 * 36 * 256 * 256 * 4  # of a convolution, forward and backward
    assert model.plan().memory(N, True)["packed"] < 1.5 * one
    x, target = rng.standard_normal((N, 256, 4, 4), dtype=np.float32), np.arange(N)
    trace = model.trace(x, backward=True, target=target, training=True)
    first: dict[str, np.ndarray] = {}
    for threads in (1, 2, 3):
        set_threads(threads)
        twin = model.copy()
        _, grads = twin.loss_and_grad(x, target)
        for name, grad in grads.items():
            scale = np.abs(trace.gradients[name]).max()
            np.testing.assert_allclose(grad, trace.gradients[name], rtol=0, atol=1e-4 * scale, err_msg=name)
        again = model.copy()
        y = again.forward(x)
        again.backward(trace.output_gradients[list(trace.outputs)[-1]])
        for name, grad in again.gradients().items():
            scale = np.abs(grads[name]).max()
            np.testing.assert_allclose(grad, grads[name], rtol=0, atol=1e-4 * scale, err_msg=name)
        results = {"y": y, **grads, **{f"tape {name}": g.copy() for name, g in again.gradients().items()}}
        first = first or results
        for name, value in results.items():
            np.testing.assert_array_equal(value, first[name], err_msg=f"{name} with {threads} threads")


def test_a_profile_packs_for_every_repeat() -> None:
    model = network()
    x = np.ones((2, 256, 4, 4), np.float32)
    rows = model.plan().profile(x, np.zeros(2, np.int64), model.flat_parameters, 2)
    assert all(row["forward"] > 0 and row["backward"] > 0 for row in rows if row["op"] == "Conv2d")
