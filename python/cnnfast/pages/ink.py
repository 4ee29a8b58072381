"""The ink of a page: how much each pixel differs from the paper around it, in the color that differs most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, require
from .paper import Paper

Mask = NDArray[np.bool_]
Values = NDArray[np.float32]

BLOCK, WINDOW = 16, 7
"""The paper's color is the median of blocks of 16x16 pixels, and of 7x7 blocks around each."""

MAX_STEP = 0.55
"""Where neighboring blocks differ by more than this fraction, the paper ends, if its outline was not found;
shadows differ by less."""

MIN_PAPER = 0.6
"""Blocks of which less than this fraction is paper have the color of the nearest that has more."""

SLIVER = 12.0
"""Ink in a strip of this width along the edge of the paper does not count if it is connected with what is
outside."""

TILE = 32
"""Full ink is the 80 % quantile, over squares of this side that have ink, of the strongest in each."""

MIN_CONTRAST = 0.12
"""Least difference of ink from paper, as a fraction of the brightest paper."""


def ink(pixels: NDArray[np.uint8], paper: Paper | None = None) -> Values:
    """Ink from 0 (paper) to 1 (full ink), 0.5 at the edge of a stroke.

    The paper's color is estimated for each channel, and the channel with the largest difference counts: so
    uneven light is removed, and ink of the paper's brightness but another color is found.

    Args:
        pixels: (3, h, w).
        paper: Its outline, outside of which there is no ink; None if it fills the photo.

    Shapes: returns (h, w).

    Raises:
        DataError: There is no ink.
    """
    shape = pixels.shape[1], pixels.shape[2]
    inside = None if paper is None else paper.inside(shape, 1.0)
    difference = np.zeros(shape, np.float32)
    outside = np.zeros(shape, bool) if inside is None else ~inside
    for channel in pixels:
        blocks = _blocks(channel, inside)
        if paper is None:
            outside |= _enlarged(_steps(blocks), shape)
        _add(difference, channel, _interpolated(blocks, shape))
    difference[outside] = 0
    noise = 1.4826 * float(np.median(difference[::3, ::3][~outside[::3, ::3]]))
    tiles = _largest_by_tile(difference)
    strong = tiles[tiles > max(MIN_CONTRAST, 5 * noise)]
    if not strong.size:
        raise DataError("no ink found on the page")
    full = float(np.quantile(strong, 0.8))
    level = max(0.4 * full, min(4 * noise, 0.7 * full))
    if paper is not None:
        difference[_slivers(difference > level, outside, paper)] = 0
    result: Values = np.clip(difference / np.float32(2 * level), 0, 1)
    return result


def _add(difference: Values, channel: NDArray[np.uint8], paper: Values) -> None:
    """Raises `difference` to that of a channel, smoothed by a binomial filter of 3x3, from the paper; in
    place."""
    padded = np.pad(channel, 1, mode="edge")
    for top in range(0, len(channel), BLOCK):  # strips stay in the cache
        rows = slice(top, top + BLOCK)
        values = padded[top : top + BLOCK + 2].astype(np.float32) / 16
        values = values[:-2] + 2 * values[1:-1] + values[2:]
        values = values[:, :-2] + 2 * values[:, 1:-1] + values[:, 2:]
        larger = np.maximum(np.maximum(paper[rows], values), 64)
        np.maximum(difference[rows], np.abs(values - paper[rows]) / larger, out=difference[rows])


def _blocks(channel: NDArray[np.uint8], inside: Mask | None) -> Values:
    """The paper's value in each block."""
    ndimage = require("scipy.ndimage", "reading pages")
    medians = np.median(_by_block(channel), axis=2).astype(np.float32)
    if inside is not None:
        few = _by_block(inside.astype(np.uint8)).mean(2) < MIN_PAPER
        nearest = ndimage.distance_transform_edt(few, return_distances=False, return_indices=True)
        medians = medians[tuple(nearest)]
    result: Values = ndimage.median_filter(medians, WINDOW, mode="nearest")
    return result


def _by_block(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every second row and column of each block, (rows, columns, n)."""
    h, w = values.shape
    rows, columns = -(-h // BLOCK), -(-w // BLOCK)
    padded = np.pad(values, ((0, rows * BLOCK - h), (0, columns * BLOCK - w)), mode="edge")[::2, ::2]
    half = BLOCK // 2
    return padded.reshape(rows, half, columns, half).swapaxes(1, 2).reshape(rows, columns, -1)


def _steps(blocks: Values) -> Mask:
    """Blocks where the paper ends."""
    ndimage = require("scipy.ndimage", "reading pages")
    low, high = ndimage.minimum_filter(blocks, 5), ndimage.maximum_filter(blocks, 5)
    steps: Mask = high - low > MAX_STEP * np.maximum(high, 64)
    return steps


def _enlarged(blocks: Mask, shape: tuple[int, int]) -> Mask:
    return blocks.repeat(BLOCK, 0).repeat(BLOCK, 1)[: shape[0], : shape[1]]


def _interpolated(blocks: Values, shape: tuple[int, int]) -> Values:
    """Linear interpolation between the middles of blocks."""
    from PIL import Image

    size = blocks.shape[1] * BLOCK, blocks.shape[0] * BLOCK
    return np.asarray(Image.fromarray(blocks).resize(size, Image.Resampling.BILINEAR))[: shape[0], : shape[1]]


def _largest_by_tile(values: Values) -> Values:
    """The largest value of each tile: of the tiles with ink, few lie at the edges of paper or shadows."""
    h, w = (max(1, extent // TILE) for extent in values.shape)
    tile = min(TILE, values.shape[0]), min(TILE, values.shape[1])
    inside = values[: h * tile[0], : w * tile[1]]
    largest: Values = inside.reshape(h, tile[0], w, tile[1]).max((1, 3))
    return largest


def _slivers(mask: Mask, outside: Mask, paper: Paper) -> Mask:
    """Ink along the edge of the paper that is connected with what is outside: the edge itself, a shadow."""
    ndimage = require("scipy.ndimage", "reading pages")
    near = ~paper.inside(mask.shape, SLIVER)
    labels, count = ndimage.label((mask & near) | outside, np.ones((3, 3), bool))
    connected = np.zeros(count + 1, bool)
    connected[labels[outside]] = True
    connected[0] = False
    slivers: Mask = connected[labels]
    return slivers
