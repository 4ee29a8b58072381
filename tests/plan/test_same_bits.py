"""Equal numbers give equal bits, wherever the arrays lie: no loop has versions that round differently.

The engine's self-test (`tests/native`) does the same with every kernel's own buffers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, losses, optim

Array = np.ndarray[Any, Any]

SETTINGS = [
    losses.CrossEntropy([0.5, 2.0, 1.0] * 11, label_smoothing=0.1),
    losses.CrossEntropy([0.5, 2.0, 1.0] * 11),
    losses.CrossEntropy(label_smoothing=0.1),
    losses.NLL([0.5, 2.0, 1.0] * 11),
    losses.MSE(),
    losses.Huber(delta=0.3),
    losses.BCEWithLogits(pos_weight=[0.5, 2.0, 1.0] * 11),
]
OPTIMIZERS: list[Callable[[], optim.Optimizer]] = [
    lambda: optim.SGD(0.1, 0.9, nesterov=True, weight_decay=0.01),
    lambda: optim.AdamW(0.1, amsgrad=True),
    lambda: optim.RMSprop(0.1, centered=True, momentum=0.5),
    lambda: optim.Adagrad(0.1, weight_decay=0.01),
]


def moved(a: Array, places: int) -> Array:
    """A copy that begins so many elements behind a multiple of 64 bytes."""
    raw = np.empty(a.nbytes + 64 + places * a.itemsize, np.uint8)
    first = -raw.ctypes.data % 64 + places * a.itemsize
    out = raw[first : first + a.nbytes].view(a.dtype).reshape(a.shape)
    out[...] = a
    return out


def test_the_compiler_fuses_no_multiply_adds(rng: np.random.Generator) -> None:
    """A product is rounded before it is added: in NumPy's loops as in those of the engine that do not ask
    for more.
    """
    for values in rng.standard_normal((20, 1600)):
        sums = np.zeros(16)
        for lanes in values.reshape(-1, 16):
            sums += lanes * lanes
        assert _core.squared_norm(values) == sum(sums.tolist())


@pytest.mark.parametrize("loss", SETTINGS, ids=str)
def test_losses(loss: losses.Loss, isa: str, dtype: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((5, 33)).astype(dtype)
    target = rng.integers(0, 33, 5) if loss.is_classification else rng.random((5, 33)).astype(dtype)
    seen = set()
    for k in range(16):
        values, slope, _ = _core.row_losses(
            loss.engine_loss(), moved(x, k), moved(target, 3 * k % 7), isa=isa
        )
        seen.add(values.tobytes() + slope.tobytes())
    assert len(seen) == 1


@pytest.mark.parametrize("make", OPTIMIZERS, ids=lambda make: type(make()).__name__)
def test_optimizers(make: Callable[[], optim.Optimizer], dtype: str, rng: np.random.Generator) -> None:
    start, grads = rng.standard_normal((2, 77)).astype(dtype)
    seen = set()
    for k in range(16):
        params, optimizer = moved(start, k), make()
        for _ in range(2):
            optimizer.step(params, moved(grads, 3 * k % 7))
        seen.add(params.tobytes())
    assert len(seen) == 1


def test_a_network(isa: str, dtype: str, rng: np.random.Generator) -> None:
    graph = _core.Graph((3, 8, 8))
    value = graph.add(_core.Conv2d(3, 9, 3), [0], "conv")
    value = graph.add(_core.BatchNorm2d(9), [value], "norm")
    value = graph.add(_core.GELU(), [value], "gelu")
    value = graph.add(_core.Flatten(), [graph.add(_core.MaxPool2d(2), [value], "pool")], "flat")
    graph.add(_core.Linear(81, 10), [graph.add(_core.LayerNorm((81,)), [value], "layer norm")], "head")
    plan = _core.Plan(graph, dtype, isa=isa)
    x = rng.standard_normal((5, 3, 8, 8)).astype(dtype)
    params = rng.random(plan.parameter_count).astype(dtype)
    loss = losses.CrossEntropy(np.linspace(0.5, 2, 10), label_smoothing=0.1).engine_loss()
    target, seen = rng.integers(0, 10, 5), set()
    for k in range(16):
        there, grads = moved(params, 5 * k % 16), moved(np.zeros_like(params), 3 * k % 7)
        value = plan.loss_and_grad(moved(x, k), target, there, grads, None, loss)
        seen.add((value, grads.tobytes(), plan.forward(moved(x, k), there).tobytes()))
    assert len(seen) == 1
