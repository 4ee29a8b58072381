"""`all_conv`, a network of convolutions only."""

from __future__ import annotations

from .._types import Seed
from ..nn import AdaptiveAvgPool2d, Conv2d, Dropout, Flatten, Module, Preprocessing, ReLU, Sequential
from .build import network
from .registry import register

#: Output channels, as a multiple of the first convolution's, kernel, stride and padding of the convolutions
#: before the last one.
_CONVOLUTIONS = (
    *((1, 3, 1, 1), (1, 3, 1, 1), (1, 3, 2, 1)),
    *((2, 3, 1, 1), (2, 3, 1, 1), (2, 3, 2, 1)),
    *((2, 3, 1, 0), (2, 1, 1, 0)),
)


@register(
    "all-conv", source="Springenberg et al., Striving for simplicity: the all convolutional net", year=2015
)
def all_conv(
    seed: Seed = 0,
    *,
    num_classes: int = 10,
    in_channels: int = 3,
    width: int = 96,
    dropout: bool = True,
) -> Sequential:
    """All-CNN-C for CIFAR: convolutions of stride 2 instead of pools, an average instead of linear layers.

    Pixels are normalized with mean 0.5 and standard deviation 0.25, instead of the source's whitening. The
    last convolution has no ReLU.

    Args:
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        in_channels: Number of channels of an image.
        width: Channels of the first convolution.
        dropout: Whether to drop 20 % of the input and 50 % after each convolution of stride 2.

    Shapes:
        (n, in_channels, 32, 32) to (n, num_classes); 1,369,738 parameters by default.

    Source: Springenberg, Dosovitskiy, Brox and Riedmiller, Striving for simplicity: the all convolutional
    net, 2015

    Example:
        >>> from cnnfast import models
        >>> models.all_conv(seed=0).num_parameters()
        1369738
    """
    layers: list[Module] = [Dropout(0.2)] if dropout else []
    channels = in_channels
    for factor, kernel, stride, padding in _CONVOLUTIONS:
        layers += [Conv2d(channels, factor * width, kernel, stride, padding), ReLU()]
        layers += [Dropout(0.5)] if dropout and stride == 2 else []
        channels = factor * width
    layers += [Conv2d(channels, num_classes, 1), AdaptiveAvgPool2d(1), Flatten()]
    return network(seed, (in_channels, 32, 32), Preprocessing(mean=0.5, std=0.25), layers)
