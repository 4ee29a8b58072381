"""Whether floats can be the pixels that a network was made for: a network trained on uint8 pixels answers
confidently, and worse, where they come on another scale.

What is said of a scale must be sure, so that floats normalized as `Preprocessing` does never warn: an input
whose values span one of the usual scales of pixels from end to end, which is not that of the network; or one
that lies far outside of it.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from .._checks import ieee_arithmetic
from .._types import Array
from .preprocessing import Preprocessing

#: What a training gives a network: uint8 pixels, or floats as they are.
InputKind = Literal["uint8", "float"]
#: Ways in which pixels are commonly written as floats.
_USUAL = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
#: Part of a scale that may be missing at an end of it.
_END = 0.1
#: Widths of the scale of a network, beside it, that noise and arithmetic may reach.
_FAR = 10.0
#: Images of a batch that are looked at.
_IMAGES = 64


def check_input_kind(kind: Any) -> InputKind | None:
    """What a file says of the inputs that a network was trained on."""
    if kind is not None and kind not in get_args(InputKind):
        raise ValueError(f"trained_on must be one of {', '.join(get_args(InputKind))}, got {kind!r}")
    return kind  # type: ignore[no-any-return]


@ieee_arithmetic
def wrong_scale(x: Array, preprocessing: Preprocessing) -> str | None:
    """What is wrong with floats (n, c, h, w) for a network of uint8 pixels; None if nothing is sure."""
    if x.ndim != 4 or x.size == 0:
        return None
    scale, shift = (np.array(part) for part in preprocessing.affine(x.shape[1:]))
    low, high = float(shift.min()) + 0.0, float((255 * scale + shift).max())  # not -0
    seen = x[:_IMAGES]
    first, last = float(seen.min()), float(seen.max())
    width = high - low
    far = first < low - _FAR * width or last > high + _FAR * width
    if not far and not any(_spans(first, last, *usual) and not _same(low, high, *usual) for usual in _USUAL):
        return None
    return (
        f"x has floats from {first:.5g} to {last:.5g}, but this network was made for uint8 pixels, which "
        f"{preprocessing} scales to {low:.4g} .. {high:.4g}: its answers are likely to be wrong; pass the "
        "uint8 pixels, or floats on that scale"
    )


def _spans(first: float, last: float, start: float, end: float) -> bool:
    """Whether values from `first` to `last` lie within a scale and come near to both of its ends."""
    slack, near = 1e-3 * (end - start), _END * (end - start)
    return start - slack <= first <= start + near and end - near <= last <= end + slack


def _same(low: float, high: float, start: float, end: float) -> bool:
    near = _END * (end - start)
    return abs(low - start) <= near and abs(high - end) <= near
