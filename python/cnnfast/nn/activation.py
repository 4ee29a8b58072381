"""Nonlinear functions without parameters: `ReLU`, `GELU`, `Softmax`, `LogSoftmax`."""

from __future__ import annotations

from typing import Literal

from .. import _core
from .layer import Layer
from .registry import register


@register
class ReLU(Layer):
    """Cuts off below zero: y = max(x, 0). NaN stays NaN; the derivative at 0 is 0.

    Shapes:
        Any, kept.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ReLU()(np.array([[-1.0, 0.5]], dtype=np.float32))
        array([[0. , 0.5]], dtype=float32)
    """

    _operation = _core.ReLU

    def __init__(self) -> None:
        super().__init__(_core.ReLU())


@register
class GELU(Layer):
    """A smooth ReLU: y = x * P(X <= x), X normally distributed.

    Args:
        approximate: "none" for the exact form by the error function; "tanh" for
            0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), which differs by up to 5e-4.

    Shapes:
        Any, kept.

    Raises:
        ValueError: Another `approximate`.

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.GELU()(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).round(4)
        array([[-0.1587,  0.    ,  0.8413]], dtype=float32)
    """

    _operation = _core.GELU

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__(_core.GELU(approximate))


@register
class Softmax(Layer):
    """Turns the channels of each position into probabilities: y = exp(x) / sum of exp(x), along axis 1.

    Safe for large values (the largest is subtracted first). A network to be trained should not end in it: the
    loss "cross_entropy" takes what comes before, the logits.

    Shapes:
        (n, c) or (n, c, h, w), kept.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Softmax()(np.array([[0.0, 1000.0]], dtype=np.float32))
        array([[0., 1.]], dtype=float32)
    """

    _operation = _core.Softmax
    _output_kind = "probabilities"

    def __init__(self) -> None:
        super().__init__(_core.Softmax())


@register
class LogSoftmax(Layer):
    """Logarithm of the softmax, computed without it: y = x - log of the sum of exp(x), along axis 1.

    A network that ends in it is trained with the loss "nll"; it comes to the same as logits with
    "cross_entropy".

    Shapes:
        (n, c) or (n, c, h, w), kept.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.LogSoftmax()(np.array([[0.0, 1000.0]], dtype=np.float32))
        array([[-1000.,     0.]], dtype=float32)
    """

    _operation = _core.LogSoftmax
    _output_kind = "log_probabilities"

    def __init__(self) -> None:
        super().__init__(_core.LogSoftmax())
