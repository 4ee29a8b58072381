"""ResNet for ImageNet: sizes of the paper, names of torchvision."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import models, nn

from tests.support.refusal import refused


@pytest.mark.parametrize(
    ("depth", "parameters"),
    [
        (18, 11_689_512),
        pytest.param(34, 21_797_672, marks=pytest.mark.slow),
        (50, 25_557_032),
        pytest.param(101, 44_549_160, marks=pytest.mark.slow),
        pytest.param(152, 60_192_808, marks=pytest.mark.slow),
    ],
)
def test_number_of_parameters(depth, parameters):
    model = models.resnet(depth)
    assert model.num_parameters() == parameters
    assert model.output_shape == (1000,)


@pytest.mark.parametrize("depth", [18, 50])
def test_names_and_config(depth, rng):
    model = models.resnet(depth, num_classes=5, size=32, width=4)
    names = list(model.state_dict())
    assert names[:2] == ["conv1.weight", "bn1.weight"]
    assert {"layer2.0.conv1.weight", "layer2.0.downsample.1.running_var", "fc.bias"} <= set(names)
    assert ("layer1.0.downsample.0.weight" in names) == (depth == 50)
    assert nn.from_config(model.to_config()).to_config() == model.to_config()
    x = rng.standard_normal((2, 3, 32, 32)).astype(np.float32)
    assert model(x).shape == (2, 5)


def test_unknown_depth():
    with refused(ValueError, "resnet: depth must be 18, 34, 50, 101, 152, got 20"):
        models.resnet(20)
