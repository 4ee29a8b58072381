"""The largest magnitude of a gradient, as `Plan.loss_and_grad` returns it; gradients of frozen parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from cnnfast import _core

from tests.support.networks import Network, draw_network
from tests.support.refusal import refused

SetThreads = Callable[[int], None]
Array = np.ndarray

#: Inputs of one Linear: few gradients are checked by one thread, many by all.
SIZES = [13, 70_001]


def gradients(plan: _core.Plan, x: Array, params: Array, frozen: object = ()) -> tuple[float, Array]:
    grads, target = np.full_like(params, np.nan), np.ones((len(x), *plan.output_shape), x.dtype)
    *_, largest = plan.loss_and_grad(x, target, params, grads, loss="mse", frozen=frozen)  # type: ignore[arg-type]
    return largest, grads


def linear(inputs: int, isa: str, dtype: str) -> tuple[_core.Plan, Array, Array]:
    """A product without a bias: the gradient of each weight is -2 times its input."""
    net = Network((inputs,))
    net.add(_core.Linear(inputs, 1, bias=False), 0)
    return net.plan(isa, dtype), np.ones((1, inputs), dtype), np.zeros(inputs, dtype)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_it_is_the_largest_of_all_but_buffers(
    seed: int, threads: int, isa: str, set_threads: SetThreads
) -> None:
    set_threads(threads)
    rng = np.random.default_rng(seed)
    plan = draw_network(rng).plan(isa, "float32")
    x = rng.standard_normal((19, *plan.input_shape)).astype(np.float32)
    largest, grads = gradients(plan, x, rng.standard_normal(plan.parameter_count).astype(np.float32))
    for name, start, shape in plan.parameters:
        if name.startswith(("running_", "num_batches")):
            grads[start : start + int(np.prod(shape))] = 0
    assert largest == np.abs(grads).max(initial=0)


@pytest.mark.parametrize("inputs", SIZES)
@pytest.mark.parametrize("threads", [1, 2])
def test_one_of_many(inputs: int, threads: int, isa: str, dtype: str, set_threads: SetThreads) -> None:
    set_threads(threads)
    plan, x, params = linear(inputs, isa, dtype)
    for place in (0, inputs // 2, inputs - 1):
        for value in (-3.0, np.finfo(dtype).max):
            x[0, place] = value
            largest, _ = gradients(plan, x, params)
            assert largest == 6 if value == -3 else np.isnan(largest)
        frozen, grads = gradients(plan, x, params, [(place, place + 1)])
        assert frozen == 2
        assert grads[place] == 0
        x[0, place] = 1


def test_frozen_ranges_are_set_to_zero(isa: str) -> None:
    plan, x, params = linear(70_001, isa, "float32")
    ranges = [(0, 1), (5, 5), (7, 20_000), (16_384, 16_390), (70_000, 70_001)]
    want = np.full_like(params, -2)
    for first, end in ranges:
        want[first:end] = 0
    largest, grads = gradients(plan, x, params, ranges)
    assert largest == 2
    np.testing.assert_array_equal(grads, want)
    assert gradients(plan, x, params, [(0, 70_001)])[0] == 0


def test_statistics_of_the_batch_do_not_count(isa: str) -> None:
    net = Network((2,))
    net.add(_core.BatchNorm1d(2), 0)
    plan = net.plan(isa, "float32")
    x = np.array([[1e25, 0], [-1e25, 1]], np.float32)
    params = np.array([1, 1, 0, 0, 0, 0, 1, 1], np.float32)
    largest, grads = gradients(plan, x, params)
    assert np.isinf(grads[6])
    assert largest == np.abs(grads[:4]).max() < 10


@pytest.mark.parametrize("wrong", [(-1, 2), (3, 2), (0, 14)])
def test_ranges_that_are_none(wrong: tuple[int, int], isa: str) -> None:
    plan, x, params = linear(13, isa, "float32")
    with refused(ValueError, f"frozen: expected ranges (first, end) of 13 parameters, got {wrong}"):
        gradients(plan, x, params, [wrong])
