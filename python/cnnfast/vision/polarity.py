"""Decides whether ink is lighter or darker than its background, and adds a border to tightly cropped images.

A uniform border is background. If the image is cropped at the letter, the border shows both, and three
properties of ink decide: it covers less of the border than the background, its strokes have a more uniform
width, and it has fewer connected components.
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

MAX_BORDER_RANGE = 0.25
"""A border is uniform if it varies by less than this fraction of the image's range."""

TWO_LEVELS = 0.92
"""Between-class variance of ink and background as a fraction of all variance, without edges; below it the
light is uneven. Drawings and scans, cropped or not, have 0.95 to 1, photos with side light or shadows 0.6 to
0.9."""

BORDER, WIDTH, COMPONENTS = 4.0, 16.0, 3.5
"""Weights of the three properties, close to those of a logistic regression on cropped letters: handwritten,
printed, and of straight bars."""

MIN_COMPONENT = 0.02
"""Components smaller than this fraction of the area do not count, ..."""

MAX_COMPONENTS = 4
"""... and more than this many count as this many: a page has many letters."""

NEAR = 0.08
"""An image whose letter is closer to its border than this fraction of the longer side is padded ..."""

PADDING = 0.25
"""... by this fraction of it."""


def is_ink_lighter(gray: Gray) -> bool:
    """Whether the ink is lighter than the background.

    If the outermost ring of pixels is uniform, it is background. If there are two levels of brightness, the
    one with the higher score is ink. Otherwise a surface is fitted to the image, and the sign of the skewness
    of the residuals decides.
    """
    coarse = coarse_copy(gray)
    ring = _ring(coarse)
    low, high = float(coarse.min()), float(coarse.max())
    if np.ptp(ring) < MAX_BORDER_RANGE * (high - low):
        return high + low > 2 * float(np.median(ring))
    if _has_two_levels(gray):
        light = coarse > otsu(coarse)
        return _ink_score(light) > _ink_score(~light)
    residual = (coarse - surface(coarse, fraction_above=0.5)).astype(np.float64)
    return float((residual**3).sum()) > 0


def with_border(gray: Gray, dark: bool) -> Gray:
    """The image padded with its background if the letter is close to the border; otherwise unchanged."""
    coarse = coarse_copy(gray)
    letter = keep_letter((coarse > otsu(coarse)) == dark)
    near = max(1, round(NEAR * max(coarse.shape)))
    inner = letter[near:-near, near:-near]
    if letter.sum() == inner.sum() or not _has_two_levels(gray):
        return gray
    background = float(np.median(gray[(gray > otsu(gray)) != dark]))
    return np.pad(gray, round(PADDING * max(gray.shape)), constant_values=background)


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


def _ink_score(mask: Mask) -> float:
    """A score of how much a mask looks like ink; only comparisons are meaningful."""
    if not mask.any():
        return -np.inf
    half_widths = widths(mask)
    labels, count = label(mask)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    components = min(int((areas > MIN_COMPONENT * areas.sum()).sum()), MAX_COMPONENTS)
    variation = float(half_widths.std() / half_widths.mean())
    return -(
        BORDER * float(_ring(mask).mean())
        + WIDTH * variation
        + COMPONENTS * float(np.log(max(components, 1)))
    )
