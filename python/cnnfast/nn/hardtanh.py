"""`Hardtanh` and `ReLU6`: values clipped to a range."""

from __future__ import annotations

from .. import _core
from .layer import Layer
from .registry import register


@register
class Hardtanh(Layer):
    """Clips to a range: y = min(max(x, min_val), max_val); ONNX's Clip.

    NaN stays NaN. The derivative is 1 inside the range and 0 at its ends, beyond them and at NaN.

    Args:
        min_val, max_val: The ends of the range.

    Shapes:
        Any, kept.

    Raises:
        TypeError: Not a number.
        ValueError: Not finite; a min_val that is not below max_val.

    Source: Collobert 2004, "Large scale machine learning" (thesis, Université Paris 6).

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Hardtanh(-0.5, 2.0)(np.array([[-1.0, 0.25, 3.0]], dtype=np.float32))
        array([[-0.5 ,  0.25,  2.  ]], dtype=float32)
    """

    _operation = _core.Hardtanh

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__(_core.Hardtanh(min_val, max_val))


@register
class ReLU6(Layer):
    """ReLU with an upper limit: y = min(max(x, 0), 6), which is `Hardtanh(0, 6)`.

    Shapes:
        Any, kept.

    Source: Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10".

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ReLU6()(np.array([[-1.0, 0.5, 8.0]], dtype=np.float32))
        array([[0. , 0.5, 6. ]], dtype=float32)
    """

    _operation = _core.ReLU6

    def __init__(self) -> None:
        super().__init__(_core.ReLU6())
