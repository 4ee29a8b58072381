"""How wide the parts of a mask are, by peeling it layer by layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .components import Mask


def depths(mask: Mask) -> NDArray[np.int64]:
    """In how many layers each pixel lies: 1 at the edge, 0 outside. Beyond the border is outside.

    Layers are peeled off with four and with eight neighbors in turn, so that a disc is peeled as an octagon.
    """
    depth = np.zeros(mask.shape, np.int64)
    left, layers = mask, 0
    while left.any():
        depth += left
        layers += 1
        left = _peeled(left, corners=layers % 2 == 0)
    return depth


def widths(mask: Mask) -> NDArray[np.int64]:
    """Depths along the middle of each stroke: half its width, at many places."""
    depth = depths(mask)
    padded = np.pad(depth, 1)
    beside = np.maximum.reduce([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    middle: NDArray[np.int64] = depth[(depth >= beside) & mask]
    return middle


def flat(mask: Mask) -> Mask:
    """Where all neighbors are marked, or none: not at an edge. Beyond the border is as at the border."""
    p = np.pad(mask, 1, mode="edge")
    rows = p[:-2].astype(np.uint8) + p[1:-1] + p[2:]
    marked = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    result: Mask = (marked == 0) | (marked == 9)
    return result


def _peeled(mask: Mask, corners: bool) -> Mask:
    p = np.pad(mask, 1)
    kept = mask & p[:-2, 1:-1] & p[2:, 1:-1] & p[1:-1, :-2] & p[1:-1, 2:]
    if corners:
        kept &= p[:-2, :-2] & p[:-2, 2:] & p[2:, :-2] & p[2:, 2:]
    return kept
