"""Paths from top to bottom through a component along which there is least ink, where it may be cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPACING = 0.1
"""A path is searched for around each of these columns, as a multiple of the usual width of a letter."""

BAND = 0.15
"""It leaves its column by at most this multiple."""

APART = 0.12
"""Of paths with a smaller mean distance, the one through less ink is kept."""

DENSITY = 4.0
"""Number of seams per usual width of a letter: those through the least ink."""

MIN_INK = 0.03
"""Fraction of the ink that has to be on each side."""

AWAY, DIAGONAL = 0.02, 0.01
"""Cost, in pixels of ink, of a pixel at the edge of the band, and of a diagonal step."""


@dataclass(frozen=True, eq=False)
class Seam:
    """A path: its column in each row, and the ink that it crosses as a multiple of the stroke width."""

    columns: NDArray[np.int64]
    crossed: float


def seams(ink: NDArray[np.float32], stroke: float, usual: float) -> list[Seam]:
    """The seams from left to right.

    Args:
        ink: (h, w) of one component.
        stroke: Its stroke width in pixels.
        usual: The usual width of a letter in pixels.
    """
    width = ink.shape[1]
    step = max(2.0, SPACING * usual)
    targets = np.arange(step, width - step / 2, step).round().astype(np.int64)
    if not len(targets):
        return []
    paths = _paths(ink, targets, max(2, round(BAND * usual)))
    rows = np.arange(len(ink))
    crossed = ink[rows, paths].sum(1) / stroke
    before = (np.cumsum(ink, axis=1) - ink)[rows, paths].sum(1) / ink.sum()
    kept: list[int] = []
    for k in np.argsort(crossed, kind="stable"):
        if not MIN_INK <= before[k] <= 1 - MIN_INK:
            continue
        if len(kept) >= DENSITY * width / usual:
            break
        if all(np.abs(paths[k] - paths[j]).mean() >= APART * usual for j in kept):
            kept.append(int(k))
    return [Seam(paths[k], float(crossed[k])) for k in sorted(kept, key=lambda k: float(paths[k].mean()))]


def _paths(ink: NDArray[np.float32], targets: NDArray[np.int64], band: int) -> NDArray[np.int64]:
    """The cheapest path in the band around each target column, by dynamic programming from row to row.

    Shapes: ink (h, w), targets (n,); returns (n, h).
    """
    h, w = ink.shape
    offsets = np.arange(-band, band + 1)
    columns = targets[:, None] + offsets
    inside = (columns >= 0) & (columns < w)
    cost = ink[:, np.clip(columns, 0, w - 1)].swapaxes(0, 1) + np.float32(AWAY) * np.abs(offsets) / band
    cost = np.where(inside[:, None], cost, np.float32(1e6)).astype(np.float32)
    steps = np.zeros((len(targets), h, len(offsets)), np.int64)
    total = cost[:, 0]
    for row in range(1, h):
        padded = np.pad(total, ((0, 0), (1, 1)), constant_values=1e9)
        before = np.stack([padded[:, :-2] + DIAGONAL, padded[:, 1:-1], padded[:, 2:] + DIAGONAL])
        steps[:, row] = before.argmin(0) - 1
        total = before.min(0) + cost[:, row]
    at = total.argmin(1)
    paths = np.zeros((len(targets), h), np.int64)
    rows = np.arange(len(targets))
    for row in range(h - 1, -1, -1):
        paths[:, row] = columns[rows, at]
        at = at + steps[rows, row, at]
    return paths
