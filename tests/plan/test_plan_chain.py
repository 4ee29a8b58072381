"""An exact plan of a network gives the bits of its operations called one by one, whatever it tiles or reuses.
What fusing may change is in test_plan_fused.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import _core

from tests import oracle
from tests.support.networks import Chain, Network, draw_network

SEEDS = range(25)
BATCHES = [1, 2, 5, 17, 33, 70]


def drawn(net: Network, n: int, dtype: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = rng.standard_normal((n, *net.input_shape)).astype(dtype)
    count = sum(int(np.prod(s)) for op, _ in net.nodes for s in op.parameter_shapes().values())
    return x, (0.3 * rng.standard_normal(count)).astype(dtype)


@pytest.mark.parametrize("number", SEEDS)
def test_random_network_equals_its_chain(number: int, isa: str, dtype: str) -> None:
    rng = np.random.default_rng([number, 7])
    net = draw_network(rng)
    x, params = drawn(net, BATCHES[number % len(BATCHES)], dtype, rng)
    plan, chain = net.plan(isa, dtype, exact=True), Chain(net, isa, dtype)
    values = chain.forward(x, params)
    np.testing.assert_array_equal(plan.forward(x, params), values[-1], err_msg=str(net))

    y, tape = plan.forward_train(x, params)
    np.testing.assert_array_equal(y, values[-1], err_msg=str(net))
    dy = rng.standard_normal(y.shape).astype(dtype)
    grads = np.full_like(params, np.nan)
    dx = plan.backward(dy, tape, params, grads)
    want_dx, want_grads = chain.backward(dy, values, params)
    np.testing.assert_array_equal(dx, want_dx, err_msg=str(net))
    np.testing.assert_array_equal(grads, want_grads, err_msg=str(net))

    again = np.full_like(params, np.nan)  # gradients reuse the memory of values: the tape must not suffer
    np.testing.assert_array_equal(plan.backward(dy, tape, params, again), dx, err_msg=str(net))
    np.testing.assert_array_equal(again, grads, err_msg=str(net))


def test_random_networks_hold_every_operation() -> None:
    """The draw above would be worth little if it never met one of them."""
    met = {op.name for n in SEEDS for op, _ in draw_network(np.random.default_rng([n, 7])).nodes}
    assert met == set(oracle.PAIRS)


@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
@pytest.mark.parametrize("n", [1, 8, 64, 512])
def test_loss_and_grad_equals_its_parts(loss: str, n: int, isa: str, dtype: str) -> None:
    """n is a power of two, so that taking the mean commutes with rounding."""
    rng = np.random.default_rng(n)
    net = Network((3, 9, 8))
    value = net.add(_core.Conv2d(3, 19, 3), 0)
    value = net.add(_core.GELU(), net.add(_core.MaxPool2d(2), value))
    value = net.add(_core.Linear(19 * 9, 7), net.add(_core.Flatten(), value))
    if loss == "nll":
        value = net.add(_core.LogSoftmax(), value)
    x, params = drawn(net, n, dtype, rng)
    target = rng.integers(0, 7, n)
    plan, grads, want = net.plan(isa, dtype), np.full_like(params, np.nan), np.full_like(params, np.nan)
    mean, right, *_ = plan.loss_and_grad(x, target, params, grads, loss=loss)

    y, tape = plan.forward_train(x, params)
    each, slope = getattr(_core, loss)(y, target, isa=isa)
    plan.backward(slope / np.asarray(n, dtype), tape, params, want)
    assert mean == pytest.approx(each.mean(dtype=np.float64), rel=1e-6)
    assert right == (y.argmax(axis=1) == target).sum()
    np.testing.assert_array_equal(grads, want)


def test_index_picks_rows(isa: str, rng: np.random.Generator) -> None:
    """In any order, with repetition, from images of bytes too; the same bits as the picked rows
    themselves.
    """
    net = Network((2, 6, 6))
    net.add(_core.Linear(72, 5), net.add(_core.Flatten(), net.add(_core.ReLU(), 0)))
    plan = net.plan(isa, "float32", scale=[0.01, 0.02], shift=[-0.5, 0.25])
    params = rng.standard_normal(plan.parameter_count).astype(np.float32)
    floats = rng.standard_normal((40, 2, 6, 6)).astype(np.float32)
    target, index = rng.integers(0, 5, 40), np.array([39, 0, 7, 7, 21, 3, 3, 3, 38])
    for x in (floats, rng.integers(0, 256, floats.shape).astype(np.uint8)):
        got, want = np.empty_like(params), np.empty_like(params)
        picked = plan.loss_and_grad(x, target, params, got, index)
        assert picked == plan.loss_and_grad(x[index], target[index], params, want)
        np.testing.assert_array_equal(got, want)


def test_value_used_by_several_nodes(isa: str, dtype: str, rng: np.random.Generator) -> None:
    """x feeds three nodes, one of them twice; small integers make every order of summation exact."""
    net = Network((3, 4, 5))
    doubled = net.add(_core.Add(), 0, 0)
    positive = net.add(_core.ReLU(), 0)
    shifted = net.add(_core.ChannelBias(3), 0)
    first = net.add(_core.Add(), doubled, positive)
    net.add(_core.Add(), first, shifted)
    plan = net.plan(isa, dtype)
    x = rng.integers(-3, 4, (5, 3, 4, 5)).astype(dtype)
    bias = rng.integers(-3, 4, 3).astype(dtype)
    y, tape = plan.forward_train(x, bias)
    np.testing.assert_array_equal(y, 2 * x + np.maximum(x, 0) + x + bias[:, None, None])
    dy, grads = rng.integers(-3, 4, x.shape).astype(dtype), np.full(3, np.nan, dtype)
    dx = plan.backward(dy, tape, bias, grads)
    np.testing.assert_array_equal(dx, dy * (3 + (x > 0)))
    np.testing.assert_array_equal(grads, dy.sum(axis=(0, 2, 3)))


def test_early_value_survives_to_a_late_join(isa: str, dtype: str, rng: np.random.Generator) -> None:
    """The arena may reuse every slot in between, but not the one still wanted at the end."""
    net = Network((7, 5, 6))
    kept = value = net.add(_core.ChannelBias(7), 0)
    for _ in range(6):
        value = net.add(_core.PositionBias(7, 5, 6), net.add(_core.ReLU(), value))
    net.add(_core.Add(), kept, value)
    x, params = drawn(net, 5, dtype, rng)
    values = Chain(net, isa, dtype).forward(x, params)
    np.testing.assert_array_equal(net.plan(isa, dtype).forward(x, params), values[-1])


def test_arena_does_not_grow_with_depth(isa: str) -> None:
    """Inference needs two values of a chain at a time; training has to keep what backward reads."""

    def plan_of(depth: int) -> _core.Plan:
        net, value = Network((8, 14, 14)), 0
        for _ in range(depth):
            value = net.add(_core.ReLU(), net.add(_core.Conv2d(8, 8, 3, padding=1), value))
        return net.plan(isa, "float32")

    shallow, deep = plan_of(3), plan_of(30)

    def for_one_image(plan: _core.Plan, training: bool) -> float:
        return plan.arena_bytes(training) / plan.tile(training)

    assert for_one_image(deep, False) <= 1.1 * for_one_image(shallow, False)
    assert for_one_image(deep, True) > 5 * for_one_image(deep, False)
    values = 4 * 8 * 14 * 14 * np.array([2, 61])  # what is kept at least, and at most if nothing were reused
    assert values[0] <= for_one_image(deep, False) < values[1]


@pytest.mark.parametrize("n", [0, 1, 3, 50])
def test_bytes_are_normalised_in_the_engine(n: int, isa: str, dtype: str, rng: np.random.Generator) -> None:
    """uint8 input is x * scale + shift for each channel; results as from the floats."""
    net = Network((3, 5, 6))
    net.add(_core.Linear(90, 4), net.add(_core.Flatten(), net.add(_core.GELU(), 0)))
    scale, shift = [1 / 64, 1 / 128, 0.5], [-2.0, 0.0, 1.0]  # exact in binary
    plan = net.plan(isa, dtype, scale=scale, shift=shift)
    images = rng.integers(0, 256, (n, 3, 5, 6)).astype(np.uint8)
    floats = images * np.array(scale)[:, None, None] + np.array(shift)[:, None, None]
    params = rng.standard_normal(plan.parameter_count).astype(dtype)
    np.testing.assert_array_equal(plan.forward(images, params), plan.forward(floats.astype(dtype), params))


def test_plan_describes_itself(isa: str) -> None:
    net = Network((1, 8, 8))
    value = net.add(_core.Conv2d(1, 4, 3), 0)
    net.add(_core.Linear(36, 5), net.add(_core.Flatten(), net.add(_core.MaxPool2d(2), value)))
    plan = net.plan(isa, "float64", exact=True)
    assert (plan.dtype, plan.input_shape, plan.output_shape) == ("float64", (1, 8, 8), (5,))
    assert net.plan(isa, "float32").isa == isa
    assert plan.isa == {"avx512": "avx2"}.get(isa, isa)  # float64 has the first two variants
    assert plan.parameters == [
        ("n0.weight", 0, (4, 1, 3, 3)),
        ("n0.bias", 36, (4,)),
        ("n3.weight", 40, (5, 36)),
        ("n3.bias", 220, (5,)),
    ]
    assert plan.parameter_count == 225
    result = [(node["name"], node["op"], node["inputs"], node["output_shape"]) for node in plan.nodes()]
    assert result == [
        ("n0", "Conv2d", [0], (4, 6, 6)),
        ("n1", "MaxPool2d", [1], (4, 3, 3)),
        ("n2", "Flatten", [2], (36,)),
        ("n3", "Linear", [3], (5,)),
    ]
    assert [node["macs"] for node in plan.nodes()] == [4 * 36 * 9, 0, 0, 180]


def test_profile_covers_every_node(isa: str, rng: np.random.Generator) -> None:
    net = Network((1, 8, 8))
    net.add(_core.Linear(256, 5), net.add(_core.Flatten(), net.add(_core.Conv2d(1, 4, 3, padding=1), 0)))
    plan = net.plan(isa, "float32")
    x, params = drawn(net, 6, "float32", rng)
    for target in (None, np.zeros(6, np.int64)):
        rows = plan.profile(x, target, params, repeats=2)
        assert [(row["name"], row["op"]) for row in rows[:3]] == [
            *(("n0", "Conv2d"), ("n1", "Flatten"), ("n2", "Linear")),
        ]
        assert all(row["forward"] >= 0 and row["backward"] >= 0 for row in rows)
        assert rows[0]["forward"] > 0
        assert rows[0]["backward"] > 0
        assert rows[0]["macs"] == 4 * 64 * 9
    once = min(plan.profile(x, None, params)[0]["forward"] for _ in range(5))
    assert plan.profile(x, None, params, repeats=200)[0]["forward"] > 10 * once, "seconds are summed up"
