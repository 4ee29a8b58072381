"""Which algorithm a plan takes for a convolution, and networks on lines as a plan runs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import Trainer, _core, nn, optim

from tests.plan.test_plan_fused import ACTIVATIONS, by_layers, run
from tests.support.networks import Network


def algorithm(op: _core.Op, shape: tuple[int, ...], isa: str, exact: bool = False) -> str:
    net = Network(shape)
    net.add(op, 0)
    name: str = net.plan(isa, "float32", exact=exact).nodes()[0]["algorithm"]
    return name


@pytest.mark.parametrize("exact", [False, True])
def test_groups_have_algorithms_of_their_own(exact: bool, isa: str) -> None:
    def chosen(c_in: int, c_out: int, groups: int, transposed: bool = False, **settings: Any) -> str:
        kind = _core.ConvTranspose2d if transposed else _core.Conv2d
        op = kind(c_in, c_out, 3, padding=1, groups=groups, **settings)
        return algorithm(op, (c_in, 16, 16), isa, exact)

    assert chosen(32, 32, 32) == "direct, depthwise"
    assert chosen(32, 64, 32, stride=2) == "direct, depthwise"
    assert chosen(32, 32, 32, transposed=True) == "direct, depthwise"
    assert chosen(64, 64, 2) == "direct, groups"
    assert chosen(32, 32, 16) == "direct, small groups"
    assert chosen(16, 16, 1, dilation=2) == "direct"
    assert algorithm(_core.Conv1d(32, 32, 3, groups=32), (32, 9), isa, exact) == "direct, depthwise"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("c_in", "c_out", "shape"), [(64, 48, (2, 3)), (45, 71, (3, 2)), (17, 9, (1, 1))])
@pytest.mark.parametrize("n", [1, 3, 37])
def test_pointwise_with_large_weights_sums_their_gradient_over_the_batch(
    n: int, c_in: int, c_out: int, shape: tuple[int, int], bias: bool, isa: str, dtype: str
) -> None:
    rng = np.random.default_rng(n)
    net = Network((c_in, *shape))
    value = net.add(_core.PositionBias(c_in, *shape), 0)
    value = net.add(_core.Conv2d(c_in, c_out, 1, bias=bias), value)
    net.add(_core.Flatten(), value)
    plan = net.plan(isa, dtype)
    x, params = rng.standard_normal((n, *net.shapes[0])), rng.standard_normal(plan.parameter_count)
    inputs = tuple(a.astype(dtype) for a in (x, params, rng.standard_normal((n, *net.shapes[-1]))))
    got, want = run(plan, *inputs), by_layers(net, isa, *inputs)
    for key, array in got.items():
        limit = {"float32": 2e-6, "float64": 4e-15}[dtype] * np.abs(want[key]).max()
        np.testing.assert_allclose(array, want[key], rtol=0, atol=limit, err_msg=key)


def test_other_pointwise_convolutions_sum_their_gradient_by_tiles(isa: str) -> None:
    for settings in ({"stride": 2}, {"groups": 2}, {"padding": 1}, {"kernel_size": 2}):
        conv = _core.Conv2d(64, 48, **{"kernel_size": 1, **settings})
        assert "batch" not in algorithm(conv, (64, 2, 3), isa)
    conv = _core.Conv2d(64, 48, 1)
    assert algorithm(conv, (64, 2, 3), isa) == "direct, weight gradient over the batch"
    assert algorithm(conv, (64, 16, 16), isa) == algorithm(conv, (64, 2, 3), isa, exact=True) == "direct"


def test_dilation_and_groups_stay_out_of_kernels_that_lack_them(isa: str) -> None:
    """Neither Winograd's algorithm nor the fused pool; the same convolution without them gets both."""
    for settings, fused in (({}, True), ({"dilation": 2}, False), ({"groups": 2}, False)):
        op = _core.Conv2d(64, 64, 3, padding=2, **settings)
        assert ("winograd" in algorithm(op, (64, 28, 28), isa)) == fused
        net = Network((64, 28, 28))
        net.add(_core.MaxPool2d(2), net.add(op, 0))
        assert (len(net.plan(isa, "float32").nodes()) == 1) == fused


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
@pytest.mark.parametrize("groups", [1, 3])
def test_a_convolution_of_lines_takes_its_activation_in(
    groups: int, activation: str, isa: str, dtype: str, rng: np.random.Generator
) -> None:
    net = Network((6, 19))
    value = net.add(_core.Conv1d(6, 9, 3, 2, "valid", 2, groups), 0)
    net.add(ACTIVATIONS[activation](), value)
    plan = net.plan(isa, dtype)
    assert [node["op"] for node in plan.nodes()] == [f"Conv1d+{net.nodes[1][0].name}"]
    x, params = rng.standard_normal((5, 6, 19)), rng.standard_normal(plan.parameter_count)
    dy = rng.standard_normal((5, *net.shapes[-1]))
    inputs = tuple(a.astype(dtype) for a in (x, params, dy))
    got, want = run(plan, *inputs), by_layers(net, isa, *inputs)
    for key, value in got.items():
        limit = {"float32": 3e-6, "float64": 6e-15}[dtype] * np.abs(want[key]).max()
        np.testing.assert_allclose(value, want[key], rtol=0, atol=limit, err_msg=key)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["depthwise", "groups", "lines"])
def test_batch_norm_goes_into_the_weights(kind: str, bias: bool, dtype: str) -> None:
    conv: nn.Module = {
        "depthwise": lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=bias, seed=1),
        "groups": lambda: nn.Conv2d(6, 9, 3, dilation=2, groups=3, bias=bias, seed=1),
        "lines": lambda: nn.Conv1d(6, 9, 3, stride=2, groups=3, bias=bias, seed=1),
    }[kind]()
    layer = nn.BatchNorm1d if kind == "lines" else nn.BatchNorm2d
    norm = layer(6 if kind == "depthwise" else 9, eps=0.1)
    rng = np.random.default_rng(3)
    for value in norm.parameters().values():
        value[...] = rng.uniform(0.5, 2, value.shape)
    norm.load_state_dict({"running_var": rng.uniform(0.5, 2, norm.running_var.shape)}, strict=False)
    conv, norm = conv.to(dtype), norm.to(dtype)
    x = rng.standard_normal((4, 6, 11) if kind == "lines" else (4, 6, 8, 7)).astype(dtype)
    want = norm(conv(x))
    model = nn.Sequential(conv, norm)
    np.testing.assert_allclose(model(x), want, atol=1e-5 if dtype == "float32" else 1e-13)


def test_a_network_of_lines_learns() -> None:
    """(n, c, l) through Module, forward, backward and training; batches of one line too."""
    model = nn.Sequential(
        *(nn.Conv1d(2, 8, 5, stride=2), nn.ReLU(), nn.Conv1d(8, 8, 3, padding="same", groups=8), nn.ReLU()),
        *(nn.Upsample1d(2), nn.Downsample1d(3), nn.ConvTranspose1d(8, 4, 3, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(4 * 17, 3)),
        input_shape=(2, 27),
        seed=0,
    )
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 60)
    x = (rng.standard_normal((60, 2, 27)) + target[:, None, None]).astype(np.float32)
    trainer = Trainer(model, optim.Adam(lr=1e-2))
    losses = [trainer.step(x, target) for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_array_equal(model(x[:1]), model(x)[:1])
