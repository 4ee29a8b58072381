"""`resnet_cifar` and its twin without shortcuts, `plain_cifar`, for images of 32x32."""

from __future__ import annotations

from functools import partial

from .._types import Seed
from ..nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    Flatten,
    Linear,
    Module,
    Pad2d,
    Preprocessing,
    ReLU,
    Reshape,
    Residual,
    Sequential,
)
from .build import conv_norm, kaiming, network
from .registry import register

#: Output channels of the three stages.
_WIDTHS = (16, 32, 64)


def resnet_cifar(
    depth: int = 20, seed: Seed = 0, *, num_classes: int = 10, in_channels: int = 3, size: int = 32
) -> Sequential:
    """The ResNet for CIFAR: three stages of blocks of two 3x3 convolutions, shortcuts without parameters.

    Where a stage begins, the shortcut takes every second pixel and adds channels of zeros, half of them
    before and half behind (the paper's option A). Pixels are normalized with mean 0.5 and standard deviation
    0.25, instead of the source's mean image. Convolutions are initialized from Kaiming's normal
    distribution, the linear layer from PyTorch's default.

    Args:
        depth: Number of convolutions and linear layers: 6 n + 2, as 20, 32, 44, 56 and 110.
        seed: Seed of the parameter initialization; None uses OS entropy.
        num_classes: Number of outputs.
        in_channels: Number of channels of an image.
        size: Height and width of an image.

    Shapes:
        (n, in_channels, size, size) to (n, num_classes); by default 269,722 parameters, with the other depths
        464,154, 658,586, 853,018 and 1,727,962.

    Raises:
        ValueError: Another depth.

    Source: He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015, section 4.2

    Example:
        >>> from cnnfast import models
        >>> models.resnet_cifar(20, seed=0).num_parameters()
        269722
    """
    return _build("resnet_cifar", depth, seed, num_classes, in_channels, size)


def plain_cifar(
    depth: int = 20, seed: Seed = 0, *, num_classes: int = 10, in_channels: int = 3, size: int = 32
) -> Sequential:
    """The twin of `resnet_cifar` without shortcuts: the same layers and parameters.

    Args:
        depth, seed, num_classes, in_channels, size: As of `resnet_cifar`.

    Shapes:
        (n, in_channels, size, size) to (n, num_classes).

    Raises:
        ValueError: Another depth.

    Source: He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015, section 4.2

    Example:
        >>> from cnnfast import models
        >>> models.plain_cifar(20, seed=0).num_parameters()
        269722
    """
    return _build("plain_cifar", depth, seed, num_classes, in_channels, size)


def _build(who: str, depth: int, seed: Seed, num_classes: int, in_channels: int, size: int) -> Sequential:
    if depth < 8 or depth % 6 != 2:
        raise ValueError(f"{who}: depth must be 6 n + 2 with n at least 1, as 20, got {depth}")
    channels, side = _WIDTHS[0], size
    layers: list[Module] = [*conv_norm(in_channels, channels, 3, padding=1), ReLU()]
    for width in _WIDTHS:
        side = side if width == channels else (side + 1) // 2  # of the outputs
        for _ in range((depth - 2) // 6):
            stride = width // channels
            body = [*conv_norm(channels, width, 3, stride, padding=1), ReLU()]
            body += conv_norm(width, width, 3, padding=1)
            if who == "plain_cifar":
                layers += body
            elif width == channels:
                layers.append(Residual(Sequential(*body)))
            else:
                layers.append(Residual(Sequential(*body), _shortcut(channels, width, side)))
            layers.append(ReLU())
            channels = width
    layers += [AdaptiveAvgPool2d(1), Flatten(), Linear(channels, num_classes)]
    shape = (in_channels, size, size)
    return kaiming(network(seed, shape, Preprocessing(mean=0.5, std=0.25), layers), seed)


def _shortcut(c_in: int, c_out: int, side: int) -> Sequential:
    """Every second pixel, and channels of zeros: rows of zeros, with the channels as rows of one image."""
    zeros = (c_out - c_in) // 2
    return Sequential(
        AvgPool2d(1, 2),
        Reshape((1, c_in, side * side)),
        Pad2d((0, 0, zeros, zeros)),
        Reshape((c_out, side, side)),
    )


_SOURCE = "He et al., Deep residual learning for image recognition"
for _depth in (20, 32, 44, 56, 110):
    register(f"resnet{_depth}", source=_SOURCE, year=2015)(partial(resnet_cifar, _depth))
    register(f"plain{_depth}", source=_SOURCE, year=2015)(partial(plain_cifar, _depth))
