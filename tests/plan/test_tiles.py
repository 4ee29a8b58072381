"""Batches of which a shard takes several tiles: gradients are summed over them, values found again.

385 images make 16 shards of 24, the last of 25: tiles of 16 and of 8 or 9 images. Batch normalization joins
its statistics over tiles; it is tested against its definition in tests/ops/test_batch_norm.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import _core

from tests.support.networks import Network

IMAGES = 385
TILE = 16

#: name: (shape of an image, layers)
NETWORKS: dict[str, tuple[tuple[int, ...], list[_core.Op]]] = {
    "direct": ((3, 5, 4), [_core.Conv2d(3, 7, 3)]),
    "groups": ((40, 3, 3), [_core.Conv2d(40, 42, 2, groups=2)]),
    "depthwise": ((9, 4, 4), [_core.Conv2d(9, 9, 3, padding=1, groups=9)]),
    "winograd, all tiles one block": ((96, 4, 4), [_core.Conv2d(96, 16, 3, padding=1)]),
    "winograd, many blocks": ((16, 16, 16), [_core.Conv2d(16, 16, 3, padding=1)]),
    "line": ((5, 9), [_core.Conv1d(5, 6, 3)]),
    "transposed": ((3, 3, 4), [_core.ConvTranspose2d(3, 5, 2, 2)]),
    "pooled, one channel": ((1, 7, 6), [_core.Conv2d(1, 9, 3), _core.MaxPool2d(2), _core.ReLU()]),
    "pooled": ((15, 7, 6), [_core.Conv2d(15, 17, 3), _core.MaxPool2d(2), _core.ReLU()]),
    "linear": ((11,), [_core.Linear(11, 6)]),
    "biases": ((3, 2, 4), [_core.ChannelBias(3), _core.PositionBias(3, 2, 4)]),
    "group norm": ((6, 3, 2), [_core.GroupNorm(3, 6)]),
    "layer norm": ((5, 7), [_core.LayerNorm((5, 7))]),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_the_images(name: str, isa: str) -> None:
    """Those of parts of four images, each a shard of its own, add up to the gradient of the batch."""
    shape, layers = NETWORKS[name]
    net = Network(shape)
    for value, layer in enumerate(layers):
        net.add(layer, value)
    plan = net.plan(isa, "float32")
    assert (plan.tile(True), plan.shards(IMAGES), plan.shards(4)) == (TILE, 16, 4)
    rng = np.random.default_rng(len(name))
    x = rng.standard_normal((IMAGES, *shape)).astype(np.float32)
    params = rng.standard_normal(plan.parameter_count).astype(np.float32)
    dy = rng.standard_normal((IMAGES, *plan.output_shape)).astype(np.float32)

    y, tape = plan.forward_train(x, params)
    grads, part = np.full_like(params, np.nan), np.full_like(params, np.nan)
    dx = plan.backward(dy, tape, params, grads)
    total, scale = np.zeros(params.shape), np.zeros(params.shape)
    for i in range(0, IMAGES, 4):
        y_part, tape = plan.forward_train(x[i : i + 4], params)
        dx_part = plan.backward(dy[i : i + 4], tape, params, part)
        np.testing.assert_array_equal(y[i : i + 4], y_part)
        np.testing.assert_array_equal(dx[i : i + 4], dx_part)
        total += part
        scale += np.abs(part)
    np.testing.assert_array_less(np.abs(grads - total), 1e-4 * scale + 1e-6)
