"""Touching letters: cuts where there is little ink, chosen by the classifier's confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .layout import Blob

WIDE = 1.15
"""Only ink wider than this multiple of the usual width is cut."""

MAX_CUTS = 12
MIN_WIDTH, BEST_WIDTH, MAX_WIDTH = 0.3, 1.0, 1.6
"""Width of a letter that is cut off, as multiples of the usual width."""

PENALTY = 0.05
"""A cut has to raise the mean confidence by this much."""


@dataclass(frozen=True)
class Piece:
    """A letter, or one that may be cut off: columns [start, stop) of a blob."""

    blob: Blob
    start: int
    stop: int


def usual_width(blobs: list[Blob], size: float) -> float:
    """Median width of letters that are neither narrow as an l nor several."""
    widths = [b.width for b in blobs if 0.4 * size <= b.width <= 1.3 * size]
    return float(np.median(widths)) if widths else 0.8 * size


def pieces(blob: Blob, ink: NDArray[np.float32], usual: float) -> list[Piece]:
    """The whole blob first, then each part between two cuts that may be a letter."""
    whole = [Piece(blob, 0, blob.width)]
    if blob.width < WIDE * usual:
        return whole
    cuts = [0, *_cuts(ink, usual), blob.width]
    parts = [
        Piece(blob, a, b)
        for k, a in enumerate(cuts)
        for b in cuts[k + 1 :]
        if MIN_WIDTH * usual <= b - a <= MAX_WIDTH * usual and b - a < blob.width
    ]
    return whole + parts


def _cuts(ink: NDArray[np.float32], usual: float) -> list[int]:
    """Columns with less ink than their neighborhood, the emptiest first, some distance apart."""
    profile = np.convolve(ink.sum(0), np.ones(3) / 3, mode="same")
    apart, edge = max(2, round(0.12 * usual)), max(2, round(MIN_WIDTH * usual))
    found: list[int] = []
    for column in np.argsort(profile, kind="stable"):
        k = int(column)
        if edge <= k <= len(profile) - edge and all(abs(k - other) >= apart for other in found):
            found.append(k)
        if len(found) == MAX_CUTS:
            break
    return sorted(found)


def best(parts: list[Piece], confidence: NDArray[np.float32], usual: float) -> list[int]:
    """Indices of the parts that cover the blob with the largest mean confidence weighted by width, by dynamic
    programming from left to right.

    Args:
        parts: As `pieces` returns them.
        confidence: Of each part.
        usual: The usual width of a letter.
    """
    width = parts[0].blob.width
    score: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    order = sorted(range(len(parts)), key=lambda k: (parts[k].start, parts[k].stop))
    for k in order:
        part = parts[k]
        if part.start not in score:
            continue
        before, chosen = score[part.start]
        extent = part.stop - part.start
        likely = np.exp(-0.5 * (max(0.0, abs(extent / usual - BEST_WIDTH) - 0.3) / 0.35) ** 2)
        gained = before + float(confidence[k] * likely) * extent / width - PENALTY * (part.start > 0)
        if part.stop not in score or gained > score[part.stop][0]:
            score[part.stop] = (gained, [*chosen, k])
    return score[width][1]
