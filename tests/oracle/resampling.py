"""Upsampling and downsampling by integer factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.oracle.common import Array, Gradients


def every(x: Array, factor: Any) -> tuple[Any, ...]:
    """The index that selects every factor-th value along each axis after the channels."""
    factors = (factor,) * (x.ndim - 2) if isinstance(factor, int) else tuple(factor)
    return (..., *(slice(None, None, f) for f in factors))


def upsample(x: Array, scale_factor: Any, mode: str) -> Array:
    """nearest: y[i] = x[floor(i / f)]; zeros: y[i*f] = x[i], 0 between; on each axis after the channels."""
    y = np.asarray(x, np.float64)
    factors = (scale_factor,) * (y.ndim - 2) if isinstance(scale_factor, int) else scale_factor
    if mode == "nearest":
        for axis, f in enumerate(factors, 2):
            y = np.repeat(y, f, axis)
        return y
    large = np.zeros((*y.shape[:2], *((s - 1) * f + 1 for s, f in zip(y.shape[2:], factors, strict=True))))
    large[every(y, scale_factor)] = y
    return large


def upsample_backward(dy: Array, x: Array, scale_factor: Any, mode: str) -> Gradients:
    """dx is the sum of dy over the positions to which x was copied."""
    dy = np.asarray(dy, np.float64)
    if mode == "zeros":
        return (dy[every(dy, scale_factor)],)
    factors = (scale_factor,) * (dy.ndim - 2) if isinstance(scale_factor, int) else scale_factor
    for axis, f in enumerate(factors, 2):
        split = (*dy.shape[:axis], dy.shape[axis] // f, f, *dy.shape[axis + 1 :])
        dy = dy.reshape(split).sum(axis + 1)
    return (dy,)


def upsample1d(x: Array, *, scale_factor: int, mode: str = "nearest") -> Array:
    return upsample(x, scale_factor, mode)


def upsample1d_backward(dy: Array, x: Array, *, scale_factor: int, mode: str = "nearest") -> Gradients:
    return upsample_backward(dy, x, scale_factor, mode)


def upsample2d(x: Array, *, scale_factor: Any, mode: str = "nearest") -> Array:
    return upsample(x, scale_factor, mode)


def upsample2d_backward(dy: Array, x: Array, *, scale_factor: Any, mode: str = "nearest") -> Gradients:
    return upsample_backward(dy, x, scale_factor, mode)


def downsample1d(x: Array, *, factor: int) -> Array:
    """y[i] = x[i*f]."""
    return np.asarray(x, np.float64)[every(x, factor)]


def downsample1d_backward(dy: Array, x: Array, *, factor: int) -> Gradients:
    """dy to where it came from, 0 elsewhere."""
    dx = np.zeros(np.shape(x))
    dx[every(dx, factor)] = dy
    return (dx,)


def downsample2d(x: Array, *, factor: Any) -> Array:
    """y[i,j] = x[i*fh,j*fw]."""
    return np.asarray(x, np.float64)[every(x, factor)]


def downsample2d_backward(dy: Array, x: Array, *, factor: Any) -> Gradients:
    """dy to where it came from, 0 elsewhere."""
    dx = np.zeros(np.shape(x))
    dx[every(dx, factor)] = dy
    return (dx,)


PAIRS = {
    "Upsample1d": (upsample1d, upsample1d_backward),
    "Upsample2d": (upsample2d, upsample2d_backward),
    "Downsample1d": (downsample1d, downsample1d_backward),
    "Downsample2d": (downsample2d, downsample2d_backward),
}
