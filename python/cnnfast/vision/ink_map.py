"""The ink of a photo: how much each pixel differs from the paper around it, in the color that differs most.
Pages are read from it, and single letters where `foreground` fails."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .components import Mask, label
from .paper import Paper
from .resize import filtered

Values = NDArray[np.float32]

BLOCK, WINDOW = 16, 7
"""For pages: the paper's color is the median of blocks of 16x16 pixels, and of 7x7 blocks around each."""

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

NO_INK = "no ink found on the page"


def ink(
    pixels: NDArray[np.uint8], paper: Paper | None = None, block: int = BLOCK, window: int = WINDOW
) -> Values:
    """Ink from 0 (paper) to 1 (full ink), 0.5 at the edge of a stroke.

    The paper's color is estimated for each channel and block, and the channel with the largest difference
    counts: so uneven light is removed, and ink of the paper's brightness but another color is found. A pixel
    differs by its distance from all that the paper is in the 3x3 blocks around: at the edge of a shadow, from
    the shadow to the light.

    Args:
        pixels: (3, h, w).
        paper: Its outline, outside of which there is no ink; None if it fills the photo.
        block, window: The paper's color is the median of squares of `block` pixels, and then of `window` x
            `window` of them; strokes have to be narrower than half of that.

    Shapes: returns (h, w).

    Raises:
        DataError: There is no ink.
    """
    shape = pixels.shape[1], pixels.shape[2]
    inside = None if paper is None else paper.inside(shape, 1.0)
    difference = np.zeros(shape, np.float32)
    outside = np.zeros(shape, bool) if inside is None else ~inside
    for channel in pixels:
        blocks = _blocks(channel, inside, block, window)
        if paper is None:
            steps = filtered(blocks, 5, "max") - filtered(blocks, 5, "min")
            ends = steps > MAX_STEP * np.maximum(filtered(blocks, 5, "max"), 64)
            outside |= ends.repeat(block, 0).repeat(block, 1)[: shape[0], : shape[1]]
        low, high = (_enlarged(filtered(blocks, 3, kind), block, shape) for kind in ("min", "max"))
        np.maximum(difference, _difference(channel, low, high), out=difference)
    difference[outside] = 0
    # Half of the paper's differences have the other sign and are 0: of all, this is the median of the rest.
    noise = 1.4826 * float(np.quantile(difference[::3, ::3][~outside[::3, ::3]], 0.75))
    tiles = _largest_by_tile(difference)
    strong = tiles[tiles > max(MIN_CONTRAST, 5 * noise)]
    if not strong.size:
        raise DataError(NO_INK)
    full = float(np.quantile(strong, 0.8))
    level = max(0.4 * full, min(4 * noise, 0.7 * full))
    if paper is not None:
        difference[_slivers(difference > level, outside, paper)] = 0
    result: Values = np.clip(difference / np.float32(2 * level), 0, 1)
    return result


def _difference(channel: NDArray[np.uint8], low: Values, high: Values) -> Values:
    """That of a channel, smoothed by a binomial filter of 3x3, from the paper, which is between `low` and
    `high`: of pixels darker than the paper, or of lighter ones, whichever differ more in all."""
    darker, lighter = np.empty_like(low), np.empty_like(low)
    sums = [0.0, 0.0]
    padded = np.pad(channel, 1, mode="edge")
    for top in range(0, len(channel), BLOCK):  # strips stay in the cache
        rows = slice(top, top + BLOCK)
        values = padded[top : top + BLOCK + 2].astype(np.float32) / 16
        values = values[:-2] + 2 * values[1:-1] + values[2:]
        values = values[:, :-2] + 2 * values[:, 1:-1] + values[:, 2:]
        np.divide(np.maximum(low[rows] - values, 0), np.maximum(low[rows], 64), out=darker[rows])
        np.divide(np.maximum(values - high[rows], 0), np.maximum(values, 64), out=lighter[rows])
        for k, part in enumerate((darker[rows].ravel(), lighter[rows].ravel())):
            sums[k] += float(np.einsum("i,i", part, part))
    return darker if sums[0] >= sums[1] else lighter


def _blocks(channel: NDArray[np.uint8], inside: Mask | None, block: int, window: int) -> Values:
    """The paper's value in each block."""
    medians = np.median(_by_block(channel, block), axis=2).astype(np.float32)
    if inside is not None:
        _fill(medians, _by_block(inside.astype(np.uint8), block).mean(2) < MIN_PAPER)
    return filtered(medians, window, "median")


def _fill(values: Values, missing: Mask) -> None:
    """Gives missing values that of a neighbor, nearest first, in place."""
    known = ~missing
    if not known.any():
        return
    while not known.all():
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            from_known = np.roll(known, step, axis)
            edge = 0 if step > 0 else -1
            (from_known if axis == 0 else from_known.T)[edge] = False
            new = from_known & ~known
            values[new] = np.roll(values, step, axis)[new]
            known = known | new


def _by_block(values: NDArray[np.uint8], block: int) -> NDArray[np.uint8]:
    """Every second row and column of each block, (rows, columns, n)."""
    h, w = values.shape
    rows, columns = -(-h // block), -(-w // block)
    padded = np.pad(values, ((0, rows * block - h), (0, columns * block - w)), mode="edge")[::2, ::2]
    half = block // 2
    return padded.reshape(rows, half, columns, half).swapaxes(1, 2).reshape(rows, columns, -1)


def _enlarged(blocks: Values, block: int, shape: tuple[int, int]) -> Values:
    """Linear interpolation between the middles of blocks."""
    from PIL import Image

    size = blocks.shape[1] * block, blocks.shape[0] * block
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
    near = ~paper.inside((mask.shape[0], mask.shape[1]), SLIVER)
    labels, count = label((mask & near) | outside)
    connected = np.zeros(count + 1, bool)
    connected[labels[outside]] = True
    connected[0] = False
    slivers: Mask = connected[labels]
    return slivers
