"""Detects float inputs on another scale than a network's, on which its predictions are worse but as
confident.

It is conservative, so that floats normalized as by `Preprocessing` never warn: only an input that spans one
of the usual pixel ranges completely, if that is not the network's, or one far outside of the network's range.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from .._checks import ieee_arithmetic
from .._types import Array
from .preprocessing import Preprocessing

#: Type of the inputs in training.
InputKind = Literal["uint8", "float"]
#: Usual ranges of pixels as floats.
_USUAL = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
#: Tolerance at the ends of a range, as a fraction of its width.
_END = 0.1
#: Allowed distance from the network's range, in multiples of its width.
_FAR = 10.0
#: Number of images of a batch to check.
_IMAGES = 64


def check_input_kind(kind: Any) -> InputKind | None:
    """Checks the value of `trained_on` in a file."""
    if kind is not None and kind not in get_args(InputKind):
        raise ValueError(f"trained_on must be one of {', '.join(get_args(InputKind))}, got {kind!r}")
    return kind  # type: ignore[no-any-return]


@ieee_arithmetic
def wrong_scale(x: Array, preprocessing: Preprocessing) -> str | None:
    """A warning for floats (n, c, h, w) on another scale than that of a network for uint8 pixels, or None."""
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
        f"{preprocessing} scales to {low:.4g} .. {high:.4g}: predictions are likely to be wrong; pass the "
        "uint8 pixels, or floats on that scale"
    )


def _spans(first: float, last: float, start: float, end: float) -> bool:
    """Whether values from `first` to `last` lie within a scale and come near to both of its ends."""
    slack, near = 1e-3 * (end - start), _END * (end - start)
    return start - slack <= first <= start + near and end - near <= last <= end + slack


def _same(low: float, high: float, start: float, end: float) -> bool:
    near = _END * (end - start)
    return abs(low - start) <= near and abs(high - end) <= near
