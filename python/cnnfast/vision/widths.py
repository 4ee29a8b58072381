"""Stroke widths of a mask, by repeated erosion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .components import Mask


def depths(mask: Mask) -> NDArray[np.int64]:
    """Distance of each pixel from the edge of the mask: the number of erosions it survives, plus 1; 0
    outside. The mask is padded with zeros.

    Erosions alternate between 4 and 8 neighbors, which approximates a disc by an octagon.
    """
    depth = np.zeros(mask.shape, np.int64)
    left, layers = mask, 0
    while left.any():
        depth += left
        layers += 1
        left = _eroded(left, corners=layers % 2 == 0)
    return depth


def widths(mask: Mask) -> NDArray[np.int64]:
    """Depths along the center line of each stroke: half its width at many positions."""
    depth = depths(mask)
    padded = np.pad(depth, 1)
    beside = np.maximum.reduce([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    middle: NDArray[np.int64] = depth[(depth >= beside) & mask]
    return middle


def flat(mask: Mask) -> Mask:
    """Pixels not at an edge: all of their 3x3 neighborhood is in the mask, or none. The mask is padded by its
    edge values."""
    p = np.pad(mask, 1, mode="edge")
    rows = p[:-2].astype(np.uint8) + p[1:-1] + p[2:]
    marked = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    result: Mask = (marked == 0) | (marked == 9)
    return result


def _eroded(mask: Mask, corners: bool) -> Mask:
    p = np.pad(mask, 1)
    kept = mask & p[:-2, 1:-1] & p[2:, 1:-1] & p[1:-1, :-2] & p[1:-1, 2:]
    if corners:
        kept &= p[:-2, :-2] & p[:-2, 2:] & p[2:, :-2] & p[2:, 2:]
    return kept
