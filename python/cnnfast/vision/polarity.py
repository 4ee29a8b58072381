"""Decides which of two brightnesses is ink, and gives an image cropped at its letter the margin it lacks.

An even border is page. On an image cropped at the letter the border shows both, and three properties of a pen
decide: ink takes less of the border than the page, its strokes have an even width, and it is in fewer pieces.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .background import coarse_copy, surface
from .components import Mask, keep_letter, label
from .threshold import otsu
from .widths import flat, widths

Gray = NDArray[np.float32]
_T = TypeVar("_T", bound=np.generic)

EVEN = 0.25
"""Of the range from the darkest to the lightest: the page of a drawing or a scan varies less."""

TWO_LEVELS = 0.92
"""Of all variance, that between ink and page, edges left out: more where the light is even, less where it is
not. Drawings and scans, cropped or not, have 0.95 to 1, photos of light from the side or half in the shadow
0.6 to 0.9."""

BORDER, WIDTH, PIECES = 4.0, 16.0, 3.5
"""Weights of the three properties, near a logistic regression on cropped letters: handwritten, printed, of
straight bars."""

MIN_PIECE = 0.02
"""Pieces smaller than this fraction of the area do not count, ..."""

MAX_PIECES = 4
"""... nor those beyond this many: a page has many letters."""

NEAR = 0.08
"""Of the longer side: a letter this close to the border gets a margin, ..."""

MARGIN = 0.25
"""... of this fraction of it."""


def page_is_dark(gray: Gray) -> bool:
    """Whether the ink is lighter than the page.

    Where the outermost ring is even, it is page. Where there are two levels of brightness, the one is ink
    that looks more like it. Otherwise most of the image is page, and ink is what departs from a surface
    through that.
    """
    coarse = coarse_copy(gray)
    ring = _ring(coarse)
    low, high = float(coarse.min()), float(coarse.max())
    if np.ptp(ring) < EVEN * (high - low):
        return high + low > 2 * float(np.median(ring))
    if _has_two_levels(gray):
        light = coarse > otsu(coarse)
        return _likeness(light) > _likeness(~light)
    departure = (coarse - surface(coarse, fraction_above=0.5)).astype(np.float64)
    return float((departure**3).sum()) > 0


def with_margin(gray: Gray, dark: bool) -> Gray:
    """The image with a margin of page around it, if its letter comes close to the border; else as it is."""
    coarse = coarse_copy(gray)
    letter = keep_letter((coarse > otsu(coarse)) == dark)
    near = max(1, round(NEAR * max(coarse.shape)))
    inner = letter[near:-near, near:-near]
    if letter.sum() == inner.sum() or not _has_two_levels(gray):
        return gray
    page = float(np.median(gray[(gray > otsu(gray)) != dark]))
    return np.pad(gray, round(MARGIN * max(gray.shape)), constant_values=page)


def _ring(values: NDArray[_T]) -> NDArray[_T]:
    """The outermost pixels."""
    return np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])


def _has_two_levels(gray: Gray) -> bool:
    light = gray > otsu(gray)
    inside = flat(light)
    inner, outer = gray[light & inside], gray[~light & inside]
    if not (inner.size and outer.size):
        inner, outer = gray[light], gray[~light]
    if not (inner.size and outer.size):
        return False
    fraction = inner.size / (inner.size + outer.size)
    between = fraction * (1 - fraction) * float(inner.mean() - outer.mean()) ** 2
    within = fraction * float(inner.var()) + (1 - fraction) * float(outer.var())
    return between > TWO_LEVELS * (between + within)


def _likeness(mask: Mask) -> float:
    """How much like ink a part of the image looks, on a scale of its own."""
    if not mask.any():
        return -np.inf
    across = widths(mask)
    labels, count = label(mask)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    pieces = min(int((areas > MIN_PIECE * areas.sum()).sum()), MAX_PIECES)
    unevenness = float(across.std() / across.mean())
    return -(BORDER * float(_ring(mask).mean()) + WIDTH * unevenness + PIECES * float(np.log(max(pieces, 1))))
