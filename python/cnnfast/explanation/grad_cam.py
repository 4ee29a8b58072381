"""Grad-CAM: where in a layer's maps the score of a class comes from. Selvaraju et al. 2017,
arXiv:1610.02391.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._checks import ieee_arithmetic
from .._types import Array


class GradCam(NamedTuple):
    """A Grad-CAM map of a layer.

    Attributes:
        layer: Its name.
        map: (h, w) of the layer's output, max(sum of channel weight * channel, 0); the weight of a channel
            is the mean of the gradients of the score by its values.
        text: Why the map is zero or flat; empty if it is neither.
    """

    layer: str
    map: Array
    text: str


@ieee_arithmetic
def grad_cam(layer: str, values: Array, gradients: Array) -> GradCam:
    """The map of one layer with an output (c, h, w) or (c, w)."""
    axes = tuple(range(1, values.ndim))
    weights = gradients.mean(axis=axes)
    summed = np.tensordot(weights, values, 1)
    found = np.maximum(summed, 0).reshape(-1, values.shape[-1])
    return GradCam(layer, found, _reason(found, summed, gradients))


def _reason(found: Array, summed: Array, gradients: Array) -> str:
    if not np.isfinite(found).all():
        return "not finite: values or gradients of this layer are not"
    if found.size == 1:
        return "flat: this layer has a single position"
    if not gradients.any():
        return "zero: no gradient reaches this layer, so that the score does not change with its values"
    if not found.any() and not summed.any():
        return "zero: the mean gradient of each active channel is zero"
    if not found.any():
        return "zero: every position speaks against the class, the weighted sum is negative everywhere"
    return "flat: all positions have the same value" if not np.ptp(found) else ""
