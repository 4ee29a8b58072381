"""Connected blots of ink, and which of them cannot belong to the letter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_BLOT = 0.015
"""Blots smaller than this share of the largest are dirt; the dot of an i has about a tenth."""

STRIP_DEPTH = 0.15
"""A blot along the image's edge that reaches less far in than this share of the image is a strip."""

STRIP_LENGTH = 3.0
"""It also is this many times as long as it is deep."""

Mask = NDArray[np.bool_]


def keep_large(mask: Mask) -> Mask:
    """Drops specks."""
    labels, areas = _blots(mask)
    return _large(areas)[labels]


def keep_letter(mask: Mask) -> Mask:
    """Drops specks, and strips along the image's edge (a table, a shadow) if what remains is clear of the
    edge.

    Where more than strips touches the edge the letter is cut out tightly, and a strip is one of its strokes.
    """
    labels, areas = _blots(mask)
    h, w = mask.shape
    top, bottom, left, right = _extents(labels, len(areas))
    deep, long = bottom - top + 1, right - left + 1
    lying = ((top == 0) | (bottom == h - 1)) & (deep < STRIP_DEPTH * h) & (long > STRIP_LENGTH * deep)
    standing = ((left == 0) | (right == w - 1)) & (long < STRIP_DEPTH * w) & (deep > STRIP_LENGTH * long)
    large, strip = _large(areas), lying | standing
    touching = (top == 0) | (bottom == h - 1) | (left == 0) | (right == w - 1)
    rest = large & ~strip
    if rest.any() and not (rest & touching).any():
        areas[strip] = 0
    return _large(areas)[labels]


def label(mask: Mask) -> tuple[NDArray[np.int64], int]:
    """Numbers the connected blots (eight neighbors) from 1 on; 0 is the page.

    Runs of each row are joined with the runs they touch in the row above: work grows with runs, not pixels.
    """
    h, w = mask.shape
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(steps == 1)
    stop = np.nonzero(steps == -1)[1]
    first = np.searchsorted(row, np.arange(h + 1))
    parent = list(range(len(row)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    starts, stops = start.tolist(), stop.tolist()
    for y in range(1, h):
        above, here = int(first[y - 1]), int(first[y])
        while above < first[y] and here < first[y + 1]:
            if starts[here] <= stops[above] and starts[above] <= stops[here]:
                parent[root(here)] = root(above)
            if stops[above] < stops[here]:
                above += 1
            else:
                here += 1
    roots, numbers = np.unique([root(run) for run in range(len(row))], return_inverse=True)
    marks = np.zeros((h, w + 1), np.int64)
    np.add.at(marks, (row, start), numbers + 1)
    np.add.at(marks, (row, stop), -(numbers + 1))
    return np.cumsum(marks, axis=1)[:, :w], len(roots)


def _blots(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of each pixel's blot, and the area of each blot; the page, 0, counts as none."""
    labels, count = label(mask)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    return labels, areas


def _large(areas: NDArray[np.int64]) -> Mask:
    large: Mask = areas >= max(MIN_BLOT * areas.max(), 1)
    return large


def _extents(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """First and last row, first and last column of each blot."""
    y, x = np.nonzero(labels)
    numbers = labels[y, x]
    found = np.zeros((4, count), np.int64)
    found[::2] = max(labels.shape)
    for k, (reduce, at) in enumerate(((np.minimum, y), (np.maximum, y), (np.minimum, x), (np.maximum, x))):
        reduce.at(found[k], numbers, at)
    return found
