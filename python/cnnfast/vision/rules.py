"""Printed lines of ruled and squared paper: long, thin, and parallel to the rows or columns of the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .components import Mask

Values = NDArray[np.float32]

LENGTH, WIDTH, DENSITY = 150, 6, 0.85
"""In a window of this length at least this fraction is ink, at most this thick, ..."""

BLOCK = 10
"""... for windows this far apart."""

MIN_SEEN, MIN_THIN = 0.2, 0.35
"""A line is removed over the whole width of the page, also between letters, if it is seen on this fraction of
it, or, where there are others, if this fraction is thin ink."""

MAX_SLOPE, SLOPES = 0.02, 41
REACH = 2
"""Pixels that a line may be away from a straight one."""

FAINT = 0.8
"""The ink of lines fainter than this is told from that of letters by its strength."""


def rules(amount: Values) -> Mask:
    """Pixels of printed lines where no letter crosses them.

    Args:
        amount: (h, w), ink from 0 to 1, 0.5 at edges.
    """
    return _horizontal(amount) | _horizontal(np.ascontiguousarray(amount.T)).T


def _horizontal(amount: Values) -> Mask:
    mask = amount > 0.5
    n, around = WIDTH + 1, ((WIDTH, WIDTH), (0, 0))
    thick = _windows(np.pad(_windows(mask, n, np.logical_and), around), n, np.logical_or)
    thin = mask & ~thick
    seen = thin & _dense(thin)
    y, x = np.nonzero(seen)
    if not len(y):
        return seen
    strength = float(np.median(amount[y, x]))
    on_lines = _lines(seen, thin)
    if strength < FAINT:
        return (seen | on_lines) & (amount < (strength + 1) / 2)
    return seen | (thin & on_lines)


def _dense(thin: Mask) -> Mask:
    """Where a window around has enough thin ink in one row, give or take two pixels."""
    from PIL import Image

    near = _windows(np.pad(thin, ((2, 2), (0, 0))), 5, np.logical_or)
    blocks = np.asarray(Image.fromarray(near.view(np.uint8) * np.uint8(255)).reduce((BLOCK, 1)))
    length = min(LENGTH // BLOCK, blocks.shape[1])
    sums = np.cumsum(np.pad(blocks.astype(np.float32), ((0, 0), (1, 0))), axis=1)
    full = sums[:, length:] - sums[:, :-length] > 255 * DENSITY * length
    covered = _windows(np.pad(full, ((0, 0), (length - 1, length - 1))).T, length, np.logical_or).T
    return covered.repeat(BLOCK, axis=1)[:, : thin.shape[1]]


def _lines(seen: Mask, thin: Mask) -> Mask:
    """The straight lines, all of one slope, on which there are enough pixels."""
    h, w = seen.shape
    y, x = np.nonzero(seen)
    step = -(-len(y) // 20_000)
    slopes = np.linspace(-MAX_SLOPE, MAX_SLOPE, SLOPES)
    each = [_row(y[::step], x[::step], slope, seen.shape) for slope in slopes]
    slope = slopes[
        int(np.argmax([float((np.bincount(rows).astype(np.float64) ** 2).sum()) for rows in each]))
    ]
    blocks = w // BLOCK + 1
    pairs = np.unique(_row(y, x, slope, seen.shape) * blocks + x // BLOCK)  # thick lines do not count more
    is_line = np.bincount(pairs // blocks, minlength=3 * h) > MIN_SEEN * w / BLOCK
    every_y, every_x = np.nonzero(thin)
    rows = np.bincount(_row(every_y, every_x, slope, seen.shape), minlength=3 * h)
    is_line |= np.maximum(rows, np.roll(rows, 1)) > MIN_THIN * w
    near = np.convolve(is_line, np.ones(2 * REACH + 1), "same") > 0
    shift = np.rint(slope * (np.arange(w) - w / 2)).astype(np.int64)
    on_lines: Mask = near[np.arange(h)[:, None] - shift + h]
    return on_lines


def _row(y: NDArray[np.intp], x: NDArray[np.intp], slope: float, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The row of a pixel after lines of a slope are made horizontal, from 0 to 3 h."""
    rows: NDArray[np.int64] = y - np.rint(slope * (x - shape[1] / 2)).astype(np.int64) + shape[0]
    return rows


def _windows(mask: Mask, n: int, combine: np.ufunc) -> Mask:
    """Each n neighboring rows combined, (h - n + 1, w), by doubling the number of rows."""
    rows = 1
    while rows < n:
        step = min(rows, n - rows)
        mask = combine(mask[:-step], mask[step:])
        rows += step
    return mask
