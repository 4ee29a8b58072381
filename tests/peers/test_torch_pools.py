"""Pools beside PyTorch: hundreds of random geometries of each, on every instruction set, in both precisions.

Failures name the seed; CNNFAST_TEST_SEED=<number> draws other geometries.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pytest
from cnnfast import _core, functional
from cnnfast.interop.torch import pooled, sides

from tests.cases import Case
from tests.support import tolerance
from tests.support.drawn_pools import DRAWN, POOLS
from tests.support.engine import OneNode, op_of

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.slow

TRIALS = 300
BASE = int(os.environ.get("CNNFAST_TEST_SEED", "0"))
INDICES = {
    "MaxPool1d": functional.max_pool1d,
    "MaxPool2d": functional.max_pool2d,
    "AdaptiveMaxPool1d": functional.adaptive_max_pool1d,
    "AdaptiveMaxPool2d": functional.adaptive_max_pool2d,
}


def drawn(op: str, trial: int) -> tuple[Case, np.ndarray, str]:
    """A case and its input: normal numbers; or whole ones, which tie, some of them NaN or infinite."""
    case = DRAWN[op](np.random.default_rng([BASE, trial]))
    x = case.arrays(integers=trial % 2 == 1)[0]
    if trial % 4 == 3 and op in tolerance.MAX_POOLS:
        rng = np.random.default_rng([BASE, trial, 1])
        x[rng.random(x.shape) < 0.1] = np.nan
        x[rng.random(x.shape) < 0.1] = np.inf
    return case, x, f"seed {BASE}, trial {trial}: {case.id}"


@pytest.mark.parametrize("op", POOLS)
def test_random_geometries(op: str) -> None:
    empty = 0
    for trial in range(TRIALS):
        case, x, about = drawn(op, trial)
        wide = torch.tensor(x.astype(np.float64), requires_grad=True)
        y = pooled(torch.nn.functional, op, op_of(case).settings(), wide)
        dy = case.draw(*y.shape, salt="dy")
        y.backward(torch.from_numpy(dy.astype(np.float64)))
        want, slope = y.detach().numpy(), wide.grad.numpy()
        terms, scale = tolerance.forward_scale(case, (x,))
        [(slope_terms, slope_scale)] = tolerance.backward_scales(case, dy, (x,))
        for isa in _core.available_isas():
            for dtype in ("float32", "float64"):
                node, where = OneNode(case, isa, dtype), f"{about}, {isa}, {dtype}"
                tolerance.check(node.forward(x), want, dtype, terms, scale, where)
                tolerance.check(
                    node.backward(dy, x)[0], slope, dtype, slope_terms, slope_scale, f"{where}, dx"
                )
        empty += case.n == 0
    assert 10 < empty < TRIALS / 2, "batches of none are among them"


@pytest.mark.parametrize("op", INDICES)
def test_indices(op: str, isa: str, dtype: str) -> None:
    told_apart = 0
    for trial in range(TRIALS):
        case, x, about = drawn(op, trial)
        x, settings = x.astype(dtype), op_of(case).settings()
        y, indices = INDICES[op](x, **settings, return_indices=True, isa=isa)
        np.testing.assert_array_equal(y, INDICES[op](x, **settings, isa=isa), err_msg=about)
        assert indices.dtype == np.int64
        flat = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
        found = np.take_along_axis(flat, indices.reshape(*y.shape[:2], math.prod(y.shape[2:])), 2)
        np.testing.assert_array_equal(found.reshape(y.shape), y, err_msg=about)
        padding = by_axis(settings.get("padding", 0), op)
        kernel = np.broadcast_to(settings.get("kernel_size", 2), len(padding))
        if all(before == after <= k // 2 for (before, after), k in zip(padding, kernel, strict=True)):
            np.testing.assert_array_equal(indices, torch_indices(op, settings, padding, x), err_msg=about)
            told_apart += x.size > 0
    assert told_apart > TRIALS / 4


def by_axis(padding: Any, op: str) -> tuple[tuple[int, int], ...]:
    if isinstance(padding, int) or op.endswith("2d"):
        return sides(padding)
    return (padding,)


def torch_indices(
    op: str, settings: dict[str, Any], padding: tuple[tuple[int, int], ...], x: np.ndarray
) -> np.ndarray:
    functions, tensor = torch.nn.functional, torch.from_numpy(x)
    if op.startswith("Adaptive"):
        name = op.replace("AdaptiveMaxPool", "adaptive_max_pool")
        return getattr(functions, name)(tensor, settings["output_size"], return_indices=True)[1].numpy()
    pads = tuple(before for before, _ in padding)
    pool = functions.max_pool1d if op.endswith("1d") else functions.max_pool2d
    steps = (settings["kernel_size"], settings["stride"], pads, settings["dilation"])
    return pool(tensor, *steps, ceil_mode=settings["ceil_mode"], return_indices=True)[1].numpy()


def test_drawn_geometries_meet_the_corners() -> None:
    """Large strides, one pixel, padding on one side, dilation with padding, windows that hang over."""
    seen = [drawn(op, trial)[0] for op in ("MaxPool2d", "AvgPool2d") for trial in range(TRIALS)]
    settings = [(case, case.settings) for case in seen]
    assert sum(s["stride"][0] > s["kernel_size"][0] for _, s in settings) > 50
    assert sum(1 in case.inputs[0][1:] for case, _ in settings) > 50
    assert sum(s["padding"][0][0] != s["padding"][0][1] for _, s in settings) > 50
    assert sum(s.get("dilation", (1, 1))[0] > 1 and any(s["padding"][0]) for _, s in settings) > 20
    assert sum(hangs_over(case) for case, _ in settings) > 50


def hangs_over(case: Case) -> bool:
    s = case.settings
    rounded_down = Case(case.op, case.n, case.inputs, {**s, "ceil_mode": False})
    try:
        return op_of(case).output_shape(*case.inputs) != op_of(rounded_down).output_shape(*case.inputs)
    except ValueError:
        return True
