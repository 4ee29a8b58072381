"""`resnet_cifar` and `plain_cifar`: parameters of the paper, the shortcut without parameters, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import load, models, nn

from tests.support.marks import quick_only

PARAMETERS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}


@pytest.mark.parametrize("build", [models.resnet_cifar, models.plain_cifar])
@pytest.mark.parametrize("depth", quick_only(PARAMETERS, [20, 32]))
def test_parameters(build, depth):
    model = build(depth)
    assert model.num_parameters() == PARAMETERS[depth]
    assert model.output_shape == (10,)


@pytest.mark.parametrize("size", [32, 13])
def test_shortcut_takes_every_second_pixel_between_channels_of_zeros(size, rng):
    model = models.resnet_cifar(8, size=size)
    shortcut = next(m.shortcut for m in model if isinstance(m, nn.Residual) and m.shortcut)
    x = rng.standard_normal((2, 16, size, size)).astype(np.float32)
    want = np.pad(x[:, :, ::2, ::2], ((0, 0), (8, 8), (0, 0), (0, 0)))
    np.testing.assert_array_equal(shortcut(x), want)


def test_file_round_trip(tmp_path):
    model = models.resnet_cifar(8, seed=1)
    model.save(tmp_path / "model.safetensors")
    twin = load(tmp_path / "model.safetensors")
    assert repr(twin) == repr(model)
    np.testing.assert_array_equal(twin.flat_parameters, model.flat_parameters)


@pytest.mark.parametrize("depth", [2, 21, -4])
def test_refuses_other_depths(depth):
    with pytest.raises(
        ValueError, match=rf"^plain_cifar: depth must be 6 n \+ 2 with n at least 1, as 20, got {depth}$"
    ):
        models.plain_cifar(depth)
