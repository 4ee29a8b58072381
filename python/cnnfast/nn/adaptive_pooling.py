"""Adaptive pools: a given number of windows for any input size.

Window i of m over l positions is from floor(i l / m) to ceil((i + 1) l / m), the end excluded: PyTorch's
rule. If m divides l they do not overlap, otherwise neighbors may share a position.
"""

from __future__ import annotations

from .. import _core
from .._types import Pair
from .layer import Layer
from .registry import register


@register
class AdaptiveAvgPool2d(Layer):
    """Mean of each of a given number of windows; with 1, of the whole image (global average).

    Window (i, j) of (a, b) is the rows from floor(i h / a) to ceil((i + 1) h / a) and the columns from
    floor(j w / b) to ceil((j + 1) w / b), the ends excluded.

    Args:
        output_size: Number of windows, one number or (vertical, horizontal).

    Shapes:
        x (n, c, h, w) to (n, c, *output_size), for any h and w.

    Raises:
        ValueError: An output_size that is out of range.

    Cost: one addition for each pixel of each window, one division per output value.

    Source: Lin et al. 2013, Network in network, arXiv:1312.4400 (global average pooling); the windows are
    PyTorch's.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
        >>> nn.AdaptiveAvgPool2d(1)(x)[0, 0]
        array([[5.5]], dtype=float32)
        >>> nn.AdaptiveAvgPool2d((1, 3))(x)[0, 0]
        array([[4.5, 5.5, 6.5]], dtype=float32)
    """

    _operation = _core.AdaptiveAvgPool2d

    def __init__(self, output_size: Pair) -> None:
        super().__init__(_core.AdaptiveAvgPool2d(output_size))


@register
class AdaptiveAvgPool1d(Layer):
    """Mean of each of a given number of windows of a sequence; with 1, of the whole sequence.

    Window i of m is the positions from floor(i l / m) to ceil((i + 1) l / m), the end excluded.

    Args:
        output_size: Number of windows.

    Shapes:
        x (n, c, l) to (n, c, output_size), for any l.

    Raises:
        ValueError: An output_size that is out of range.

    Cost: one addition for each value of each window, one division per output value.

    Source: as `AdaptiveAvgPool2d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.AdaptiveAvgPool1d(2)(np.array([[[1, 2, 6]]], dtype=np.float32))
        array([[[1.5, 4. ]]], dtype=float32)
    """

    _operation = _core.AdaptiveAvgPool1d

    def __init__(self, output_size: int) -> None:
        super().__init__(_core.AdaptiveAvgPool1d(output_size))


@register
class AdaptiveMaxPool2d(Layer):
    """Maximum of each of a given number of windows; ties and NaN as in `MaxPool2d`.

    Window (i, j) of (a, b) is the rows from floor(i h / a) to ceil((i + 1) h / a) and the columns from
    floor(j w / b) to ceil((j + 1) w / b), the ends excluded.

    Args:
        output_size: Number of windows, one number or (vertical, horizontal).

    Shapes:
        x (n, c, h, w) to (n, c, *output_size), for any h and w.

    Raises:
        ValueError: An output_size that is out of range.

    Cost: no multiplications; one comparison for each pixel of each window.

    Source: He et al. 2014, Spatial pyramid pooling in deep convolutional networks, arXiv:1406.4729; the
    windows are PyTorch's.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.AdaptiveMaxPool2d(2)(np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4))[0, 0]
        array([[ 5.,  7.],
               [ 9., 11.]], dtype=float32)
    """

    _operation = _core.AdaptiveMaxPool2d

    def __init__(self, output_size: Pair) -> None:
        super().__init__(_core.AdaptiveMaxPool2d(output_size))


@register
class AdaptiveMaxPool1d(Layer):
    """Keeps the largest value of each of a given number of windows of a line; ties and NaN as in `MaxPool2d`.

    Window i of m is the places from floor(i l / m) to ceil((i + 1) l / m), the end excluded.

    Args:
        output_size: Number of windows.

    Shapes:
        x (n, c, l) to (n, c, output_size), for any l.

    Raises:
        ValueError: An output_size that is out of range.

    Cost: no multiplications; one comparison for each value of each window.

    Source: as `AdaptiveMaxPool2d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.AdaptiveMaxPool1d(2)(np.array([[[1, 2, 6]]], dtype=np.float32))
        array([[[2., 6.]]], dtype=float32)
    """

    _operation = _core.AdaptiveMaxPool1d

    def __init__(self, output_size: int) -> None:
        super().__init__(_core.AdaptiveMaxPool1d(output_size))
