"""Learned offsets."""

from __future__ import annotations

import numpy as np

from tests.oracle.common import Array, Gradients


def channel_bias(x: Array, b: Array) -> Array:
    """y[n,c,i,j] = x[n,c,i,j] + b[c]."""
    return np.asarray(x, np.float64) + np.asarray(b, np.float64)[:, None, None]


def channel_bias_backward(dy: Array, x: Array, b: Array) -> Gradients:
    dy = np.asarray(dy, np.float64)
    return dy, dy.sum(axis=(0, 2, 3))


def position_bias(x: Array, b: Array) -> Array:
    """y[n,c,i,j] = x[n,c,i,j] + b[c,i,j]."""
    return np.asarray(x, np.float64) + np.asarray(b, np.float64)


def position_bias_backward(dy: Array, x: Array, b: Array) -> Gradients:
    dy = np.asarray(dy, np.float64)
    return dy, dy.sum(axis=0)


PAIRS = {
    "ChannelBias": (channel_bias, channel_bias_backward),
    "PositionBias": (position_bias, position_bias_backward),
}
