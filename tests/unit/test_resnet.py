"""ResNet for ImageNet: names of torchvision."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import models, nn


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
