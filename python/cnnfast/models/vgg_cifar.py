"""`vgg_cifar`, VGG for images of 32x32."""

from __future__ import annotations

from functools import partial

from .._types import Seed
from ..nn import Flatten, LazyLinear, MaxPool2d, Module, Preprocessing, ReLU, Sequential
from .build import VGG_STAGES, conv_norm, network
from .registry import register


def vgg_cifar(
    depth: int = 16, seed: Seed = 0, *, num_classes: int = 10, in_channels: int = 3, width: int = 64
) -> Sequential:
    """VGG for CIFAR: five stages of 3x3 convolutions, each stage followed by a max-pool.

    Unlike the paper, whose images are of 224x224: batch normalization after each convolution (which then
    needs no bias), and one linear layer instead of three, since one pixel is left after the last pool.
    Pixels are normalized with mean 0.5 and standard deviation 0.25.

    Args:
        depth: 11, 13, 16 or 19, the name of the network in the paper, which counts three linear layers.
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        in_channels: Number of channels of an image.
        width: Channels of the first stage; the others have 2, 4, 8 and 8 times as many.

    Shapes:
        (n, in_channels, 32, 32) to (n, num_classes); 9,228,362, 9,413,066, 14,724,042 and 20,035,018
        parameters by default.

    Raises:
        ValueError: Another depth.

    Source: Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014,
    arXiv:1409.1556; batch normalization: Ioffe and Szegedy 2015, arXiv:1502.03167.

    Example:
        >>> from cnnfast import models
        >>> models.vgg_cifar(16, width=8).num_parameters()
        231746
    """
    if depth not in VGG_STAGES:
        raise ValueError(f"vgg_cifar: depth must be {', '.join(map(str, VGG_STAGES))}, got {depth!r}")
    layers: list[Module] = []
    channels = in_channels
    for stage, count in enumerate(VGG_STAGES[depth]):
        for _ in range(count):
            c_out = width * min(2**stage, 8)
            layers += [*conv_norm(channels, c_out, 3, padding=1), ReLU()]
            channels = c_out
        layers.append(MaxPool2d(2))
    layers += [Flatten(), LazyLinear(num_classes)]
    return network(seed, (in_channels, 32, 32), Preprocessing(mean=0.5, std=0.25), layers)


register(
    "vgg-cifar",
    source="Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition",
    year=2014,
)(partial(vgg_cifar, 16))
