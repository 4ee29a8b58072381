"""`for_images`, a network for images of any size."""

from __future__ import annotations

from .._types import Seed, Shape
from ..nn import (
    AdaptiveAvgPool2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    Preprocessing,
    ReLU,
    Sequential,
)
from .build import conv_norm, network

_WIDTHS = (16, 32, 64, 128)
#: Pooling ends at a smaller side.
_MIN_SIDE = 8
#: Fewer have too small a field of view, and too few features for the average over all positions.
_LEAST_BLOCKS = 3


def for_images(input_shape: Shape, num_classes: int, seed: Seed = 0, *, dropout: float = 0.0) -> Sequential:
    """A small network for images of any size and number of channels.

    Three or four blocks of a 3x3 convolution, batch normalization, ReLU and a 2x2 max-pool, of 16, 32, 64 and
    128 channels. Where the shorter side is less than 8 pixels there is no pool, and no fourth block. Then the
    average over all positions, dropout if wanted, and a linear layer.

    Args:
        input_shape: (c, h, w).
        num_classes: Number of outputs.
        seed: Seed of the parameter initialization; None uses OS entropy.
        dropout: Probability of dropping an input of the linear layer; 0 adds no such layer.

    Shapes:
        (n, c, h, w) to (n, num_classes).

    Example:
        >>> from cnnfast import models
        >>> models.for_images((3, 64, 64), num_classes=2).output_shape
        (2,)
    """
    channels, *sides = input_shape
    side = min(sides)
    layers: list[Module] = []
    for i, width in enumerate(_WIDTHS):
        if i >= _LEAST_BLOCKS and side < _MIN_SIDE:
            break
        layers += [*conv_norm(channels, width, 3, padding=1), ReLU()]
        channels = width
        if side >= _MIN_SIDE:
            layers.append(MaxPool2d(2))
            side //= 2
    layers += [AdaptiveAvgPool2d(1), Flatten()]
    layers += [Dropout(dropout)] if dropout else []
    layers.append(Linear(channels, num_classes))
    return network(seed, input_shape, Preprocessing(mean=0.5, std=0.25), layers)
