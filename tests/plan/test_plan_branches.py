"""Fusing in graphs with branches: a value that several nodes read is written down, whatever could be fused
with what made it, and every gradient arrives where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from cnnfast import _core

from tests.plan.test_plan_fused import by_layers, run
from tests.support.networks import Network

Block = Callable[[Network, int], int]


def conv(c_out: int, kernel: int = 3) -> Block:
    pad = kernel // 2
    return lambda net, v: net.add(_core.Conv2d(net.shapes[v][0], c_out, kernel, padding=pad), v)


def op(make: Callable[[], _core.Op]) -> Block:
    return lambda net, v: net.add(make(), v)


RELU, GELU = op(_core.ReLU), op(lambda: _core.GELU("none"))
POOL = op(lambda: _core.MaxPool2d(2))
SMALL_POOL = op(lambda: _core.MaxPool2d(3, 1, 1))


def offset(net: Network, v: int) -> int:
    return net.add(_core.PositionBias(*net.shapes[v]), v)


def after(net: Network, v: int, *blocks: Block) -> int:
    for block in blocks:
        v = block(net, v)
    return v


def pool_with_two_readers(net: Network, v: int) -> None:
    pooled = after(net, v, conv(8), POOL)
    net.add(_core.Add(), after(net, pooled, RELU), after(net, pooled, GELU))


def conv_with_pool_and_skip(net: Network, v: int) -> None:
    seen = after(net, v, conv(8))
    left, right = after(net, seen, POOL, RELU), after(net, seen, RELU, POOL, conv(8, 1))
    net.add(_core.Concat(), left, right)


def activation_with_two_readers(net: Network, v: int) -> None:
    active = after(net, v, conv(8), RELU)
    net.add(_core.Concat(), after(net, active, POOL), after(net, active, conv(5), POOL, GELU))


def conv_read_twice_by_one_node(net: Network, v: int) -> None:
    seen = after(net, v, conv(8))
    after(net, net.add(_core.Add(), seen, seen), POOL, RELU)


def output_of_conv_is_kept(net: Network, v: int) -> None:
    """The activation stands right behind the convolution, but the join wants what is before it, too."""
    seen = after(net, v, conv(8))
    net.add(_core.Add(), after(net, seen, RELU), seen)


def offset_with_two_readers(net: Network, v: int) -> None:
    moved = after(net, v, conv(8), offset)
    net.add(_core.Concat(), after(net, moved, RELU), after(net, moved, GELU), moved)


def inception(net: Network, v: int) -> None:
    ends = [
        after(net, v, conv(5, 1), RELU),
        after(net, v, conv(3, 1), RELU, conv(16), RELU),
        after(net, v, conv(2, 1), GELU, conv(4, 5), GELU),
        after(net, v, SMALL_POOL, conv(3, 1)),
        v,
    ]
    after(net, net.add(_core.Concat(), *ends), conv(8), POOL, RELU)


def residual_with_projection(net: Network, v: int) -> None:
    body = after(net, v, conv(8), RELU, conv(8))
    total = net.add(_core.Add(), body, after(net, v, conv(8, 1)))
    after(net, total, RELU, conv(16), RELU, POOL)


def dense(net: Network, v: int) -> None:
    values = [v]
    for _ in range(3):
        joined = net.add(_core.Concat(), *values) if len(values) > 1 else v
        values.append(after(net, joined, conv(4), RELU))
    after(net, net.add(_core.Concat(), *values), conv(6), POOL)


NETWORKS = [
    pool_with_two_readers,
    conv_with_pool_and_skip,
    activation_with_two_readers,
    conv_read_twice_by_one_node,
    output_of_conv_is_kept,
    offset_with_two_readers,
    inception,
    residual_with_projection,
    dense,
]

#: GELU leaves the integers
WHOLE = [b for b in NETWORKS if b not in (pool_with_two_readers, activation_with_two_readers)]
WHOLE = [b for b in WHOLE if b not in (offset_with_two_readers, inception)]


def network(build: Callable[[Network, int], None], second: bool) -> Network:
    """With `second`, there are parameters before all of it, so that every dx is wanted."""
    net = Network((3, 8, 10))
    build(net, net.add(_core.ChannelBias(3), 0) if second else 0)
    return net


def drawn(net: Network, n: int, dtype: str, integers: bool) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(n)
    count = sum(int(np.prod(s)) for o, _ in net.nodes for s in o.parameter_shapes().values())
    shapes = ((n, *net.input_shape), (count,), (n, *net.shapes[-1]))
    if integers:
        return tuple(rng.integers(-1, 2, s).astype(dtype) for s in shapes)
    return tuple((0.5 * rng.standard_normal(s)).astype(dtype) for s in shapes)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_branches_give_what_the_layers_give(build, second: bool, isa: str, dtype: str) -> None:
    net = network(build, second)
    limit = {"float32": 3e-6, "float64": 1e-14}[dtype]
    for n in (1, 5, 19):
        inputs = drawn(net, n, dtype, integers=False)
        want = by_layers(net, isa, *inputs)
        for exact in (True, False):
            got = run(net.plan(isa, dtype, exact=exact), *inputs)
            for key, value in got.items():
                assert np.abs(value - want[key]).max() <= limit * np.abs(want[key]).max(), (key, exact)


@pytest.mark.parametrize("build", WHOLE, ids=lambda build: build.__name__)
def test_integers_are_exact(build, isa: str, dtype: str) -> None:
    """Ties are everywhere, so that a winner taken from another branch's value would show."""
    net = network(build, second=True)
    plan = net.plan(isa, dtype)
    if any("winograd" in node["algorithm"] for node in plan.nodes()):
        pytest.skip("Winograd's algorithm rounds integers, and ties fall otherwise")
    inputs = drawn(net, 7, dtype, integers=True)
    got, want = run(plan, *inputs), by_layers(net, isa, *inputs)
    for key, value in got.items():
        np.testing.assert_array_equal(value, want[key], err_msg=key)


