"""The small networks of `cnnfast.models`, reduced so that a training step takes milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cnnfast import models, nn

Build = Callable[..., nn.Sequential]

#: Name to a function of the seed.
REDUCED: dict[str, Build] = {
    "all_conv": partial(models.all_conv, width=12, dropout=False),
    "alphago_policy": partial(models.alphago_policy, size=5, width=8),
    "cnn1d": models.cnn1d,
    "lenet5": models.lenet5,
    "lenet5 paper": partial(models.lenet5, variant="paper"),
    "mlp": models.mlp,
    "mobilenet_cifar": partial(models.mobilenet_cifar, width=4),
    "plain_cifar": partial(models.plain_cifar, 8),
    "resnet_cifar": partial(models.resnet_cifar, 8),
    "scanning_mlp": models.scanning_mlp,
    "scanning_mlp distributed": partial(models.scanning_mlp, variant="distributed", num_classes=5),
    "vgg_cifar": partial(models.vgg_cifar, 11, width=4),
}
