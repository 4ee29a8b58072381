"""The ink of a page: how much each pixel differs from the paper around it, in the color that differs most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, require

Mask = NDArray[np.bool_]

BLOCK, WINDOW = 16, 7
"""The paper's color is the median of blocks of 16x16 pixels, and of 7x7 blocks around each."""

MAX_STEP = 0.55
"""Where neighboring blocks differ by more than this fraction, the paper ends; shadows differ by less."""

TILE = 32
"""Full ink is the 80 % quantile, over squares of this side that have ink, of the strongest in each."""

MIN_CONTRAST = 0.12
"""Least difference of ink from paper, as a fraction of the brightest paper."""


def ink(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Ink from 0 (paper) to 1 (full ink), 0.5 at the edge of a stroke.

    The paper is estimated for each channel, and the channel with the largest difference counts: so uneven
    light is removed, and ink of the paper's brightness but another color is found.

    Shapes: pixels (3, h, w); returns (h, w).

    Raises:
        DataError: There is no ink.
    """
    ndimage = require("scipy.ndimage", "reading pages")
    difference = np.zeros(pixels.shape[1:], np.float32)
    table = np.zeros(pixels.shape[1:], bool)
    for channel in pixels:
        values = ndimage.gaussian_filter(channel.astype(np.float32), 0.7)
        paper, edge = _paper(channel, ndimage)
        table |= edge
        np.maximum(
            difference, np.abs(values - paper) / np.maximum(np.maximum(paper, values), 64), out=difference
        )
    difference[table] = 0
    noise = 1.4826 * float(np.median(difference[::3, ::3]))
    tiles = _largest_by_tile(difference)
    strong = tiles[tiles > max(MIN_CONTRAST, 5 * noise)]
    if not strong.size:
        raise DataError("no ink found on the page")
    full = float(np.quantile(strong, 0.8))
    level = max(0.4 * full, min(4 * noise, 0.7 * full))
    result: NDArray[np.float32] = np.clip(difference / np.float32(2 * level), 0, 1)
    return result


def _largest_by_tile(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest value of each tile: of the tiles with ink, few lie at the edges of paper or shadows."""
    h, w = (max(1, extent // TILE) for extent in values.shape)
    tile = min(TILE, values.shape[0]), min(TILE, values.shape[1])
    inside = values[: h * tile[0], : w * tile[1]]
    largest: NDArray[np.float32] = inside.reshape(h, tile[0], w, tile[1]).max((1, 3))
    return largest


def _paper(channel: NDArray[np.uint8], ndimage: object) -> tuple[NDArray[np.float32], Mask]:
    """The paper's value at each pixel, and where the paper ends (on a table)."""
    h, w = channel.shape
    rows, columns = -(-h // BLOCK), -(-w // BLOCK)
    padded = np.pad(channel, ((0, rows * BLOCK - h), (0, columns * BLOCK - w)), mode="edge")
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(rows, columns, -1)
    medians = np.median(blocks, axis=2).astype(np.float32)
    medians = ndimage.median_filter(medians, WINDOW, mode="nearest")  # type: ignore[attr-defined]
    low = ndimage.minimum_filter(medians, 5)  # type: ignore[attr-defined]
    high = ndimage.maximum_filter(medians, 5)  # type: ignore[attr-defined]
    edge = (high - low > MAX_STEP * np.maximum(high, 64)).repeat(BLOCK, 0).repeat(BLOCK, 1)[:h, :w]
    y = ((np.arange(h, dtype=np.float32) + 0.5) / BLOCK - 0.5).astype(np.float32)
    x = ((np.arange(w, dtype=np.float32) + 0.5) / BLOCK - 0.5).astype(np.float32)
    return _interpolated(_interpolated(medians, y).T, x).T, edge


def _interpolated(values: NDArray[np.float32], at: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear interpolation between rows."""
    at = np.clip(at, 0, len(values) - 1)
    low = at.astype(np.int64)
    high = np.minimum(low + 1, len(values) - 1)
    weight = (at - low)[:, None].astype(np.float32)
    result: NDArray[np.float32] = values[low] * (1 - weight) + values[high] * weight
    return result
