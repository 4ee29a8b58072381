"""The corners of memory: strides, alignment, read-only arrays, and whose array is whose."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cnnfast import _core

from tests import oracle
from tests.cases import conv
from tests.support.engine import OneNode


def shifted_by_a_byte(a: np.ndarray) -> np.ndarray:
    raw = np.zeros(a.nbytes + 1, np.uint8)
    out = raw[1:].view(a.dtype).reshape(a.shape)
    out[...] = a
    return out


def read_only(a: np.ndarray) -> np.ndarray:
    out = a.copy()
    out.flags.writeable = False
    return out


def every_second(a: np.ndarray) -> np.ndarray:
    out = np.full((*a.shape[:-1], 2 * a.shape[-1]), 99, a.dtype)[..., ::2]
    out[...] = a
    return out


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "fortran order": np.asfortranarray,
    "negative stride": lambda a: a[::-1].copy()[::-1],
    "all strides negative": lambda a: np.flip(np.flip(a).copy()),
    "every second value": every_second,
    "read-only": read_only,
    "unaligned": shifted_by_a_byte,
    "transposed twice": lambda a: a.swapaxes(0, 1).copy().swapaxes(0, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout(layout: str, isa: str, dtype: str, rng: np.random.Generator) -> None:
    """The engine reads arrays as they lie, or a contiguous copy of them: never the wrong numbers."""
    graph = _core.Graph((3, 6, 5))
    value = graph.add(_core.Conv2d(3, 7, 3), [0], "conv")
    graph.add(_core.Linear(84, 4), [graph.add(_core.Flatten(), [value], "flat")], "head")
    plan = _core.Plan(graph, dtype, isa=isa)
    x, dy = rng.standard_normal((5, 3, 6, 5)).astype(dtype), rng.standard_normal((5, 4)).astype(dtype)
    params = rng.standard_normal(plan.parameter_count).astype(dtype)
    target = np.array([0, 3, 1, 2, 0])
    changed = LAYOUTS[layout]
    y, tape = plan.forward_train(x, params)
    grads, got = np.empty_like(params), np.empty_like(params)
    dx = plan.backward(dy, tape, params, grads)

    x2, dy2 = changed(x), changed(dy)
    p2 = read_only(params) if layout == "read-only" else params  # the block is one piece of memory
    np.testing.assert_array_equal(plan.forward(x2, p2), y)
    y2, tape2 = plan.forward_train(x2, p2)
    np.testing.assert_array_equal(y2, y)
    np.testing.assert_array_equal(plan.backward(dy2, tape2, p2, got), dx)
    np.testing.assert_array_equal(got, grads)
    loss = plan.loss_and_grad(x, target, params, grads)
    assert plan.loss_and_grad(x2, changed(target[:, None])[:, 0], p2, got) == loss
    np.testing.assert_array_equal(got, grads)


@pytest.mark.parametrize("op", ["Flatten", "ReLU", "Add"])
def test_outputs_are_new_and_inputs_untouched(op: str, isa: str) -> None:
    """Even where the result holds the very same numbers."""
    graph = _core.Graph((3, 4, 5))
    graph.add(getattr(_core, op)(), [0, 0] if op == "Add" else [0], "op")
    plan = _core.Plan(graph, "float32", isa=isa)
    x = np.abs(np.random.default_rng(0).standard_normal((2, 3, 4, 5))).astype(np.float32)
    before, params = x.copy(), np.empty(0, np.float32)
    y, tape = plan.forward_train(x, params)
    kept = y.copy()
    dy = y.copy()
    dx = plan.backward(dy, tape, params, params)
    assert not np.shares_memory(x, y)
    assert not np.shares_memory(dy, dx)
    dx[...] = 7
    y[...] = 7
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(
        plan.backward(kept, tape, params, params).reshape(x.shape), {"Add": 4 * before}.get(op, before)
    )


def test_training_pass_keeps_its_own_copy(isa: str) -> None:
    """A caller may overwrite x between forward and backward; the gradient is that of the x it was called
    with.
    """
    case = conv(2, (3, 5, 5), 4, 3)
    node, (x, w, b) = OneNode(case, isa, "float32"), case.arrays()
    params = np.concatenate([w.ravel(), b])
    _, tape = node.plan.forward_train(x, params)
    dy = case.draw(2, 4, 3, 3, salt="dy")
    want = oracle.conv2d_backward(dy, x, w, b)[1]
    x[...] = np.nan
    grads = np.empty_like(params)
    node.plan.backward(dy, tape, params, grads)
    np.testing.assert_allclose(grads[: w.size].reshape(w.shape), want, rtol=1e-4, atol=1e-5)


def test_tape_outlives_its_plan() -> None:
    """A tape keeps the plan it came from, so that no later plan can be taken for it."""
    graph = _core.Graph((4,))
    graph.add(_core.ReLU(), [0], "op")
    x, none = np.ones((2, 4), np.float32), np.empty(0, np.float32)
    plan = _core.Plan(graph)
    _, tape = plan.forward_train(x, none)
    assert tape.nbytes >= 2 * x.nbytes
    del plan
    gc.collect()
    for _ in range(50):
        with pytest.raises(ValueError, match=r"^backward: the tape was made by another plan$"):
            _core.Plan(graph).backward(x, tape, none, none)


STATM = Path("/proc/self/statm")


@pytest.mark.skipif(not STATM.exists(), reason="only Linux tells how much memory a process holds")
@pytest.mark.slow
def test_calls_leave_nothing_behind() -> None:
    """Hundreds of calls with changing batch sizes, tapes and callers hold no more memory than a few."""
    graph = _core.Graph((8, 16, 16))
    value = graph.add(_core.Conv2d(8, 8, 3, padding=1), [0], "conv")
    graph.add(_core.Linear(8 * 16 * 16, 4), [graph.add(_core.Flatten(), [value], "flat")], "head")
    plan = _core.Plan(graph)
    params = np.zeros(plan.parameter_count, np.float32)
    grads, images = np.empty_like(params), np.zeros((40, 8, 16, 16), np.float32)

    def calls(count: int) -> None:
        for i in range(count):
            x = images[: 1 + 13 * i % 40]
            plan.forward(x, params)
            y, tape = plan.forward_train(x, params)
            plan.backward(y, tape, params, grads)
            plan.loss_and_grad(x, np.zeros(len(x), np.int64), params, grads)

    def resident() -> int:
        gc.collect()
        return int(STATM.read_text().split()[1]) * 4096

    calls(40)
    before, (_, tape) = resident(), plan.forward_train(images, params)
    calls(80)
    assert resident() - before < 5 * tape.nbytes, "less than a tape for every tenth call"
