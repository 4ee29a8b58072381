"""Layers that drop values in training: `Dropout`, `Dropout2d`."""

from __future__ import annotations

from .. import _core
from .layer import Layer
from .registry import register


@register
class Dropout(Layer):
    """In training passes each value becomes 0 with probability p and otherwise x / (1 - p); inference,
    `m(x)`, is the identity and has no cost.

    The mask depends only on the seed of the pass, the index of the image in the batch and the element, not on
    the number of threads.

    Args:
        p: Probability of dropping a value, 0 to 1.

    Shapes:
        Any, kept.

    Raises:
        ValueError: p out of range.

    Source: Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> drop, x = nn.Dropout(0.5), np.ones((1, 6), dtype=np.float32)
        >>> drop(x)
        array([[1., 1., 1., 1., 1., 1.]], dtype=float32)
        >>> sorted(set(drop.forward(np.ones((1, 100), dtype=np.float32), seed=1)[0].tolist()))
        [0.0, 2.0]
    """

    _operation = _core.Dropout
    keeps_output_kind = True

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(_core.Dropout(p))


@register
class Dropout2d(Layer):
    """Dropout of whole channels of an image, since neighboring pixels are correlated.

    Args:
        p: Probability of dropping a channel, 0 to 1.

    Shapes:
        x (n, c, h, w), kept.

    Raises:
        ValueError: p out of range; when called, anything but images.

    Source: Tompson et al. 2015, arXiv:1411.4280.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> y = nn.Dropout2d(0.5).forward(np.ones((4, 8, 3, 3), dtype=np.float32), seed=0)
        >>> bool((y == y[:, :, :1, :1]).all())
        True
    """

    _operation = _core.Dropout2d
    keeps_output_kind = True

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(_core.Dropout2d(p))
