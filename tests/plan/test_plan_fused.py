"""Nodes a plan makes of neighboring layers give what the layers by themselves give.

Convolution, 2x2 pooling and activation run as one node that never writes the convolution's output down, and
whose backward pass skips what pooling made zero. Whole numbers must come out exactly, ties included; real
ones within rounding, and NaN and Inf where they belong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from cnnfast import _core

from tests.support.networks import Chain, Network

ACTIVATIONS: dict[str, Callable[[], _core.Op]] = {
    "relu": _core.ReLU,
    "gelu": lambda: _core.GELU("none"),
    "tanh": lambda: _core.GELU("tanh"),
    "leaky": lambda: _core.LeakyReLU(0.125),
    "leaky 0": lambda: _core.LeakyReLU(0.0),
    "falling": lambda: _core.LeakyReLU(-0.5),
    "elu": lambda: _core.ELU(0.5),
    "selu": _core.SELU,
    "silu": _core.SiLU,
    "mish": _core.Mish,
    "sigmoid": _core.Sigmoid,
    "hyperbolic": _core.Tanh,
    "scaled": lambda: _core.ScaledTanh(1.5, 0.5),
    "softplus": _core.Softplus,
    "hardswish": _core.Hardswish,
    "hardsigmoid": _core.Hardsigmoid,
    "steep": lambda: _core.Hardsigmoid(0.5, 0.25),
    "hardtanh": lambda: _core.Hardtanh(-0.5, 0.75),
    "relu6": _core.ReLU6,
}


@dataclass(frozen=True)
class Geometry:
    """n images, a convolution with 2x2 pooling, and where the activation stands."""

    n: int
    x: tuple[int, int, int]
    c_out: int
    kernel: int = 3
    padding: Any = 0
    bias: bool = True
    ceil_mode: bool = False
    before: str = ""  # activation between convolution and pool
    after: str = ""  # ... or behind it

    def network(self, second: bool = False) -> Network:
        """With `second`, the block stands behind a bias, so that its dx is wanted in training too."""
        net = Network(self.x)
        value = net.add(_core.PositionBias(*self.x), 0) if second else 0
        conv = _core.Conv2d(self.x[0], self.c_out, self.kernel, 1, self.padding, bias=self.bias)
        value = net.add(conv, value)
        if self.before:
            value = net.add(ACTIVATIONS[self.before](), value)
        value = net.add(_core.MaxPool2d(2, None, 0, self.ceil_mode), value)
        if self.after:
            net.add(ACTIVATIONS[self.after](), value)
        return net


GEOMETRIES = [
    Geometry(3, (1, 28, 28), 32, after="gelu"),  # the blocks of our networks
    Geometry(5, (32, 13, 13), 64, ceil_mode=True, after="gelu"),
    Geometry(2, (64, 6, 6), 128, after="gelu"),
    Geometry(2, (32, 13, 13), 64, ceil_mode=True),
    Geometry(3, (1, 28, 28), 8, padding=1, before="relu"),
    Geometry(3, (8, 14, 14), 16, padding=1, before="relu"),
    Geometry(17, (1, 4, 4), 1),  # one window
    Geometry(5, (3, 3, 3), 7, ceil_mode=True, after="relu"),  # one place of a window exists
    Geometry(33, (3, 7, 9), 17, after="tanh"),
    Geometry(2, (17, 6, 11), 33, ceil_mode=True, after="relu"),
    Geometry(5, (7, 8, 5), 65, padding=((1, 0), (0, 2)), before="relu"),
    Geometry(2, (5, 11, 8), 3, kernel=5, padding=2, after="gelu"),
    Geometry(2, (16, 9, 12), 31, kernel=5, ceil_mode=True, bias=False),
    Geometry(1, (65, 5, 7), 16, padding=((2, 2), (2, 1)), bias=False, after="relu"),
    Geometry(3, (1, 9, 11), 65, after="relu"),
    Geometry(2, (2, 8, 9), 40, before="relu"),
    Geometry(2, (8, 9, 10), 17, after="silu"),
    Geometry(3, (3, 8, 8), 8, padding=1, after="hardswish"),
    Geometry(2, (16, 13, 13), 33, ceil_mode=True, after="mish"),
    Geometry(2, (5, 9, 8), 16, after="falling"),
    Geometry(2, (3, 9, 11), 19, after="softplus"),
    Geometry(3, (1, 10, 9), 16, before="leaky"),  # these rise with their input
    Geometry(2, (32, 13, 13), 33, padding=1, before="leaky"),
    Geometry(3, (5, 8, 8), 9, before="sigmoid"),
    Geometry(2, (2, 14, 14), 32, padding=1, before="hyperbolic"),
    Geometry(3, (3, 9, 7), 8, before="elu"),
    Geometry(3, (8, 7, 7), 8, before="selu", ceil_mode=True),
    Geometry(3, (2, 7, 7), 8, before="hardsigmoid"),
    Geometry(4, (3, 9, 9), 8, before="falling"),  # these do not: they must not move behind the pool
    Geometry(3, (7, 8, 9), 17, padding=1, before="leaky 0"),  # ... since it makes NaN of -Inf
    Geometry(4, (3, 9, 9), 8, before="silu"),
    Geometry(4, (3, 9, 9), 8, before="softplus"),
    Geometry(4, (3, 9, 9), 8, before="gelu"),  # does not rise with its input: must not move behind the pool
    Geometry(5, (15, 24, 24), 17, after="relu"),  # a shard of two images, x of each larger than a near cache
    Geometry(2, (4, 9, 9), 8, kernel=1, after="relu"),
    Geometry(0, (3, 8, 8), 8, after="relu"),
]
FILLED = [g for g in GEOMETRIES if g.n > 0]
EXACT = {"", "relu", "leaky", "leaky 0", "falling"}  # the others leave the numbers that floats hold
WHOLE = [g for g in GEOMETRIES if {g.before, g.after} <= EXACT]


def run(plan: _core.Plan, x: np.ndarray, params: np.ndarray, dy: np.ndarray) -> dict[str, np.ndarray]:
    grads = np.full_like(params, np.nan)
    y, tape = plan.forward_train(x, params)
    plan.backward(2 * dy, tape, params, grads)  # which must leave the tape what it was
    dx = plan.backward(dy, tape, params, grads)
    return {"inference": plan.forward(x, params), "y": y, "dx": dx, "grads": grads}


def by_layers(
    net: Network, isa: str, x: np.ndarray, params: np.ndarray, dy: np.ndarray
) -> dict[str, np.ndarray]:
    chain = Chain(net, isa, str(x.dtype))
    values = chain.forward(x, params)
    dx, grads = chain.backward(dy, values, params)
    return {"inference": values[-1], "y": values[-1], "dx": dx, "grads": grads}


def drawn(g: Geometry, net: Network, dtype: str, integers: bool) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(len(str(g)))
    count = sum(int(np.prod(s)) for op, _ in net.nodes for s in op.parameter_shapes().values())
    shapes = ((g.n, *g.x), (count,), (g.n, *net.shapes[-1]))
    if integers:
        return tuple(rng.integers(-1, 2, s).astype(dtype) for s in shapes)
    return tuple(rng.standard_normal(s).astype(dtype) for s in shapes)


@pytest.mark.parametrize("g", WHOLE, ids=str)
@pytest.mark.parametrize("second", [False, True])
def test_integers_are_exact(g: Geometry, second: bool, isa: str, dtype: str) -> None:
    """-1, 0 and 1 make ties in most windows: the first in row order must win, whatever is skipped."""
    net = g.network(second)
    inputs = drawn(g, net, dtype, integers=True)
    plan = net.plan(isa, dtype)
    if any("winograd" in node["algorithm"] for node in plan.nodes()):
        pytest.skip("Winograd's algorithm rounds integers, and ties fall otherwise")
    got, want = run(plan, *inputs), by_layers(net, isa, *inputs)
    for key, value in got.items():
        np.testing.assert_array_equal(value, want[key], err_msg=key)


@pytest.mark.parametrize("g", GEOMETRIES, ids=str)
@pytest.mark.parametrize("second", [False, True])
def test_real_numbers_within_rounding(g: Geometry, second: bool, isa: str, dtype: str) -> None:
    net = g.network(second)
    inputs = drawn(g, net, dtype, integers=False)
    got, want = run(net.plan(isa, dtype), *inputs), by_layers(net, isa, *inputs)
    limit = {"float32": 2e-6, "float64": 4e-15}[dtype]
    for key, value in got.items():
        assert value.shape == want[key].shape
        assert value.dtype == dtype
        if g.n > 0:
            assert np.abs(value - want[key]).max() <= limit * np.abs(want[key]).max(), key


@pytest.mark.parametrize("g", FILLED, ids=str)
def test_gradients_of_parameters_alone(g: Geometry, isa: str, dtype: str) -> None:
    """loss_and_grad leaves out the gradient of the image; the others must be those of `backward`."""
    net = g.network()
    net.add(_core.Flatten(), len(net.nodes))
    x, params, _ = drawn(g, net, dtype, integers=False)
    target = np.arange(g.n) % net.shapes[-1][0]
    plan, grads, want = net.plan(isa, dtype), np.full_like(params, np.nan), np.full_like(params, np.nan)
    loss, *_ = plan.loss_and_grad(x, target, params, grads)
    y, tape = plan.forward_train(x, params)
    each_loss, slope = _core.cross_entropy(y, target, isa=isa)
    plan.backward(slope / np.asarray(g.n, dtype), tape, params, want)
    assert loss == pytest.approx(each_loss.mean(dtype=np.float64), rel=1e-6)
    limit = {"float32": 1e-6, "float64": 4e-15}[dtype]
    assert np.abs(grads - want).max() <= limit * np.abs(want).max()


@pytest.mark.parametrize("g", [g for g in GEOMETRIES if g.n > 1], ids=str)
def test_images_are_independent(g: Geometry, isa: str, dtype: str) -> None:
    """y and dx of an image are the same bits alone as in a batch."""
    net = g.network()
    plan = net.plan(isa, dtype)
    x, params, dy = drawn(g, net, dtype, integers=False)
    together = run(plan, x, params, dy)
    for i in (0, g.n - 1):
        alone = run(plan, x[i : i + 1], params, dy[i : i + 1])
        for key in ("inference", "y", "dx"):
            np.testing.assert_array_equal(alone[key][0], together[key][i], err_msg=f"{key} of image {i}")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("g", FILLED, ids=str)
def test_bad_pixels_and_gradients(g: Geometry, bad: float, isa: str) -> None:
    """One bad pixel, then one bad dy: bad results stand where those of single layers stand."""
    net = g.network()
    plan = net.plan(isa, "float32")
    for spoil in (0, 2):
        inputs = drawn(g, net, "float32", integers=False)
        inputs[spoil].flat[inputs[spoil].size // 2] = bad
        got, want = run(plan, *inputs), by_layers(net, isa, *inputs)
        for key in ("inference", "y"):
            np.testing.assert_array_equal(np.isnan(got[key]), np.isnan(want[key]), err_msg=key)
            np.testing.assert_array_equal(np.isinf(got[key]), np.isinf(want[key]), err_msg=key)
        for key in ("dx", "grads"):  # a zero that is skipped cannot spoil what it meets, so less may be bad
            extra = ~np.isfinite(got[key]) & np.isfinite(want[key])
            assert not extra.any(), f"{key}: {extra.sum()} values bad"
        if spoil == 2:
            assert not np.isfinite(got["grads"]).all(), "a bad gradient must not vanish"


def test_blocks_are_fused_at_all(isa: str) -> None:
    """Else the tests above compare a thing with itself."""
    counts = {str(g): len(g.network().plan(isa, "float32").nodes()) for g in GEOMETRIES}
    fused = [g for g in GEOMETRIES if counts[str(g)] == 1]
    stay = [
        g
        for g in GEOMETRIES
        if g.kernel == 1 or g.before in ("gelu", "falling", "leaky 0", "silu", "softplus")
    ]
    assert [str(g) for g in GEOMETRIES if g not in fused] == [str(g) for g in stay]
    for g in GEOMETRIES:
        assert len(g.network().plan(isa, "float32", exact=True).nodes()) == len(g.network().nodes)


def test_shared_value_is_not_fused_away(isa: str, dtype: str) -> None:
    """Another node reads the convolution's output as well, so it has to be written down."""
    net = Network((3, 8, 8))
    seen = net.add(_core.Conv2d(3, 8, 3, padding=1), 0)
    left = net.add(_core.Flatten(), net.add(_core.MaxPool2d(2), seen))
    right = net.add(_core.Flatten(), net.add(_core.MaxPool2d(2), net.add(_core.ReLU(), seen)))
    net.add(_core.Add(), left, right)
    inputs = drawn(Geometry(5, (3, 8, 8), 8), net, dtype, integers=True)
    got, want = run(net.plan(isa, dtype), *inputs), by_layers(net, isa, *inputs)
    for key, value in got.items():
        np.testing.assert_array_equal(value, want[key], err_msg=key)
