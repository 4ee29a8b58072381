"""`Softmax` and `LogSoftmax` over channels."""

from __future__ import annotations

from .. import _core
from .layer import Layer
from .registry import register


@register
class Softmax(Layer):
    """Converts the channels of each position to probabilities: y = exp(x) / sum of exp(x), along axis 1.

    The largest value is subtracted first, so that it does not overflow. A network to be trained should not
    end in it, as the loss "cross_entropy" expects logits.

    Shapes:
        (n, c), (n, c, l) or (n, c, h, w), kept.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Softmax()(np.array([[0.0, 1000.0]], dtype=np.float32))
        array([[0., 1.]], dtype=float32)
    """

    _operation = _core.Softmax
    output_kind = "probabilities"

    def __init__(self) -> None:
        super().__init__(_core.Softmax())


@register
class LogSoftmax(Layer):
    """Logarithm of the softmax: y = x - log of the sum of exp(x), along axis 1.

    A network that ends in it is trained with the loss "nll"; that is equivalent to logits with
    "cross_entropy".

    Shapes:
        (n, c), (n, c, l) or (n, c, h, w), kept.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.LogSoftmax()(np.array([[0.0, 1000.0]], dtype=np.float32))
        array([[-1000.,     0.]], dtype=float32)
    """

    _operation = _core.LogSoftmax
    output_kind = "log_probabilities"

    def __init__(self) -> None:
        super().__init__(_core.LogSoftmax())
