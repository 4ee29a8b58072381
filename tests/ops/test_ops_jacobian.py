"""Whole Jacobians in float64: backward, row by row, against central differences of forward, column by column.

The oracle is not asked: this ties the backward kernels to the forward kernels themselves.
"""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import _core

from tests.cases import CASES, Case
from tests.support.engine import OneNode

SMALL = [case for case in CASES if case.jacobian]
STEP = 1e-5  # truncation ~ STEP^2, rounding ~ 1e-16 / STEP: both near 1e-10
TOLERANCE = 1e-8


def drawn(case: Case) -> list[np.ndarray]:
    """Values at least 10^4 steps apart from each other and from 0, so that no maximum or relu changes
    sides.
    """
    arrays, rng = [], np.random.default_rng(len(case.id))
    for a in case.arrays():
        spread = (np.arange(a.size) - a.size // 2 + 0.5) / max(a.size / 4, 1)
        arrays.append(rng.permutation(spread).reshape(a.shape))
    return arrays


def numeric(node: OneNode, arrays: list[np.ndarray], k: int) -> np.ndarray:
    """d y / d arrays[k], outputs x entries."""
    columns = []
    for i in range(arrays[k].size):
        ends = []
        for sign in (1, -1):
            moved = [a.copy() for a in arrays]
            moved[k].flat[i] += sign * STEP
            ends.append(node.forward(*moved).ravel())
        columns.append((ends[0] - ends[1]) / (2 * STEP))
    return np.stack(columns, axis=1)


def analytic(node: OneNode, arrays: list[np.ndarray]) -> list[np.ndarray]:
    y, tape = node.forward_train(*arrays)
    rows: list[list[np.ndarray]] = [[] for _ in arrays]
    for i in range(y.size):
        dy = np.zeros_like(y)
        dy.flat[i] = 1
        for k, g in enumerate(node.backward(dy, *arrays, tape=tape)):
            rows[k].append(g.ravel())
    return [np.stack(r) for r in rows]


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.id)
def test_jacobian(case: Case, isa: str) -> None:
    node, arrays = OneNode(case, isa, "float64"), drawn(case)
    for k, got in enumerate(analytic(node, arrays)):
        want = numeric(node, arrays, k)
        assert np.abs(want).max() > 0.01, "a Jacobian of zeros tests nothing"
        np.testing.assert_allclose(got, want, rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"array {k}")


@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_loss_gradient(loss: str, isa: str, rng: np.random.Generator) -> None:
    x, target = rng.standard_normal((4, 5)), np.array([0, 4, 2, 2])
    _, slope = getattr(_core, loss)(x, target, isa=isa)
    for i in range(x.size):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved.flat[i] += sign * STEP
            ends.append(getattr(_core, loss)(moved, target, isa=isa)[0].sum())
        assert slope.flat[i] == pytest.approx((ends[0] - ends[1]) / (2 * STEP), abs=TOLERANCE)


def test_loss_and_grad_of_a_network(isa: str, rng: np.random.Generator) -> None:
    """Every parameter of a small network, through the one call that training uses."""
    graph = _core.Graph((2, 6, 5))
    value = graph.add(_core.Conv2d(2, 3, 3, padding=1), [0], "conv")
    value = graph.add(_core.GELU(), [graph.add(_core.MaxPool2d(2), [value], "pool")], "act")
    shifted = graph.add(_core.PositionBias(3, 3, 2), [value], "shift")
    value = graph.add(_core.Flatten(), [graph.add(_core.Add(), [value, shifted], "sum")], "flat")
    graph.add(_core.Linear(18, 4), [value], "head")
    plan = _core.Plan(graph, "float64", isa=isa)
    x, target = rng.standard_normal((5, 2, 6, 5)), rng.integers(0, 4, 5)
    params = 0.5 * rng.standard_normal(plan.parameter_count)
    grads = np.full_like(params, np.nan)
    plan.loss_and_grad(x, target, params, grads)

    def loss_at(i: int, sign: int) -> float:
        moved = params.copy()
        moved[i] += sign * STEP
        return plan.loss_and_grad(x, target, moved, np.empty_like(moved))[0]

    want = [(loss_at(i, 1) - loss_at(i, -1)) / (2 * STEP) for i in range(params.size)]
    np.testing.assert_allclose(grads, want, rtol=TOLERANCE, atol=TOLERANCE)
    assert (np.abs(grads) > 1e-6).mean() > 0.9
