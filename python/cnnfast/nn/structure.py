"""`Flatten`: the bridge from images to rows of features."""

from __future__ import annotations

from .. import _core
from .layer import Layer
from .registry import register


@register
class Flatten(Layer):
    """Lays the values of one image in a row: channel after channel, each row by row.

    Shapes:
        (n, c, h, w) to (n, c * h * w).

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Flatten()(np.zeros((2, 3, 4, 5), dtype=np.float32)).shape
        (2, 60)
    """

    _operation = _core.Flatten

    def __init__(self) -> None:
        super().__init__(_core.Flatten())
