"""`Upsample1d`, `Upsample2d`, `Downsample1d`, `Downsample2d`: resampling by an integer factor."""

from __future__ import annotations

from typing import Literal

from .. import _core
from .._types import Pair
from .layer import Layer
from .registry import register


@register
class Upsample2d(Layer):
    """Upsamples images by an integer factor, by repeating pixels or inserting zeros.

    "nearest": y[n,c,i,j] = x[n, c, floor(i / fh), floor(j / fw)].
    "zeros": y[n, c, i*fh, j*fw] = x[n,c,i,j], and 0 elsewhere: f - 1 zeros between neighbors, none after the
    last. The gradient of a convolution of stride f is a convolution of stride 1 over such an image.

    Args:
        scale_factor: One number or (vertical, horizontal).
        mode: "nearest" or "zeros".

    Shapes:
        x (n, c, h, w) to (n, c, h * fh, w * fw); with "zeros" to (n, c, (h-1) * fh + 1, (w-1) * fw + 1).

    Raises:
        ValueError: A factor below 1, another mode; when called, an input that is not (n, c, h, w).

    Source: PyTorch's Upsample (nearest); the zero-insertion upsampling of CMU 11-785.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> x = np.array([[[[1, 2], [3, 4]]]], dtype=np.float32)
        >>> nn.Upsample2d((1, 2))(x)[0, 0]
        array([[1., 1., 2., 2.],
               [3., 3., 4., 4.]], dtype=float32)
        >>> nn.Upsample2d(2, mode="zeros")(x)[0, 0]
        array([[1., 0., 2.],
               [0., 0., 0.],
               [3., 0., 4.]], dtype=float32)
    """

    _operation = _core.Upsample2d

    def __init__(self, scale_factor: Pair, mode: Literal["nearest", "zeros"] = "nearest") -> None:
        super().__init__(_core.Upsample2d(scale_factor, mode))


@register
class Upsample1d(Layer):
    """Upsamples sequences by an integer factor, by repeating values or inserting factor - 1 zeros.

    "nearest": y[n,c,i] = x[n, c, floor(i / f)]. "zeros": y[n, c, i*f] = x[n,c,i], and 0 elsewhere.

    Args:
        scale_factor: An integer of at least 1.
        mode: "nearest" or "zeros".

    Shapes:
        x (n, c, l) to (n, c, l * f); with "zeros" to (n, c, (l-1) * f + 1).

    Raises:
        ValueError: A factor below 1, another mode; when called, an input that is not (n, c, l).

    Source: as `Upsample2d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Upsample1d(3, mode="zeros")(np.array([[[1, 2]]], dtype=np.float32))
        array([[[1., 0., 0., 2.]]], dtype=float32)
    """

    _operation = _core.Upsample1d

    def __init__(self, scale_factor: int, mode: Literal["nearest", "zeros"] = "nearest") -> None:
        super().__init__(_core.Upsample1d(scale_factor, mode))


@register
class Downsample2d(Layer):
    """Keeps every f-th row and column, from the first on: y[n,c,i,j] = x[n, c, i*fh, j*fw].

    The gradient of the other values is 0.

    Args:
        factor: One number or (vertical, horizontal).

    Shapes:
        x (n, c, h, w) to (n, c, ceil(h / fh), ceil(w / fw)).

    Raises:
        ValueError: A factor below 1; when called, an input that is not (n, c, h, w).

    Source: CMU 11-785: a convolution of stride f is one of stride 1 followed by this.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Downsample2d(2)(np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3))[0, 0]
        array([[0., 2.],
               [6., 8.]], dtype=float32)
    """

    _operation = _core.Downsample2d

    def __init__(self, factor: Pair) -> None:
        super().__init__(_core.Downsample2d(factor))


@register
class Downsample1d(Layer):
    """Keeps every f-th value, from the first on: y[n,c,i] = x[n, c, i*f].

    The gradient of the other values is 0.

    Args:
        factor: Keep every `factor`-th value.

    Shapes:
        x (n, c, l) to (n, c, ceil(l / f)).

    Raises:
        ValueError: A factor below 1; when called, an input that is not (n, c, l).

    Source: as `Downsample2d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Downsample1d(3)(np.arange(8, dtype=np.float32).reshape(1, 1, 8))
        array([[[0., 3., 6.]]], dtype=float32)
    """

    _operation = _core.Downsample1d

    def __init__(self, factor: int) -> None:
        super().__init__(_core.Downsample1d(factor))
