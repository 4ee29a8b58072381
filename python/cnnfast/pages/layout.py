"""Letters of a straightened page from its components: parts joined, lines, and words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, require
from ..vision.components import Mask
from ..vision.threshold import otsu

MAX_COMPONENTS = 5000
"""A page with more components is noise."""

MIN_PART, MAX_HEIGHT, MAX_WIDTH = 0.1, 2.2, 8.0
"""Size of components that are kept, as multiples of the height of a letter."""

WORD_GAP = (0.3, 0.6)
"""The limit between gaps in a word and between words lies here, in heights of a letter."""


@dataclass
class Blob:
    """Ink of one letter, or of several that touch: the box [top, bottom) x [left, right) and labels."""

    top: int
    bottom: int
    left: int
    right: int
    labels: tuple[int, ...]

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def components(mask: Mask) -> tuple[NDArray[np.int32], list[Blob], float]:
    """The labels of the page, its components that may be (parts of) letters, and the height of a letter.

    Raises:
        DataError: Nothing of the size of a letter, or noise.
    """
    ndimage = require("scipy.ndimage", "reading pages")
    labels, _ = ndimage.label(mask, np.ones((3, 3), bool))
    blobs = [
        Blob(box[0].start, box[0].stop, box[1].start, box[1].stop, (k + 1,))
        for k, box in enumerate(ndimage.find_objects(labels))
    ]
    blobs = [blob for blob in blobs if max(blob.height, blob.width) >= 4]
    if len(blobs) > MAX_COMPONENTS:
        raise DataError(f"{len(blobs)} separate marks on the page: noise, or no handwriting")
    h, w = mask.shape
    usual = [b for b in blobs if 8 <= b.height < h / 3 and b.width < w / 2] or [
        b for b in blobs if b.height >= 8
    ]
    if not usual:
        raise DataError("no ink of the size of a letter; letters need a height of 8 pixels or more")
    heights = np.sort([b.height for b in usual])
    weights = np.cumsum(heights.astype(np.float64))
    size = float(heights[np.searchsorted(weights, weights[-1] / 2)])
    kept = [
        b
        for b in blobs
        if max(b.height, b.width) >= MIN_PART * size
        and b.height <= MAX_HEIGHT * size
        and b.width <= MAX_WIDTH * size
    ]
    return labels, kept, size


def joined(blobs: list[Blob], size: float) -> list[Blob]:
    """Parts above each other joined: dots of i and j, broken strokes. Specks left alone are dropped."""
    blobs = sorted(blobs, key=lambda b: -b.height)
    letters: list[Blob] = []
    for part in blobs:
        left, right = part.left - size, part.right + size
        partner = min(
            (b for b in letters if b.left < right and b.right > left and _belong(b, part, size)),
            key=lambda b: _gap(b, part),
            default=None,
        )
        if partner is None:
            letters.append(part)
            continue
        partner.top, partner.bottom = min(partner.top, part.top), max(partner.bottom, part.bottom)
        partner.left, partner.right = min(partner.left, part.left), max(partner.right, part.right)
        partner.labels += part.labels
    return [b for b in letters if b.height >= 0.35 * size]


def _gap(a: Blob, b: Blob) -> int:
    return max(a.top, b.top) - min(a.bottom, b.bottom)


def _belong(letter: Blob, part: Blob, size: float) -> bool:
    overlap = min(letter.right, part.right) - max(letter.left, part.left)
    is_dot = max(part.height, part.width) < 0.45 * size and part.top < letter.top
    slack = 0.2 * size if is_dot else 0.0
    height = max(letter.bottom, part.bottom) - min(letter.top, part.top)
    return (
        overlap + slack >= 0.5 * min(part.width, letter.width)
        and height <= 1.5 * size
        and _gap(letter, part) < 0.45 * size
    )


def lines(letters: list[Blob], size: float) -> list[list[Blob]]:
    """Rows from top to bottom, each from left to right: a letter continues the row whose last letters are
    nearest in height, so rows may be slightly curved or sloped."""
    rows: list[list[Blob]] = []
    for letter in sorted(letters, key=lambda b: b.left):
        distances = [abs(letter.middle - _mean_middle(row[-3:])) for row in rows]
        best = int(np.argmin(distances)) if distances else -1
        if best >= 0 and distances[best] < 0.6 * size:
            rows[best].append(letter)
        else:
            rows.append([letter])
    return sorted(rows, key=_mean_middle)


def _mean_middle(blobs: list[Blob]) -> float:
    return sum(b.middle for b in blobs) / len(blobs)


def word_gap(rows: list[list[Blob]], size: float) -> float:
    """The least gap between words in pixels: Otsu's threshold of all gaps, within limits."""
    gaps = [b.left - a.right for row in rows for a, b in itertools.pairwise(row)]
    if len(gaps) < 2:
        return WORD_GAP[1] * size
    limit = otsu(np.clip(np.array(gaps, np.float32), 0, 1.2 * size))
    return float(np.clip(limit, WORD_GAP[0] * size, WORD_GAP[1] * size))
