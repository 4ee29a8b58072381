"""`Resize2d`, `Resize1d`: nearest-neighbor resizing to any size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .. import _core
from .._types import Pair, Scale
from .layer import Layer
from .registry import register

NearestMode = Literal["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]
Coordinates = Literal[
    "asymmetric", "half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "align_corners"
]


class _Resize(Layer):
    """`size` and `scale_factor` both default to None, but one is needed."""

    @classmethod
    def default_settings(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {name: argument.default for name, argument in cls._arguments().items()}


@register
class Resize2d(_Resize):
    """Resizes images to any size by nearest neighbor: y[n,c,i,j] = x[n, c, r(i), r(j)].

    r(i) is the position p of output i on the input, rounded to an integer and clamped to the image. For an
    axis of l inputs and l' outputs, and s = l' / l (or the `scale_factor`):

    - "asymmetric": p = i / s
    - "half_pixel": p = (i + 0.5) / s - 0.5
    - "pytorch_half_pixel": the same; 0 if there is one output
    - "half_pixel_symmetric": "half_pixel" plus (l - l' / s) / 2, half of what is lost by rounding l * s down
    - "align_corners": p = i * (l - 1) / (l' - 1); 0 if there is one output

    The defaults are PyTorch's interpolate(mode="nearest"); its "nearest-exact" is "half_pixel" with
    "round_prefer_ceil". ONNX's Resize defaults to "half_pixel" and "round_prefer_floor".
    Positions are exact fractions where `size` is given, while PyTorch and ONNX Runtime round them to float32.

    Args:
        size: Height and width of the output; one number for both.
        scale_factor: Factor s, instead of `size`: one number or (vertical, horizontal); l' = floor(l * s).
        nearest_mode: How p is rounded: "floor", "ceil", or to the nearest, halves down
            ("round_prefer_floor") or up ("round_prefer_ceil").
        coordinate_transformation_mode: How p is computed.

    Shapes:
        x (n, c, h, w) to (n, c, h', w').

    Raises:
        ValueError: Both or neither of `size` and `scale_factor`, one that is out of range, an unknown mode;
            when called, an input that is not (n, c, h, w) or a factor that makes it empty.

    Cost: a copy; backward one addition an output value.

    Source: ONNX's Resize, mode "nearest"; PyTorch's interpolate.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> x = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
        >>> nn.Resize2d((2, 5))(x)[0, 0]
        array([[0., 0., 0., 1., 1.],
               [2., 2., 2., 3., 3.]], dtype=float32)
    """

    _operation = _core.Resize2d

    def __init__(
        self,
        size: Pair | None = None,
        scale_factor: Scale | None = None,
        nearest_mode: NearestMode = "floor",
        coordinate_transformation_mode: Coordinates = "asymmetric",
    ) -> None:
        super().__init__(_core.Resize2d(size, scale_factor, nearest_mode, coordinate_transformation_mode))


@register
class Resize1d(_Resize):
    """Resizes sequences to any length by nearest neighbor: y[n,c,i] = x[n, c, r(i)]; r as in `Resize2d`.

    Args:
        size: Length of the output.
        scale_factor: Factor s, instead of `size`; l' = floor(l * s).
        nearest_mode: As in `Resize2d`.
        coordinate_transformation_mode: As in `Resize2d`.

    Shapes:
        x (n, c, l) to (n, c, l').

    Raises:
        ValueError: As `Resize2d`.

    Cost: a copy; backward one addition an output value.

    Source: as `Resize2d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.Resize1d(scale_factor=1.5)(np.array([[[1, 2]]], dtype=np.float32))
        array([[[1., 1., 2.]]], dtype=float32)
    """

    _operation = _core.Resize1d

    def __init__(
        self,
        size: int | None = None,
        scale_factor: float | None = None,
        nearest_mode: NearestMode = "floor",
        coordinate_transformation_mode: Coordinates = "asymmetric",
    ) -> None:
        super().__init__(_core.Resize1d(size, scale_factor, nearest_mode, coordinate_transformation_mode))
