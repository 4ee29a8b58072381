"""One image as the work of several threads: its pieces are computed apart, and give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cnnfast import _core, models, nn

from tests.support.networks import Network
from tests.support.zoo import SMALL

SetThreads = Callable[[int], None]

#: Each is more than enough work for a team, and divides its rows in another way.
NETWORKS = {
    "winograd 4x4, tiles over the edge": lambda: nn.Sequential(
        nn.Conv2d(16, 32, 3, padding=1, seed=0), nn.ReLU(), nn.Conv2d(32, 48, 3, seed=1), nn.GELU()
    ),
    "winograd with pool": lambda: nn.Sequential(
        nn.Conv2d(16, 64, 3, padding=1, seed=0), nn.MaxPool2d(2, ceil_mode=True), nn.ReLU()
    ),
    "5x5": lambda: nn.Sequential(nn.Conv2d(16, 32, 5, padding=2, seed=0), nn.MaxPool2d(2)),
    "direct with pool, and a row no window sees": lambda: nn.Sequential(
        nn.Conv2d(16, 33, 3, seed=0), nn.MaxPool2d(2), nn.ReLU()
    ),
    "stride and padding": lambda: nn.Sequential(
        nn.Conv2d(16, 96, 7, stride=(3, 2), padding=((3, 2), (1, 4)), seed=0), nn.Conv2d(96, 64, 3, seed=1)
    ),
    "dilation and groups": lambda: nn.Sequential(
        nn.Conv2d(16, 48, 3, stride=(2, 1), padding=(3, 2), dilation=(3, 2), seed=0),
        nn.Conv2d(48, 48, 5, padding="same", groups=48, seed=1),
        nn.ReLU(),
        nn.Conv2d(48, 96, 3, padding=1, groups=3, seed=2),
        nn.Conv2d(96, 48, 3, groups=24, seed=3),
    ),
    "pools that overlap": lambda: nn.Sequential(
        nn.Conv2d(16, 48, 3, padding=1, seed=0),
        nn.MaxPool2d(3, stride=2, padding=((0, 1), (1, 0))),
        nn.MaxPool2d((5, 2), stride=1, ceil_mode=True),
        nn.Flatten(),
    ),
    "windows with gaps": lambda: nn.Sequential(
        nn.Conv2d(16, 48, 3, padding=1, seed=0), nn.MaxPool2d(3, 2, ((3, 4), (0, 1)), dilation=(3, 2))
    ),
    "means over the edge": lambda: nn.Sequential(
        nn.Conv2d(16, 48, 3, padding=1, seed=0),
        nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
        nn.AvgPool2d(5, stride=4, padding=((1, 1), (2, 0)), ceil_mode=True),
    ),
    "as many windows as asked for": lambda: nn.Sequential(
        nn.Conv2d(16, 48, 3, padding=1, seed=0), nn.AdaptiveMaxPool2d((17, 19)), nn.AdaptiveAvgPool2d(6)
    ),
    "padding larger than the window": lambda: nn.Sequential(
        nn.Conv2d(16, 48, 3, padding=((3, 4), (0, 0)), seed=0), nn.PositionBias(48, 46, 39)
    ),
    "branches": lambda: nn.Sequential(
        nn.Branches(
            nn.Conv2d(16, 32, 3, padding=1, seed=0),
            nn.Identity(),
            nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 1, 1)),
        ),
        nn.Residual(nn.Conv2d(64, 64, 3, padding=1, seed=1)),
        nn.Reshape((41, -1, 41)),
    ),
    "offsets by position": lambda: nn.Sequential(
        nn.Conv2d(16, 48, 3, padding=1, seed=0), nn.PositionBias(48, 41, 41), nn.ReLU()
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_as_on_one_thread(name: str, dtype: str, set_threads: SetThreads) -> None:
    model = NETWORKS[name]().to(dtype)
    x = np.random.default_rng(0).standard_normal((3, 16, 41, 41)).astype(dtype)
    assert sum(node["macs"] for node in model.plan((16, 41, 41)).nodes()) > 6e6, "too little work for a team"
    set_threads(1)
    alone = model(x)
    for count in (2, 3, 7, 64):
        set_threads(count)
        np.testing.assert_array_equal(model(x), alone)
        np.testing.assert_array_equal(model(x[1:2])[0], alone[1])
        lent = model.parameters()  # weights may change: packed again, by all threads
        np.testing.assert_array_equal(model(x[:1])[0], alone[0])
        del lent


def test_several_callers(set_threads: SetThreads) -> None:
    set_threads(3)
    model = NETWORKS["winograd with pool"]()
    x = np.random.default_rng(0).standard_normal((8, 16, 41, 41)).astype(np.float32)
    want = [model(x[i : i + 1]) for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for i, got in enumerate(pool.map(lambda k: model(x[k % 8 : k % 8 + 1]), range(80))):
            np.testing.assert_array_equal(got, want[i % 8])


def conv(net: Network, value: int, c_out: int, kernel: int = 3, **settings: object) -> int:
    c_in = net.shapes[value][0]
    return net.add(_core.Conv2d(c_in, c_out, kernel, **settings), value)


def pooled(net: Network, value: int, c_out: int, kernel: int, ceil: bool = False) -> int:
    """Convolution, pool and activation, which become one node."""
    return net.add(
        _core.GELU("none"), net.add(_core.MaxPool2d(2, None, 0, ceil), conv(net, value, c_out, kernel))
    )


def joined(net: Network, value: int, c_out: int, **settings: object) -> int:
    """Convolution, join of a branch and activation, likewise."""
    branch = conv(net, value, c_out, 1, stride=settings.get("stride", 1))
    return net.add(_core.SiLU(), net.add(_core.Add(), conv(net, value, c_out, padding=1, **settings), branch))


def placed(net: Network, value: int, c_out: int, **settings: object) -> int:
    """Convolution, offset of each position and activation, likewise."""
    value = conv(net, value, c_out, padding=1, **settings)
    return net.add(_core.ReLU(), net.add(_core.PositionBias(*net.shapes[value]), value))


# Edge of the image, what is built on its 32 channels, and the algorithm that must then be in the plan.
CASES = {
    "one tile, many channels": (6, lambda net, v: pooled(net, v, 128, 3), "winograd 4x4"),
    "nine tiles, hanging windows": (13, lambda net, v: pooled(net, v, 64, 3, ceil=True), "winograd 4x4"),
    "two by two": (4, lambda net, v: pooled(net, v, 192, 3), "winograd 2x2"),
    "five by five": (12, lambda net, v: pooled(net, v, 64, 5), "winograd 2x2"),
    "direct pool": (9, lambda net, v: pooled(net, v, 19, 4), "direct"),
    "plain": (7, lambda net, v: conv(net, v, 128, padding=1), "winograd"),
    "join": (7, lambda net, v: joined(net, v, 128), "winograd"),
    "join of many tiles": (20, lambda net, v: joined(net, v, 64), "winograd"),
    "join, stride 2": (11, lambda net, v: joined(net, v, 17, stride=2), "direct"),
    "position": (7, lambda net, v: placed(net, v, 128), "winograd"),
    "position, direct": (12, lambda net, v: placed(net, v, 9), "direct"),
    "blocks of channels": (5, lambda net, v: conv(net, v, 200, 1), "direct"),
    "join, blocks of channels": (9, lambda net, v: joined(net, v, 330, stride=2), "direct"),
    "position, blocks of channels": (9, lambda net, v: placed(net, v, 130, stride=2), "direct"),
    "depthwise": (12, lambda net, v: placed(net, v, 32, groups=32), "depthwise"),
    "pools": (
        12,
        lambda net, v: net.add(_core.AvgPool2d(3, 2, 1), net.add(_core.MaxPool2d(3, 1), v)),
        "direct",
    ),
}


def network(name: str) -> Network:
    """The case, between a convolution that makes the image worth a team's while and two linears."""
    edge, build, _ = CASES[name]
    net = Network((16, 40, 40))
    value = net.add(_core.AdaptiveMaxPool2d((edge, edge)), conv(net, 0, 32, padding=1))
    value = net.add(_core.Flatten(), build(net, value))
    value = net.add(_core.Linear(net.shapes[value][0], 100, True), value)
    net.add(_core.Linear(100, 65, False), value)
    return net


