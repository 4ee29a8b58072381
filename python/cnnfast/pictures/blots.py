"""Connected blots of ink, and which of them cannot belong to the letter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_BLOT = 0.015
"""Blots smaller than this share of the largest are dirt; the dot of an i has about a tenth."""


def keep_letter(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drops specks, and strips along the picture's edge (a table, a shadow) if something else remains."""
    labels, count = label(mask)
    if count == 0:
        return mask
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    h, w = mask.shape
    edges = [(labels[0], w), (labels[-1], w), (labels[:, 0], h), (labels[:, -1], h)]
    strip = np.zeros(count + 1, bool)
    for edge, length in edges:
        strip |= np.bincount(edge, minlength=count + 1) > length / 3
    strip[0] = False
    if areas[~strip].sum() >= 0.1 * areas.sum():
        areas[strip] = 0
    kept: NDArray[np.bool_] = (areas >= max(MIN_BLOT * areas.max(), 1))[labels]
    return kept


def label(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """Numbers the connected blots (eight neighbours) from 1 on; 0 is the page.

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
