"""`MaxPool2d`: the largest value of each window."""

from __future__ import annotations

from .. import _core
from ..border import Padding, Pair
from .layer import Layer
from .registry import register


@register
class MaxPool2d(Layer):
    """Keeps the largest value of each window, channel by channel.

    Padding counts as minus infinity, so it is never chosen. Among equal values the first in row order is the
    one that receives the gradient. A NaN in the window wins. A window that would start in the padding after
    the image is left out (as in PyTorch).

    Args:
        kernel_size: Size of the window, one number or (height, width).
        stride: Step between windows; None takes `kernel_size`, so that windows lie side by side.
        padding: One number, (vertical, horizontal), or ((top, bottom), (left, right)); less than the kernel.
        ceil_mode: True keeps a last window that the image fills only in part.

    Shapes:
        x (n, c, h, w) to (n, c, h', w'), h' = floor((h + top + bottom - kernel height) / stride) + 1, with
        `ceil_mode` rounded up.

    Raises:
        ValueError: A setting that is out of range, or padding as large as the kernel; when called, an image
            that is smaller than the window.

    Cost: no multiplications; kernel height * kernel width comparisons an output value.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
        >>> nn.MaxPool2d(2)(x)[0, 0]
        array([[ 5.,  7.],
               [13., 15.]], dtype=float32)
    """

    _operation = _core.MaxPool2d

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Padding = 0,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(_core.MaxPool2d(kernel_size, stride, padding, ceil_mode))