@pytest.mark.parametrize("name", CASES)
def test_few_rows_and_many_weights(
    name: str, isa: str, dtype: str, rng: np.random.Generator, set_threads: SetThreads
) -> None:
    net = network(name)
    plan = net.plan(isa, dtype)
    algorithms = [node["algorithm"] for node in plan.nodes()][1:]  # but that of the first convolution
    if CASES[name][2] == "direct":
        assert not any("winograd" in algorithm for algorithm in algorithms), algorithms
    elif isa != "baseline":
        assert any(CASES[name][2] in algorithm for algorithm in algorithms), algorithms
    x = rng.standard_normal((2, *net.input_shape)).astype(dtype)
    params = (rng.standard_normal(plan.parameter_count) / 16).astype(dtype)
    set_threads(1)
    expected = plan.forward(x, params)
    assert np.isfinite(expected).all()
    for count in (2, 3, 7, 70):
        set_threads(count)
        for n in (1, 2):  # one image, and two after each other where there are more threads
            np.testing.assert_array_equal(
                plan.forward(x[:n], params), expected[:n], err_msg=f"{count} threads"
            )


@pytest.mark.parametrize("name", SMALL)
def test_calls_in_a_row(name: str, set_threads: SetThreads) -> None:
    """Those of a small network are timed on one thread and by a team, which changes nothing but times."""
    model = models.get(name, seed=3)
    x = np.random.default_rng(1).standard_normal((1, 1, 28, 28)).astype(np.float32)
    set_threads(1)
    expected = model(x)
    for count in (2, 3):
        set_threads(count)
        for _ in range(200):
            np.testing.assert_array_equal(model(x), expected)
        for _ in range(60):  # without a comparison in between, so close that the team is tried
            y = model(x)
        np.testing.assert_array_equal(y, expected)
