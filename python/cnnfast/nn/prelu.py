"""`PReLU`: a ReLU that learns its slope below zero."""

from __future__ import annotations

import numpy as np

from .. import _core
from .layer import Layer, Parameter
from .registry import register


@register
class PReLU(Layer):
    """y = x above 0, weight * x elsewhere, with a learned weight for each channel or one for all.

    Args:
        num_parameters: 1, or the number of channels of the input, its first axis after the batch.
        init: What the weights start from.

    Shapes:
        x (n, c, ...) to the same; weight (num_parameters,).

    Raises:
        TypeError: Not an integer, not a number.
        ValueError: A setting that is out of range or not finite; when called, an input with other channels.

    Source: He et al. 2015, arXiv:1502.01852. Its authors advise against weight decay on the weights.

    Example:
        >>> from cnnfast import nn
        >>> layer = nn.PReLU(2)
        >>> layer.weight = np.array([0.5, 0.125])
        >>> layer(np.array([[-1.0, -1.0], [3.0, -8.0]], dtype=np.float32))
        array([[-0.5  , -0.125],
               [ 3.   , -1.   ]], dtype=float32)
    """

    _operation = _core.PReLU
    weight = Parameter()

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__(_core.PReLU(num_parameters, init))

    def _draw(self, rng: np.random.Generator) -> None:
        self.weight[...] = self._op.settings()["init"]
