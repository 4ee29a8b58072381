"""`ChannelBias` and `PositionBias`: learned biases, initialized to 0."""

from __future__ import annotations

import numpy as np

from .. import _core
from .layer import Layer, Parameter
from .registry import register


@register
class ChannelBias(Layer):
    """Adds a learned bias to each channel: y[n,c,...] = x[n,c,...] + bias[c].

    Args:
        channels: Channels of the input, its first axis after the batch.

    Shapes:
        x (n, channels, ...) to the same; bias (channels,).

    Raises:
        ValueError: `channels` out of range; when called, an input with other channels.

    Example:
        >>> from cnnfast import nn
        >>> layer = nn.ChannelBias(2)
        >>> layer.bias = np.array([10.0, 20.0])
        >>> layer(np.ones((1, 2), dtype=np.float32))
        array([[11., 21.]], dtype=float32)
    """

    _operation = _core.ChannelBias
    bias = Parameter()

    def __init__(self, channels: int) -> None:
        super().__init__(_core.ChannelBias(channels))

    def _draw(self, rng: np.random.Generator) -> None:
        self.bias[...] = 0


@register
class PositionBias(Layer):
    """Adds a learned bias to each channel and pixel: y[n,c,i,j] = x[n,c,i,j] + bias[c,i,j].

    Args:
        channels, height, width: Shape of one input.

    Shapes:
        x (n, channels, height, width) to the same; bias (channels, height, width).

    Raises:
        ValueError: A setting that is out of range; when called, an input of another shape.

    Example:
        >>> from cnnfast import nn
        >>> nn.PositionBias(16, 28, 28).num_parameters()
        12544
    """

    _operation = _core.PositionBias
    bias = Parameter()

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__(_core.PositionBias(channels, height, width))

    def _draw(self, rng: np.random.Generator) -> None:
        self.bias[...] = 0
