"""Max pooling."""

from __future__ import annotations

from .. import _core
from .._types import Ends, Padding, Pair
from .layer import Layer
from .registry import register


@register
class MaxPool2d(Layer):
    """2-D max pooling.

    Padding is minus infinity. Of equal values the first in row order receives the gradient. If a window
    contains NaN, that is its maximum (of several, the last). A window that would start in the padding after
    the image is left out (as in PyTorch).

    Args:
        kernel_size: Size of the window, one number or (height, width).
        stride: Step between windows; None uses `kernel_size`.
        padding: One number, (vertical, horizontal), or ((top, bottom), (left, right)); less than the window.
        dilation: Step between the pixels of a window.
        ceil_mode: Whether to keep a last window that is only partly on the image.

    Shapes:
        x (n, c, h, w) to (n, c, h', w'), h' = floor((h + top + bottom - extent) / stride) + 1, with
        `ceil_mode` rounded up; extent = dilation * (kernel height - 1) + 1.

    Raises:
        ValueError: A setting that is out of range, or padding as large as the window; when called, an image
            that is smaller than the window.

    Cost: no multiplications; kernel height * kernel width comparisons per output value.

    Source: Ranzato et al. 2007, Unsupervised learning of invariant feature hierarchies; overlapping windows:
    Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks.

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
        dilation: Pair = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(_core.MaxPool2d(kernel_size, stride, padding, ceil_mode, dilation))


@register
class MaxPool1d(Layer):
    """1-D max pooling; edges as in `MaxPool2d`.

    Args:
        kernel_size: Values in a window.
        stride: Step between windows; None uses `kernel_size`.
        padding: One number or (before, after); less than the window.
        dilation: Step between the values of a window.
        ceil_mode: Whether to keep a last window that is only partly on the input.

    Shapes:
        x (n, c, l) to (n, c, l'), l' = floor((l + before + after - extent) / stride) + 1, with `ceil_mode`
        rounded up; extent = dilation * (kernel_size - 1) + 1.

    Raises:
        ValueError: A setting that is out of range, or padding as large as the window; when called, a sequence
            that is shorter than the window.

    Cost: no multiplications; kernel_size comparisons per output value.

    Source: as `MaxPool2d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.MaxPool1d(2)(np.array([[[3, 1, 4, 1, 5, 9]]], dtype=np.float32))
        array([[[3., 4., 9.]]], dtype=float32)
    """

    _operation = _core.MaxPool1d

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: Ends = 0,
        dilation: int = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__(_core.MaxPool1d(kernel_size, stride, padding, ceil_mode, dilation))
