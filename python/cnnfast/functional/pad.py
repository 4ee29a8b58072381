"""`pad`, in one or two dimensions, with PyTorch's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .. import _core
from .._types import Array
from ._run import backward, check_floats, forward

Mode = Literal["constant", "reflect", "replicate", "edge"]


def pad(
    x: Array, pad: Sequence[int], mode: Mode = "constant", value: float = 0.0, *, isa: str | None = None
) -> Array:
    """(n, c, l) or (n, c, h, w) padded; see `nn.Pad1d` and `nn.Pad2d`.

    Args:
        pad: (left, right) of the last axis, or (left, right, top, bottom) of the last two.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> functional.pad(np.array([[[1.0, 2, 3]]]), (2, 0), mode="reflect")
        array([[[3., 2., 1., 2., 3.]]])
    """
    check_floats("pad", x=x)
    return forward("pad", _operation("pad", x, pad, mode, value), x, isa=isa)


def pad_backward(
    dy: Array,
    x: Array,
    pad: Sequence[int],
    mode: Mode = "constant",
    value: float = 0.0,
    *,
    isa: str | None = None,
) -> Array:
    """dx of `pad`: the sum of dy over the positions a value is copied to."""
    check_floats("pad_backward", x=x, dy=dy)
    return backward("pad_backward", _operation("pad_backward", x, pad, mode, value), dy, x, isa=isa)[0]


def _operation(who: str, x: Array, padding: Sequence[int], mode: Mode, value: float) -> _core.Op:
    if x.ndim not in (3, 4):
        raise ValueError(f"{who}: x must have shape (n, c, l) or (n, c, h, w), got {x.shape}")
    axes = 2 if x.ndim == 4 else 1
    if not isinstance(padding, tuple | list):
        raise TypeError(f"{who}: pad must be (left, right) or (left, right, top, bottom), got {padding!r}")
    if len(padding) not in (2, 2 * axes):
        most = "(left, right)" if axes == 1 else "(left, right) or (left, right, top, bottom)"
        raise ValueError(f"{who}: pad of x {x.shape} must be {most}, got {padding!r}")
    if axes == 1:
        return _core.Pad1d((padding[0], padding[1]), mode, value)
    top, bottom = padding[2:] or (0, 0)
    return _core.Pad2d((padding[0], padding[1], top, bottom), mode, value)
