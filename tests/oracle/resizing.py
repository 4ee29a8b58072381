"""Nearest resizing, in exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients

HALF = Fraction(1, 2)

ROUNDED = {
    "floor": math.floor,
    "ceil": math.ceil,
    "round_prefer_floor": lambda p: math.ceil(p - HALF),
    "round_prefer_ceil": lambda p: math.floor(p + HALF),
}


def position(i: int, size: int, outputs: int, scale: Fraction, mode: str) -> Fraction:
    """Where output i lies on the input: the formulas of ONNX's Resize."""
    if mode == "align_corners":
        return Fraction(i * (size - 1), outputs - 1) if outputs > 1 else Fraction(0)
    if mode == "asymmetric":
        return i / scale
    if mode == "pytorch_half_pixel" and outputs == 1:
        return Fraction(0)
    half_pixel = (i + HALF) / scale - HALF
    if mode == "half_pixel_symmetric":
        adjustment = outputs / (scale * size)
        return Fraction(size, 2) * (1 - adjustment) + half_pixel
    return half_pixel


def sources(size: int, wanted: int | None, factor: float | None, nearest: str, coordinates: str) -> list[int]:
    """The input of each output along one axis."""
    outputs = wanted or math.floor(size * factor)
    scale = Fraction(outputs, size) if factor is None else Fraction(factor)
    rounded = (ROUNDED[nearest](position(i, size, outputs, scale, coordinates)) for i in range(outputs))
    return [min(max(r, 0), size - 1) for r in rounded]


def axes(x: Array, size: Any, scale_factor: Any, nearest: str, coordinates: str) -> list[list[int]]:
    rank = np.ndim(x) - 2
    sizes, factors = (v if isinstance(v, tuple) else (v,) * rank for v in (size, scale_factor))
    each = zip(np.shape(x)[2:], sizes, factors, strict=True)
    return [sources(extent, wanted, factor, nearest, coordinates) for extent, wanted, factor in each]


def resize2d(
    x: Array,
    *,
    size: Any = None,
    scale_factor: Any = None,
    nearest_mode: str = "floor",
    coordinate_transformation_mode: str = "asymmetric",
) -> Array:
    """y[n,c,i,j] = x[n,c,r(i),r(j)]."""
    y = np.asarray(x, np.float64)
    for axis, places in enumerate(
        axes(x, size, scale_factor, nearest_mode, coordinate_transformation_mode), 2
    ):
        y = y.take(places, axis)
    return y


def resize2d_backward(
    dy: Array,
    x: Array,
    *,
    size: Any = None,
    scale_factor: Any = None,
    nearest_mode: str = "floor",
    coordinate_transformation_mode: str = "asymmetric",
) -> Gradients:
    """Each x gets the sum of dy over the places it went to."""
    dx = np.asarray(dy, np.float64)
    for axis, places in enumerate(
        axes(x, size, scale_factor, nearest_mode, coordinate_transformation_mode), 2
    ):
        rows = np.moveaxis(dx, axis, 0)
        summed = np.zeros((np.shape(x)[axis], *rows.shape[1:]))
        np.add.at(summed, places, rows)
        dx = np.moveaxis(summed, 0, axis)
    return (dx,)


def resize1d(
    x: Array,
    *,
    size: int | None = None,
    scale_factor: float | None = None,
    nearest_mode: str = "floor",
    coordinate_transformation_mode: str = "asymmetric",
) -> Array:
    """y[n,c,i] = x[n,c,r(i)]."""
    return resize2d(
        x,
        size=size,
        scale_factor=scale_factor,
        nearest_mode=nearest_mode,
        coordinate_transformation_mode=coordinate_transformation_mode,
    )


def resize1d_backward(
    dy: Array,
    x: Array,
    *,
    size: int | None = None,
    scale_factor: float | None = None,
    nearest_mode: str = "floor",
    coordinate_transformation_mode: str = "asymmetric",
) -> Gradients:
    """Each x gets the sum of dy over the places it went to."""
    return resize2d_backward(
        dy,
        x,
        size=size,
        scale_factor=scale_factor,
        nearest_mode=nearest_mode,
        coordinate_transformation_mode=coordinate_transformation_mode,
    )


PAIRS = {"Resize1d": (resize1d, resize1d_backward), "Resize2d": (resize2d, resize2d_backward)}
