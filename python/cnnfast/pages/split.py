"""Touching letters: parts between seams through little ink, chosen by likelihood."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from ..vision.components import Mask
from ..vision.normalize import stroke_width
from .layout import Blob
from .seams import seams

WIDE = 1.2
"""Only ink wider than this multiple of the usual width is cut."""

MIN_WIDTH, MAX_WIDTH = 0.1, 1.8
"""Width of a letter that is cut off, as multiples of the usual width."""

MIN_HEIGHT = 0.35
"""Height of a letter that is cut off, as a fraction of that of the component."""

FRAGMENT = 0.12
"""Pieces of a cut stroke with a smaller fraction of the ink belong to the neighbor."""

GOOD_WIDTH, WIDTH_GAIN, WIDTH_LOSS, HEIGHT_LOSS = 0.8, 0.9, 4.5, 2.5
CUT_LOSS, CROSSED_LOSS, MAX_CROSSED = 1.2, 0.4, 3.0
"""See `best`. Chosen, as the temperature, by random search for the most letters found and read correctly on
generated pages (`bench.pages`, seeds 7 and 8)."""

TEMPERATURE = 2.0
"""The log-probabilities of letters that were cut apart are divided by it: of several ways to cut, the one
that looks most like letters is chosen, and so their confidence is too high."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A letter, or one that may be cut off: its pixels, from (top, left) of the page on."""

    top: int
    left: int
    mask: Mask

    @property
    def height(self) -> int:
        return len(self.mask)

    @property
    def width(self) -> int:
        return int(self.mask.shape[1])

    @property
    def right(self) -> int:
        return self.left + self.width


@dataclass(frozen=True, eq=False)
class Part:
    """A piece from one cut to another. The left edge of the component is cut 0, the right edge the last."""

    start: int
    stop: int
    piece: Piece
    crossed: float
    """Ink along the cut at its right, as a multiple of the stroke width; 0 for the edge."""


def usual_width(blobs: list[Blob], size: float) -> float:
    """Median width of letters that are neither narrow as an l nor several."""
    widths = [b.width for b in blobs if 0.4 * size <= b.width <= 1.3 * size]
    return float(np.median(widths)) if widths else 0.8 * size


def parts(whole: Piece, ink: NDArray[np.float32], usual: float) -> list[Part]:
    """The whole first, then the parts between two cuts that may be letters.

    Args:
        whole: All of a component.
        ink: Of the page.
        usual: The usual width of a letter in pixels.
    """
    if whole.width < WIDE * usual:
        return [Part(0, 1, whole, 0.0)]
    h, w = whole.mask.shape
    amount = ink[whole.top : whole.top + h, whole.left : whole.right] * whole.mask
    cuts = seams(amount, max(1.0, stroke_width(amount)), usual)
    edges = [np.zeros(h, np.int64), *(cut.columns for cut in cuts), np.full(h, w)]
    crossed = [cut.crossed for cut in cuts] + [0.0]
    found = [Part(0, len(edges) - 1, whole, 0.0)]
    for i, j in itertools.combinations(range(len(edges)), 2):
        if j - i < len(edges) - 1 and (edges[j] - edges[i]).mean() <= 1.5 * MAX_WIDTH * usual:
            piece = _between(whole, edges[i], edges[j])
            if piece is not None and _may_be_letter(piece, h, usual):
                found.append(Part(i, j, piece, crossed[j - 1]))
    return found


def _may_be_letter(piece: Piece, height: int, usual: float) -> bool:
    return MIN_WIDTH * usual <= piece.width <= MAX_WIDTH * usual and piece.height >= MIN_HEIGHT * height


def _between(whole: Piece, left: NDArray[np.int64], right: NDArray[np.int64]) -> Piece | None:
    column = np.arange(whole.width)
    return _trimmed(whole, whole.mask & (column >= left[:, None]) & (column < right[:, None]))


def _trimmed(whole: Piece, mask: Mask) -> Piece | None:
    """The piece of a mask without fragments of strokes that belong to the neighbor."""
    ndimage = require("scipy.ndimage", "reading pages")
    labels, n = ndimage.label(mask, np.ones((3, 3), bool))
    if n > 1:
        sizes = np.bincount(labels.ravel())[1:]
        cut = np.unique(labels[dilated(whole.mask & ~mask) & mask])
        small = [k for k in cut if k and sizes[k - 1] < FRAGMENT * sizes.sum()]
        if small:
            mask = mask & ~np.isin(labels, small)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    top, left = int(rows[0]), int(columns[0])
    return Piece(whole.top + top, whole.left + left, mask[top : rows[-1] + 1, left : columns[-1] + 1])


def best(some: list[Part], confidence: NDArray[np.float32], usual: float) -> list[int]:
    """Indices of the parts that cover the component with the largest sum of scores, by dynamic programming
    from left to right.

    The score of a part is the logarithm of its confidence, plus a gain for its width up to the usual one,
    less losses for more width, for less height than that of the component, and for the cut and the ink along
    it.

    Args:
        some: As `parts` returns them.
        confidence: Of each part.
        usual: The usual width of a letter.
    """
    last, height = some[0].stop, some[0].piece.height
    reached: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for k in sorted(range(len(some)), key=lambda k: (some[k].start, some[k].stop)):
        part = some[k]
        if part.start not in reached:
            continue
        before, chosen = reached[part.start]
        width = part.piece.width / usual
        score = before + float(np.log(max(float(confidence[k]), 1e-4)))
        score += WIDTH_GAIN * min(width, 1) - WIDTH_LOSS * max(0, width - GOOD_WIDTH) ** 2
        score -= HEIGHT_LOSS * (1 - part.piece.height / height)
        if part.stop != last:
            score -= CUT_LOSS + CROSSED_LOSS * min(part.crossed, MAX_CROSSED)
        if part.stop not in reached or score > reached[part.stop][0]:
            reached[part.stop] = (score, [*chosen, k])
    return reached[last][1]


def dilated(mask: Mask) -> Mask:
    """With the 8 neighbors of each pixel; of the same shape."""
    ndimage = require("scipy.ndimage", "reading pages")
    result: Mask = ndimage.binary_dilation(mask, np.ones((3, 3), bool))
    return result
