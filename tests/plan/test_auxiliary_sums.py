"""Auxiliary outputs in the engine: loss and gradients are the weighted sums of those of the graphs that end
at each output, and inference does not run them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, augment

Array = np.ndarray[Any, Any]
Node = tuple[_core.Op, list[int]]
WEIGHTS = (0.3, 0.5)


def chain(start: int, *operations: _core.Op) -> list[Node]:
    return [(op, [start + k]) for k, op in enumerate(operations)]


def heads() -> list[Node]:
    """Classifiers after the first and second of three convolutions; the first has a batch normalization."""
    nodes = chain(0, _core.Conv2d(2, 8, 3, 1, 1, bias=False), _core.BatchNorm2d(8), _core.ReLU())
    nodes += chain(3, _core.Conv2d(8, 8, 3, 1, 1), _core.BatchNorm2d(8), _core.ReLU())
    nodes += [(_core.AvgPool2d(2), [3])]
    nodes += chain(7, _core.Flatten(), _core.BatchNorm1d(72), _core.Linear(72, 4))
    nodes += [(_core.Flatten(), [6]), (_core.Linear(288, 4), [11]), (_core.MaxPool2d(2), [6])]
    return nodes + chain(13, _core.Conv2d(8, 6, 3), _core.Flatten(), _core.Linear(6, 4))


def maps() -> list[Node]:
    """Maps with a class for each position, by a convolution and by a bias that passes its gradient on."""
    nodes = [*chain(0, _core.Conv2d(2, 4, 3, 1, 1), _core.ReLU()), (_core.Conv2d(4, 4, 1), [2])]
    nodes += [(_core.Conv2d(4, 4, 3, 1, 1), [2]), (_core.Add(), [2, 4]), (_core.ChannelBias(4), [5])]
    return [*nodes, (_core.Tanh(), [5]), (_core.Conv2d(4, 4, 3, 1, 1), [7])]


#: Nodes, and the values of the auxiliary outputs.
GRAPHS: dict[str, tuple[list[Node], tuple[int, int]]] = {
    "heads": (heads(), (10, 12)),
    "maps": (maps(), (3, 6)),
}


@dataclass
class Case:
    """A graph with auxiliary outputs, and data."""

    name: str
    n: int
    dtype: str = "float32"

    def __post_init__(self) -> None:
        self.nodes, self.auxiliary = GRAPHS[self.name]
        self.last = len(self.nodes)
        rng = np.random.default_rng(self.n)
        self.x = rng.standard_normal((self.n, 2, 6, 6)).astype(self.dtype)
        plan = self.plan()
        self.params = (rng.random(plan.parameter_count) - 0.4).astype(self.dtype)
        self.windows = {name: (first, first + math.prod(shape)) for name, first, shape in plan.parameters}
        self.buffers = {name for name in self.windows if "running" in name or "tracked" in name}
        self.target = rng.integers(0, 4, (self.n, *plan.output_shape[1:]))

    def plan(self, **settings: Any) -> _core.Plan:
        graph = _core.Graph((2, 6, 6))
        for k, (op, inputs) in enumerate(self.nodes, 1):
            graph.add(op, inputs, f"n{k}")
        for value, weight in zip(self.auxiliary, WEIGHTS, strict=True):
            graph.set_auxiliary(value, weight)
        return _core.Plan(graph, self.dtype, **settings)

    def ending(self, end: int, **settings: Any) -> tuple[_core.Plan, Array]:
        """The plan of what one value needs, and its parameters."""
        needed = {end}
        for k in range(end, 0, -1):
            needed |= set(self.nodes[k - 1][1]) if k in needed else set()
        graph, values = _core.Graph((2, 6, 6)), {0: 0}
        for k, (op, inputs) in enumerate(self.nodes, 1):
            if k in needed:
                values[k] = graph.add(op, [values[i] for i in inputs], f"n{k}")
        plan = _core.Plan(graph, self.dtype, **settings)
        return plan, np.concatenate([self.part(self.params, name) for name, *_ in plan.parameters])

    def part(self, block: Array, name: str) -> Array:
        return block[slice(*self.windows[name])]

    def step(self, plan: _core.Plan, params: Array, **settings: Any) -> tuple[Any, ...]:
        grads = np.full_like(params, np.nan)
        return (*plan.loss_and_grad(self.x, self.target, params, grads, **settings), grads)


@pytest.mark.parametrize("n", [2, 37])
@pytest.mark.parametrize("name", GRAPHS)
def test_loss_and_gradients_are_sums(name: str, n: int, dtype: str, isa: str) -> None:
    case = Case(name, n, dtype)
    loss, *numbers, _, grads = case.step(case.plan(isa=isa), case.params)
    for buffer in case.buffers:
        assert np.isfinite(case.part(grads, buffer)).all()
        case.part(grads, buffer)[...] = 0
    want_loss, want = 0.0, np.zeros_like(grads)
    for end, weight in zip((case.last, *case.auxiliary), (1.0, *WEIGHTS), strict=True):
        plan, params = case.ending(end, isa=isa)
        own_loss, *own_numbers, _, own = case.step(plan, params)
        want_loss += weight * own_loss
        for key, first, shape in plan.parameters:
            if key not in case.buffers:
                case.part(want, key)[...] += weight * own[first : first + math.prod(shape)]
        assert end != case.last or numbers == own_numbers
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    assert abs(loss - want_loss) < tolerance * want_loss
    np.testing.assert_allclose(grads, want, rtol=tolerance, atol=tolerance * np.abs(want).max())


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", GRAPHS)
def test_inference_does_not_run_them(name: str, exact: bool) -> None:
    """Parameters that only they read may be NaN, and results are those of the graph without them."""
    case = Case(name, 5)
    plan, (own, params) = case.plan(exact=exact), case.ending(case.last, exact=exact)
    broken = case.params.copy()
    for key in case.windows.keys() - {key for key, *_ in own.parameters}:
        case.part(broken, key)[...] = np.nan
    assert np.isnan(broken).any()
    np.testing.assert_array_equal(plan.forward(case.x, broken), own.forward(case.x, params))
    for version in (1, 1, 2):  # kept packed
        got = plan.forward(case.x[:1], broken, version=version)
        np.testing.assert_array_equal(got, own.forward(case.x[:1], params))
    assert (plan.arena_bytes(), plan.tile()) == (own.arena_bytes(), own.tile())


@pytest.mark.parametrize("how", ["sample weights", "mixed images"])
def test_weights_of_rows_and_of_outputs(how: str, rng: np.random.Generator) -> None:
    case = Case("heads", 37)
    settings: dict[str, Any] = {"sample_weight": rng.random(37)}
    if how == "mixed images":
        case.x = rng.integers(0, 256, case.x.shape, dtype=np.uint8)
        settings = {"augmentation": augment.Augmentation([augment.MixUp(p=0.7)]).engine, "epoch": 1}
    loss, *_ = case.step(case.plan(), case.params, **settings)
    want = 0.0
    for end, weight in zip((case.last, *case.auxiliary), (1.0, *WEIGHTS), strict=True):
        want += weight * case.step(*case.ending(end), **settings)[0]
    assert abs(loss - want) < 1e-5 * want
    assert abs(loss - case.step(case.plan(), case.params)[0]) > 1e-3 * want


def test_ignored_targets_give_no_gradient() -> None:
    case = Case("heads", 6)
    case.target[:] = -100
    loss, *_, grads = case.step(case.plan(), case.params)
    assert math.isnan(loss)
    for key in case.windows.keys() - case.buffers:
        assert not case.part(grads, key).any()
