"""Skew of the lines of a page, and removal of printed rules."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .ink import Mask

MAX_ANGLE = 12.0
POINTS = 20_000

RULE_LENGTH, RULE_WIDTH, RULE_DENSITY = 150, 6, 0.85
"""Printed rules: in a window of this length at least this fraction is ink, at most this thick."""


def skew(mask: Mask) -> float:
    """Angle of the lines in degrees, positive if they fall to the right: the rotation whose row sums have
    the largest sum of squares (projection profile)."""
    y, x = np.nonzero(mask)
    step = -(-len(y) // POINTS)
    y, x = y[::step], x[::step]
    if not len(y):
        return 0.0

    def sharpness(angle: float) -> float:
        a = math.radians(angle)
        rows = (y * math.cos(a) - x * math.sin(a)) / 2
        counts = np.bincount((rows - rows.min()).astype(np.int64)).astype(np.float64)
        return float((counts**2).sum())

    best = max(np.arange(-MAX_ANGLE, MAX_ANGLE + 0.1, 0.5), key=sharpness)
    return float(max(np.arange(best - 0.5, best + 0.55, 0.1), key=sharpness))


def rotation(shape: tuple[int, int], angle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix and offset that map (y, x) of the straightened page to (y, x) of the page."""
    a = math.radians(angle)
    matrix = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    center = (np.array(shape) - 1) / 2
    return matrix, center - matrix @ (np.array(straight_shape(shape, angle)) - 1) / 2


def straight_shape(shape: tuple[int, int], angle: float) -> tuple[int, int]:
    a = math.radians(abs(angle))
    h, w = shape
    return (
        math.ceil(h * math.cos(a) + w * math.sin(a)),
        math.ceil(w * math.cos(a) + h * math.sin(a)),
    )


def straightened(ink: NDArray[np.float32], angle: float) -> NDArray[np.float32]:
    """The ink rotated so that lines are horizontal, on a page large enough for all of it."""
    if abs(angle) < 0.15:
        return ink
    ndimage = require("scipy.ndimage", "reading pages")
    matrix, offset = rotation(ink.shape, angle)
    shape = straight_shape(ink.shape, angle)
    result: NDArray[np.float32] = ndimage.affine_transform(ink, matrix, offset, shape, order=1)
    return result


def rules(mask: Mask) -> Mask:
    """Pixels of long thin lines, horizontal or vertical, where nothing crosses them."""
    return _rows(mask) | _rows(mask.T).T


def _rows(mask: Mask) -> Mask:
    ndimage = require("scipy.ndimage", "reading pages")
    thick = ndimage.binary_opening(mask, np.ones((RULE_WIDTH + 1, 1), bool))
    thin = mask & ~thick
    near = ndimage.maximum_filter1d(thin, 5, axis=0).astype(np.float32)
    dense = ndimage.uniform_filter1d(near, RULE_LENGTH, axis=1) > RULE_DENSITY
    found: Mask = thin & ndimage.maximum_filter1d(dense, RULE_LENGTH, axis=1)
    return found
