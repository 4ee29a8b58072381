"""Backward leaves out what no trained parameter needs: gradients of the others have the same bits."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from cnnfast import nn


def chain() -> nn.Sequential:
    body = nn.Sequential(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 16))
    return nn.Sequential({"body": body, "act": nn.GELU(), "fc": nn.Linear(16, 5)}, seed=0)


def normalized() -> nn.Sequential:
    """Several segments, a residual block among them."""
    block = nn.Residual(
        nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)), nn.BatchNorm2d(8)
    )
    stem = nn.Sequential(nn.BatchNorm2d(2, affine=False), nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    end = nn.Sequential(nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1))
    return nn.Sequential(
        {"stem": stem, "block": block, "end": end, "flat": nn.Flatten(), "fc": nn.Linear(4, 5)}, seed=0
    )


def branched() -> nn.Graph:
    """A frozen branch beside a trained one, both with batch normalization."""
    g = nn.Graph.builder()
    left = g.add(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)), g.input, name="left")
    right = g.add(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)), g.input, name="right")
    joined = g.add(nn.Concat(), left, right, name="join")
    flat = g.add(nn.Flatten(), joined, name="flat")
    graph = g.build(g.add(nn.Linear(128, 5), flat, name="fc"))
    graph.initialize(0)
    return graph


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...]]] = {
    "body": (chain, ("body",)),
    "only the last bias": (chain, ("body", "fc.weight")),
    "a layer in the middle": (chain, ("body.4",)),
    "weights of the first": (chain, ("body.0.weight",)),
    "everything": (chain, ("*",)),
    "all but the head": (normalized, ("stem", "block", "end")),
    "stem and averages": (normalized, ("stem", "*.running_*")),
    "a normalization after trained layers": (normalized, ("block.body.1",)),
    "the averages of all": (normalized, ("*.running_*",)),
    "stem and block": (normalized, ("stem.*", "block.*")),
    "left branch": (branched, ("left",)),
    "right branch": (branched, ("right",)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_other_gradients_have_the_same_bits(
    name: str, threads: int, dtype: str, set_threads: Callable[[int], None], rng: np.random.Generator
) -> None:
    build, patterns = CASES[name]
    model = build().to(dtype)
    set_threads(threads)
    x = rng.standard_normal((19, 2, 6, 6)).astype(dtype)
    y = rng.integers(0, 5, 19)
    model.freeze(*patterns)  # the same plan for both: it depends on frozen averages
    plan = model.plan_for(x.shape[1:])
    every, some = np.full((2, model.flat_parameters.size), np.nan, dtype)
    full = plan.loss_and_grad(x, y, model.flat_parameters, every)
    frozen = [(start, start + size) for (start, size), is_frozen in _places(model) if is_frozen]
    part = plan.loss_and_grad(x, y, model.flat_parameters, some, frozen=frozen)
    assert part[:4] == full[:4]
    for start, end in frozen:
        every[start:end] = 0
    np.testing.assert_array_equal(some, every)


def _places(model: nn.Module) -> list[tuple[tuple[int, int], bool]]:
    """Place of each parameter that is no buffer, and whether it is frozen."""
    places, start, buffers = [], 0, set(model.buffers())
    for name, shape in model.named_shapes():
        size = int(np.prod(shape))
        if name not in buffers:
            places.append(((start, size), name in model.frozen))
        start += size
    return places


@pytest.mark.slow
def test_a_frozen_body_costs_no_backward() -> None:
    body = nn.Sequential(*(nn.Conv2d(16, 16, 3, padding=1) for _ in range(6)))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))
    model = nn.Sequential({"body": body, "head": head}, seed=0)
    x, y = np.ones((64, 16, 32, 32), np.float32), np.zeros(64, np.int64)
    plan, grads = model.plan_for(x.shape[1:]), np.zeros_like(model.flat_parameters)

    def seconds(frozen: list[tuple[int, int]]) -> float:
        best = np.inf
        for _ in range(5):
            start = time.perf_counter()
            plan.loss_and_grad(x, y, model.flat_parameters, grads, frozen=frozen)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds([(0, body.flat_parameters.size)]) < 0.6 * seconds([])
