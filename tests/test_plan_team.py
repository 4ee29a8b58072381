"""One picture as the work of several threads: its rows are computed apart, and give the same bits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cnnfast import nn

SetThreads = Callable[[int], None]

#: Each is more than enough work for a team, and cuts rows in another way.
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
        lent = model.parameters()  # weights may change: packed anew, by all threads
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
