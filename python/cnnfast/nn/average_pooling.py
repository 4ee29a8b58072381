"""Average-pools: the mean of each window."""

from __future__ import annotations

from .. import _core
from .._types import Ends, Padding, Pair
from .layer import Layer
from .registry import register


@register
class AvgPool2d(Layer):
    """Takes the mean of each window, channel by channel.

    Padding counts as 0. Whether it also counts among the pixels that the sum is divided by,
    `count_include_pad` says. What a window holds beyond the padding (with `ceil_mode`) never counts, as in
    PyTorch.

    Args:
        kernel_size: Size of the window, one number or (height, width).
        stride: Step between windows; None uses `kernel_size`.
        padding: One number, (vertical, horizontal), or ((top, bottom), (left, right)); less than the kernel.
        ceil_mode: Whether to keep a last window that is only partly on the image.
        count_include_pad: False divides by the number of pixels on the image alone.
        divisor_override: Divides every sum by this number instead.
        dilation: Step between the pixels of a window, one number or (vertical, horizontal).

    Shapes:
        x (n, c, h, w) to (n, c, h', w'), h' = floor((h + top + bottom - reach) / stride) + 1 with
        reach = (kernel height - 1) * dilation + 1; with `ceil_mode` rounded up.

    Raises:
        ValueError: A setting that is out of range, or padding as large as the kernel; when called, an image
            that is smaller than the window.

    Cost: kernel height * kernel width additions and one division per output value.

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition (the subsampling
    layers). Dilation is that of ONNX's AveragePool.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
        >>> nn.AvgPool2d(2)(x)[0, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]], dtype=float32)
    """

    _operation = _core.AvgPool2d

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Padding = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        *,
        dilation: Pair = 1,
    ) -> None:
        settings = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, dilation)
        super().__init__(_core.AvgPool2d(*settings))


@register
class AvgPool1d(Layer):
    """1-D average pooling; edges as in `AvgPool2d`.

    Args:
        kernel_size: Values in a window.
        stride: Step between windows; None uses `kernel_size`.
        padding: One number or (before, after); less than the kernel.
        ceil_mode: Whether to keep a last window that is only partly on the input.
        count_include_pad: Whether to include padding in the divisor.
        dilation: Step between the values of a window.

    Shapes:
        x (n, c, l) to (n, c, l'), l' = floor((l + before + after - reach) / stride) + 1 with
        reach = (kernel_size - 1) * dilation + 1; with `ceil_mode` rounded up.

    Raises:
        ValueError: A setting that is out of range, or padding as large as the kernel; when called, a sequence
            that is shorter than the window.

    Cost: kernel_size additions and one division per output value.

    Source: as `AvgPool2d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.AvgPool1d(2)(np.array([[[3, 1, 4, 1, 5, 9]]], dtype=np.float32))
        array([[[2. , 2.5, 7. ]]], dtype=float32)
    """

    _operation = _core.AvgPool1d

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: Ends = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        *,
        dilation: int = 1,
    ) -> None:
        super().__init__(
            _core.AvgPool1d(kernel_size, stride, padding, ceil_mode, count_include_pad, dilation)
        )
