"""A convolution, its bias for each position and its activation as one node give what the layers by themselves
give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cnnfast import _core

from tests.plan.test_plan_fused import ACTIVATIONS, EXACT, by_layers, run
from tests.support.networks import Network


@dataclass(frozen=True)
class Geometry:
    """n images, a convolution, and what stands behind it."""

    n: int
    x: tuple[int, int, int]
    c_out: int
    kernel: int = 3
    stride: int = 1
    padding: Any = 1
    bias: bool = True
    offset: bool = False  # a bias for each position
    activation: str = ""
    dilation: int = 1
    groups: int = 1

    def network(self, second: bool = False) -> Network:
        """With `second`, the block stands behind a bias, so that its dx is wanted in training too."""
        net = Network(self.x)
        value = net.add(_core.PositionBias(*self.x), 0) if second else 0
        window = (self.kernel, self.stride, self.padding, self.dilation)
        conv = _core.Conv2d(self.x[0], self.c_out, *window, self.groups, self.bias)
        value = net.add(conv, value)
        if self.offset:
            value = net.add(_core.PositionBias(*net.shapes[value]), value)
        if self.activation:
            net.add(ACTIVATIONS[self.activation](), value)
        return net


GEOMETRIES = [
    Geometry(3, (1, 28, 28), 16, bias=False, offset=True, activation="relu"),  # numpy_mnist
    Geometry(2, (16, 14, 14), 32, bias=False, offset=True, activation="relu"),
    Geometry(17, (32, 7, 7), 64, bias=False, offset=True, activation="relu"),
    Geometry(5, (3, 9, 7), 8, activation="relu"),
    Geometry(33, (2, 4, 4), 3, activation="relu"),
    Geometry(2, (3, 9, 7), 17, stride=2, activation="gelu"),
    Geometry(2, (16, 8, 8), 16, activation="tanh"),
    Geometry(4, (5, 6, 6), 7, offset=True),
    Geometry(2, (3, 9, 7), 17, activation="leaky"),
    Geometry(3, (5, 6, 6), 8, stride=2, offset=True, activation="falling"),
    Geometry(2, (16, 8, 8), 33, activation="silu"),
    Geometry(2, (3, 7, 9), 8, offset=True, activation="sigmoid"),
    Geometry(2, (8, 7, 7), 16, activation="hyperbolic"),
    Geometry(2, (4, 7, 7), 9, activation="elu"),
    Geometry(2, (4, 7, 7), 9, activation="selu"),
    Geometry(2, (7, 5, 5), 17, kernel=1, padding=0, activation="hardswish"),
    Geometry(2, (4, 7, 7), 9, activation="hardsigmoid"),
    Geometry(2, (4, 7, 7), 9, offset=True, activation="mish"),
    Geometry(2, (4, 7, 7), 9, activation="softplus"),
    Geometry(2, (7, 5, 5), 33, kernel=1, padding=0, offset=True, activation="gelu"),
    Geometry(3, (16, 9, 12), 32, kernel=5, padding=((2, 0), (1, 2)), offset=True, activation="relu"),
    Geometry(0, (3, 8, 8), 8, activation="relu"),
    Geometry(3, (19, 7, 9), 19, groups=19, activation="relu"),
    Geometry(2, (8, 7, 6), 12, stride=2, groups=4, offset=True, activation="gelu"),
    Geometry(2, (6, 9, 9), 34, bias=False, dilation=3, groups=2, activation="relu"),
]
by_geometry = pytest.mark.parametrize("g", GEOMETRIES, ids=str)
Inputs = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn(g: Geometry, net: Network, dtype: str, integers: bool = False) -> Inputs:
    rng = np.random.default_rng(len(str(g)))
    count = sum(int(np.prod(s)) for op, _ in net.nodes for s in op.parameter_shapes().values())
    shapes = ((g.n, *g.x), (count,), (g.n, *net.shapes[-1]))
    draw = (lambda s: rng.integers(-1, 2, s)) if integers else rng.standard_normal
    x, params, dy = (draw(s).astype(dtype) for s in shapes)
    return x, params, dy


@by_geometry
def test_layers_become_one_node(g: Geometry, isa: str) -> None:
    """Else the tests below compare a thing with itself."""
    net = g.network()
    plan = net.plan(isa, "float32")
    assert len(plan.nodes()) == 1
    assert plan.parameters == net.plan(isa, "float32", exact=True).parameters
    assert len(net.plan(isa, "float32", exact=True).nodes()) == len(net.nodes)


@pytest.mark.parametrize("second", [False, True])
@by_geometry
def test_real_numbers_within_rounding(g: Geometry, second: bool, isa: str, dtype: str) -> None:
    net = g.network(second)
    inputs = drawn(g, net, dtype)
    got, want = run(net.plan(isa, dtype), *inputs), by_layers(net, isa, *inputs)
    limit = {"float32": 3e-6, "float64": 6e-15}[dtype]
    for key, value in got.items():
        assert value.shape == want[key].shape
        assert value.dtype == dtype
        if g.n > 0:
            assert np.abs(value - want[key]).max() <= limit * np.abs(want[key]).max(), key


@pytest.mark.parametrize("g", [g for g in GEOMETRIES if g.activation in EXACT], ids=str)
def test_integers_are_exact(g: Geometry, isa: str, dtype: str) -> None:
    """Many sums are 0 there, where ReLU must not let the gradient pass."""
    net = g.network()
    inputs = drawn(g, net, dtype, integers=True)
    plan = net.plan(isa, dtype)
    if "winograd" in plan.nodes()[0]["algorithm"]:
        pytest.skip("Winograd's algorithm rounds integers, and a sum of 0 may come out beside it")
    got, want = run(plan, *inputs), by_layers(net, isa, *inputs)
    for key, value in got.items():
        np.testing.assert_array_equal(value, want[key], err_msg=key)


@pytest.mark.parametrize("g", [g for g in GEOMETRIES if g.n > 1], ids=str)
def test_images_are_independent(g: Geometry, isa: str, dtype: str) -> None:
    net = g.network()
    plan = net.plan(isa, dtype)
    x, params, dy = drawn(g, net, dtype)
    together = run(plan, x, params, dy)
    for i in (0, g.n - 1):
        alone = run(plan, x[i : i + 1], params, dy[i : i + 1])
        for key in ("inference", "y", "dx"):
            np.testing.assert_array_equal(alone[key][0], together[key][i], err_msg=f"{key} of image {i}")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("g", [g for g in GEOMETRIES if g.n > 0], ids=str)
def test_what_is_not_finite_is_not_hidden(g: Geometry, bad: float, isa: str) -> None:
    net = g.network()
    plan = net.plan(isa, "float32")
    for spoilt in (0, 2):
        inputs = drawn(g, net, "float32")
        inputs[spoilt].flat[inputs[spoilt].size // 2] = bad
        got, want = run(plan, *inputs), by_layers(net, isa, *inputs)
        for key, value in got.items():
            hidden = np.isfinite(value) & ~np.isfinite(want[key])
            assert not hidden.any(), f"{key}: {hidden.sum()} values hidden"