def test_what_is_fused_and_what_is_not(isa: str) -> None:
    def ops(build: Callable[[Network, int], None]) -> list[str]:
        return [node["op"] for node in network(build, False).plan(isa, "float32").nodes()]

    assert ops(pool_with_two_readers) == ["Conv2d+MaxPool2d", "ReLU", "GELU", "Add"]
    assert ops(output_of_conv_is_kept) == ["Conv2d", "ReLU", "Add"]
    assert ops(conv_read_twice_by_one_node) == ["Conv2d", "Add", "MaxPool2d", "ReLU"]
    assert ops(offset_with_two_readers) == ["Conv2d+PositionBias", "ReLU", "GELU", "Concat"]
    assert ops(activation_with_two_readers) == [
        *("Conv2d+ReLU", "MaxPool2d", "Conv2d+MaxPool2d+GELU", "Concat")
    ]


def test_only_the_gradients_of_parameters(isa: str, dtype: str, rng: np.random.Generator) -> None:
    """loss_and_grad leaves out dx of the input, also for a join that reads the input itself."""
    net = Network((3, 6, 6))
    joined = net.add(_core.Concat(), 0, after(net, 0, conv(4), RELU), 0)
    net.add(_core.Linear(10 * 36, 5), net.add(_core.Flatten(), joined))
    x, params, _ = drawn(net, 6, dtype, integers=False)
    target = rng.integers(0, 5, 6)
    plan, grads, want = net.plan(isa, dtype), np.full_like(params, np.nan), np.full_like(params, np.nan)
    plan.loss_and_grad(x, target, params, grads)
    y, tape = plan.forward_train(x, params)
    plan.backward(_core.cross_entropy(y, target, isa=isa)[1] / np.asarray(6, dtype), tape, params, want)
    np.testing.assert_allclose(grads, want, rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-7)
