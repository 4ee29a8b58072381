"""Connected components of ink, and which of them cannot belong to the letter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_AREA = 0.015
"""Components smaller than this fraction of the largest are noise; the dot of an i has about a tenth."""

STRIP_DEPTH = 0.15
"""A component along the image's edge, less deep than this fraction of the image, is a strip ..."""

STRIP_LENGTH = 3.0
"""... if it is at least this many times as long as it is deep."""

Mask = NDArray[np.bool_]


def keep_large(mask: Mask) -> Mask:
    """Removes small components."""
    labels, areas = _labels_and_areas(mask)
    return _large(areas)[labels]


def keep_letter(mask: Mask) -> Mask:
    """Removes small components, and strips along the image's edge (a table, a shadow).

    Strips stay where another component touches the edge too: the image is then cropped at the letter, and a
    strip is one of its strokes.
    """
    labels, areas = _labels_and_areas(mask)
    h, w = mask.shape
    top, bottom, left, right = _extents(labels, len(areas))
    deep, long = bottom - top + 1, right - left + 1
    horizontal = ((top == 0) | (bottom == h - 1)) & (deep < STRIP_DEPTH * h) & (long > STRIP_LENGTH * deep)
    vertical = ((left == 0) | (right == w - 1)) & (long < STRIP_DEPTH * w) & (deep > STRIP_LENGTH * long)
    large, strip = _large(areas), horizontal | vertical
    touching = (top == 0) | (bottom == h - 1) | (left == 0) | (right == w - 1)
    rest = large & ~strip
    if rest.any() and not (rest & touching).any():
        areas[strip] = 0
    return _large(areas)[labels]


def label(mask: Mask) -> tuple[NDArray[np.int64], int]:
    """Labels the connected components (8-connectivity) from 1; 0 is the background. Returns labels and count.

    Union-find over the runs of each row: the cost grows with runs, not pixels.
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


def _labels_and_areas(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The label of each pixel, and the area of each label; that of the background is 0."""
    labels, count = label(mask)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    return labels, areas


def _large(areas: NDArray[np.int64]) -> Mask:
    large: Mask = areas >= max(MIN_AREA * areas.max(), 1)
    return large


def _extents(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """First and last row, first and last column of each component."""
    y, x = np.nonzero(labels)
    numbers = labels[y, x]
    extents = np.zeros((4, count), np.int64)
    extents[::2] = max(labels.shape)
    for k, (reduce, at) in enumerate(((np.minimum, y), (np.maximum, y), (np.minimum, x), (np.maximum, x))):
        reduce.at(extents[k], numbers, at)
    return extents
