"""`mobilenet_cifar`, MobileNet for images of 32x32."""

from __future__ import annotations

from .._types import Seed
from ..nn import AdaptiveAvgPool2d, Flatten, Linear, Preprocessing, ReLU, Sequential
from .build import conv_norm, network
from .registry import register

#: Output channels, as a multiple of the first convolution's, and stride of the blocks.
_BLOCKS = ((2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), *[(16, 1)] * 5, (32, 2), (32, 1))


@register("mobilenet-cifar", source="Howard et al., MobileNets", year=2017)
def mobilenet_cifar(
    seed: Seed = 0, *, num_classes: int = 10, in_channels: int = 3, width: int = 32
) -> Sequential:
    """MobileNet for CIFAR: a convolution and 13 depthwise separable ones, then the average of all positions.

    A depthwise separable convolution is a 3x3 convolution of each channel and a 1x1 convolution, both with
    batch normalization and ReLU. Unlike the paper, whose images are of 224x224, the first convolution has
    stride 1. Pixels are normalized with mean 0.5 and standard deviation 0.25.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        in_channels: Number of channels of an image.
        width: Channels of the first convolution, 32 times the paper's width multiplier.

    Shapes:
        (n, in_channels, 32, 32) to (n, num_classes); 3,217,226 parameters by default.

    Source: Howard et al., MobileNets: efficient convolutional neural networks for mobile vision applications,
    2017, arXiv:1704.04861.

    Example:
        >>> from cnnfast import models
        >>> models.mobilenet_cifar(width=8).num_parameters()
        215642
    """
    layers = [*conv_norm(in_channels, width, 3, padding=1), ReLU()]
    channels = width
    for factor, stride in _BLOCKS:
        c_out = factor * width
        layers += [*conv_norm(channels, channels, 3, stride, padding=1, groups=channels), ReLU()]
        layers += [*conv_norm(channels, c_out, 1), ReLU()]
        channels = c_out
    layers += [AdaptiveAvgPool2d(1), Flatten(), Linear(channels, num_classes)]
    return network(seed, (in_channels, 32, 32), Preprocessing(mean=0.5, std=0.25), layers)
