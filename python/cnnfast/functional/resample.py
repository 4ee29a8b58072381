"""Upsampling and downsampling by whole factors."""

from __future__ import annotations

from typing import Literal

from .. import _core
from .._types import Array, Pair
from ._run import backward, check_floats, forward

Mode = Literal["nearest", "zeros"]


def upsample1d(x: Array, scale_factor: int, mode: Mode = "nearest", *, isa: str | None = None) -> Array:
    """Every value repeated, or zeros put between; see `nn.Upsample1d`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> functional.upsample1d(np.array([[[1.0, 2.0]]]), 2)
        array([[[1., 1., 2., 2.]]])
    """
    check_floats("upsample1d", x=x)
    return forward("upsample1d", _core.Upsample1d(scale_factor, mode), x, isa=isa)


def upsample1d_backward(
    dy: Array, x: Array, scale_factor: int, mode: Mode = "nearest", *, isa: str | None = None
) -> Array:
    """dx of `upsample1d`."""
    check_floats("upsample1d_backward", x=x, dy=dy)
    return backward("upsample1d_backward", _core.Upsample1d(scale_factor, mode), dy, x, isa=isa)[0]


def upsample2d(x: Array, scale_factor: Pair, mode: Mode = "nearest", *, isa: str | None = None) -> Array:
    """Every pixel repeated, or zeros put between; see `nn.Upsample2d`."""
    check_floats("upsample2d", x=x)
    return forward("upsample2d", _core.Upsample2d(scale_factor, mode), x, isa=isa)


def upsample2d_backward(
    dy: Array, x: Array, scale_factor: Pair, mode: Mode = "nearest", *, isa: str | None = None
) -> Array:
    """dx of `upsample2d`: the sum of dy over the places a pixel went to."""
    check_floats("upsample2d_backward", x=x, dy=dy)
    return backward("upsample2d_backward", _core.Upsample2d(scale_factor, mode), dy, x, isa=isa)[0]


def downsample1d(x: Array, factor: int, *, isa: str | None = None) -> Array:
    """Every factor-th value; see `nn.Downsample1d`."""
    check_floats("downsample1d", x=x)
    return forward("downsample1d", _core.Downsample1d(factor), x, isa=isa)


def downsample1d_backward(dy: Array, x: Array, factor: int, *, isa: str | None = None) -> Array:
    """dx of `downsample1d`, of the original length."""
    check_floats("downsample1d_backward", x=x, dy=dy)
    return backward("downsample1d_backward", _core.Downsample1d(factor), dy, x, isa=isa)[0]


def downsample2d(x: Array, factor: Pair, *, isa: str | None = None) -> Array:
    """Every factor-th row and column; see `nn.Downsample2d`."""
    check_floats("downsample2d", x=x)
    return forward("downsample2d", _core.Downsample2d(factor), x, isa=isa)


def downsample2d_backward(dy: Array, x: Array, factor: Pair, *, isa: str | None = None) -> Array:
    """dx of `downsample2d`, of the original height and width."""
    check_floats("downsample2d_backward", x=x, dy=dy)
    return backward("downsample2d_backward", _core.Downsample2d(factor), dy, x, isa=isa)[0]
