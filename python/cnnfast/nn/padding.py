"""`Pad2d` and `Pad1d`: padding in every mode. PyTorch's names are in `named_padding.py`."""

from __future__ import annotations

from typing import Literal

from .. import _core
from .._types import Ends, Sides
from .layer import Layer
from .registry import register

Mode = Literal["constant", "reflect", "replicate", "edge"]


@register
class Pad2d(Layer):
    """Pads images on each side.

    "constant": pixels of `value`. "reflect": the image mirrored at its first and last rows and columns, which
    are not repeated: 3 2 | 1 2 3 | 2 1. "replicate": its nearest pixel, 1 1 | 1 2 3 | 3 3.

    Args:
        padding: One number, or (left, right, top, bottom). Negative numbers, in mode "constant" only,
            crop.
        mode: "constant", "reflect" or "replicate", which ONNX calls "edge".
        value: Fill value of mode "constant".

    Shapes:
        x (n, c, h, w) to (n, c, top + h + bottom, left + w + right).

    Raises:
        ValueError: An unknown mode, negative padding where the mode is not "constant", a `value` for another
            mode; when called, reflected padding as large as the image, or an image that
            is cropped entirely.

    Cost: a copy.

    Source: PyTorch's pad; ONNX's Pad.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> x = np.array([[[[1, 2, 3]]]], dtype=np.float32)
        >>> nn.Pad2d((2, 1, 0, 0), mode="reflect")(x)[0, 0]
        array([[3., 2., 1., 2., 3., 2.]], dtype=float32)
    """

    _operation = _core.Pad2d

    def __init__(self, padding: Sides, mode: Mode = "constant", value: float = 0.0) -> None:
        super().__init__(_core.Pad2d(padding, mode, value))


@register
class Pad1d(Layer):
    """Pads sequences at both ends; modes as in `Pad2d`.

    Args:
        padding: One number, or (before, after). Negative numbers, in mode "constant" only, crop.
        mode: "constant", "reflect" or "replicate", which ONNX calls "edge".
        value: Fill value of mode "constant".

    Shapes:
        x (n, c, l) to (n, c, before + l + after).

    Raises:
        ValueError: As `Pad2d`.

    Cost: a copy.

    Source: as `Pad2d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Pad1d((1, 2), mode="replicate")(np.array([[[1, 2]]], dtype=np.float32))
        array([[[1., 1., 2., 2., 2.]]], dtype=float32)
    """

    _operation = _core.Pad1d

    def __init__(self, padding: Ends, mode: Mode = "constant", value: float = 0.0) -> None:
        super().__init__(_core.Pad1d(padding, mode, value))
