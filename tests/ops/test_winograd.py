"""Winograd's algorithm for 3x3 and 5x5 convolutions: chosen where promised, as accurate as documented,
blind to nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import _core, functional

from tests import oracle
from tests.support.networks import Network

Array = np.ndarray[Any, Any]

#: root of the mean square error over that of the result, random normal numbers (docs/performance.md)
TYPICAL = {"float32": 2.5e-6, "float64": 5e-15}
#: largest error over the root mean square of the result
WORST = {"float32": 2e-5, "float64": 4e-14}

#: (c_in, h, w), c_out, padding, kernel: whole and half vectors of channels, tiles of 2 and of 4, cut tiles
GEOMETRIES: list[tuple[tuple[int, int, int], int, Any, int]] = [
    ((16, 14, 14), 32, 1, 3),
    ((32, 7, 9), 16, 1, 3),
    ((64, 6, 6), 16, 0, 3),
    ((16, 4, 4), 16, 0, 3),
    ((32, 4, 5), 16, 1, 3),
    ((8, 13, 11), 16, ((1, 0), (0, 2)), 3),
    ((16, 9, 8), 8, 2, 3),
    ((8, 7, 7), 8, ((2, 5), (4, 3)), 3),
    ((48, 10, 3), 80, 1, 3),
    ((80, 2, 2), 48, 1, 3),  # so few tiles that weights go the direct way
    ((16, 9, 12), 32, 2, 5),
    ((8, 13, 7), 16, ((0, 3), (1, 2)), 5),
    ((80, 8, 7), 16, 0, 5),
]
by_geometry = pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)


def network(geometry: tuple[tuple[int, int, int], int, Any, int], pooled: bool = False) -> Network:
    x, c_out, padding, kernel = geometry
    net = Network(x)
    value = net.add(_core.Conv2d(x[0], c_out, kernel, 1, padding), 0)
    if pooled:
        net.add(_core.MaxPool2d(2, None, 0, True), value)
    return net


def algorithm(plan: _core.Plan) -> str:
    name: str = plan.nodes()[0]["algorithm"]
    return name


def drawn(net: Network, n: int, dtype: str) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(n)
    count = sum(int(np.prod(s)) for op, _ in net.nodes for s in op.parameter_shapes().values())
    shapes = ((n, *net.input_shape), (count,), (n, *net.shapes[-1]))
    x, params, dy = (rng.standard_normal(s).astype(dtype) for s in shapes)
    return x, params, dy


def passes(plan: _core.Plan, x: Array, params: Array, dy: Array) -> dict[str, Array]:
    grads = np.full_like(params, np.nan)
    y, tape = plan.forward_train(x, params)
    return {
        "y": y,
        "inference": plan.forward(x, params),
        "dx": plan.backward(dy, tape, params, grads),
        "grads": grads,
    }


@by_geometry
@pytest.mark.parametrize("pooled", [False, True])
def test_agrees_with_direct_kernels_for_every_batch(
    geometry: Any, pooled: bool, isa: str, dtype: str
) -> None:
    """Batches cut blocks of tiles in ever new places."""
    net = network(geometry, pooled)
    assert "winograd" in algorithm(net.plan("baseline", dtype))
    plan, exact = net.plan(isa, dtype), net.plan(isa, dtype, exact=True)
    limit = {"float32": 1e-5, "float64": 1e-14}[dtype]
    for n in (1, 2, 3, 5, 9, 16, 17, 40):
        inputs = drawn(net, n, dtype)
        got, want = passes(plan, *inputs), passes(exact, *inputs)
        for key, value in got.items():
            scale = np.abs(want[key]).max()
            error = np.abs(value - want[key])
            if pooled and key in ("dx", "grads"):  # a near tie may fall to another winner, rarely
                assert np.median(error) <= limit * scale, (n, key)
            else:
                assert error.max() <= limit * scale, (n, key)


@pytest.mark.parametrize("channels", [16, 64, 256])
@pytest.mark.parametrize("kernel", [3, 5])
def test_error_is_as_documented(
    channels: int, kernel: int, isa: str, dtype: str, rng: np.random.Generator
) -> None:
    padding = kernel // 2
    x = rng.standard_normal((1, channels, 12, 12)).astype(dtype)
    w = rng.standard_normal((16, channels, kernel, kernel)).astype(dtype)
    dy = rng.standard_normal((1, 16, 12, 12)).astype(dtype)
    got = (
        functional.conv2d(x, w, padding=padding, isa=isa),
        *functional.conv2d_backward(dy, x, w, padding=padding, bias=False),
    )
    zero = np.zeros(16)
    want = (
        oracle.conv2d(x, w, zero, padding=padding),
        *oracle.conv2d_backward(dy, x, w, zero, padding=padding)[:2],
    )
    for a, b in zip(got[:3], want, strict=True):
        root = np.sqrt(np.mean(b**2))
        assert np.sqrt(np.mean((a - b) ** 2)) <= TYPICAL[dtype] * root
        assert np.abs(a - b).max() <= WORST[dtype] * root


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@by_geometry
def test_what_is_not_finite_is_not_hidden(geometry: Any, bad: float, isa: str) -> None:
    """Wherever the definition gives NaN or infinity, so does this one, though perhaps in other places too."""
    (c_in, *_), c_out, padding, kernel = geometry
    net = network(geometry)
    plan = net.plan(isa, "float32")
    for spoilt in range(3):
        for place in (0, -1, None):
            inputs = drawn(net, 2, "float32")
            flat = inputs[spoilt].reshape(-1)
            flat[flat.size // 2 if place is None else place] = bad
            x, params, dy = inputs
            w, b = params[:-c_out].reshape(c_out, c_in, kernel, kernel), params[-c_out:]
            got = passes(plan, *inputs)
            with np.errstate(invalid="ignore"):
                y = oracle.conv2d(x, w, b, padding=padding)
                dx, dw, db = oracle.conv2d_backward(dy, x, w, b, padding=padding)
            want = {"y": y, "inference": y, "dx": dx, "grads": np.concatenate([dw.ravel(), db])}
            for key, value in got.items():
                hidden = np.isfinite(value) & ~np.isfinite(want[key])
                assert not hidden.any(), (key, spoilt, place)


def test_chosen_where_it_pays(isa: str) -> None:
    def chosen(x: tuple[int, int, int], c_out: int, kernel: Any, stride: int = 1, padding: int = 1) -> str:
        net = Network(x)
        net.add(_core.Conv2d(x[0], c_out, kernel, stride, padding), 0)
        assert algorithm(net.plan(isa, "float32", exact=True)) == "direct"
        return algorithm(net.plan(isa, "float32"))

    assert chosen((64, 56, 56), 64, 3) == "winograd 4x4"
    assert chosen((64, 4, 4), 64, 3, padding=0) == "winograd 2x2"
    assert chosen((64, 28, 28), 64, 5, padding=2) == "winograd 2x2"
    for other in (
        chosen((64, 56, 56), 64, 3, stride=2),
        chosen((64, 56, 56), 64, 7),
        chosen((64, 56, 56), 64, (3, 1)),
        chosen((1, 28, 28), 32, 3),
        chosen((64, 28, 28), 65, 3),
    ):
        assert other == "direct"


def test_functional_calls_take_exact(isa: str, rng: np.random.Generator) -> None:
    """On small integers direct kernels need no rounding; Winograd's algorithm does."""
    x = rng.integers(-3, 4, (2, 16, 12, 12)).astype(np.float32)
    w = rng.integers(-3, 4, (16, 16, 3, 3)).astype(np.float32)
    want = oracle.conv2d(x, w, np.zeros(16), padding=1)
    np.testing.assert_array_equal(functional.conv2d(x, w, padding=1, exact=True, isa=isa), want)
    fast = functional.conv2d(x, w, padding=1, isa=isa)
    assert (fast != want).any()
    dx, dw, _ = functional.conv2d_backward(fast, x, w, padding=1, bias=False, exact=True, isa=isa)
    dx_fast, dw_fast, _ = functional.conv2d_backward(fast, x, w, padding=1, bias=False, isa=isa)
    assert (dx != dx_fast).any()
    assert (dw != dw_fast).any()
