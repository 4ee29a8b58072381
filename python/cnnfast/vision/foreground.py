"""Separates ink from page: what stands out from the page by more than Otsu's threshold, without the blots
that cannot belong to a letter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from . import background, polarity
from .components import keep_large, keep_letter
from .threshold import otsu

Gray = NDArray[np.float32]

NOISE = 0.01
"""Deviation from which on an image is a noisy photo, and smoothed."""

MIN_CONTRAST = 0.08
"""Ink must differ from the page by this much of the range from black to white, ..."""

MIN_SIGNAL = 3.5
"""... and by this many standard deviations of the page's noise."""

FAINTEST = 0.3
"""Ink fainter than this share of the strongest is not looked for: where a letter is small on a large page,
Otsu's threshold would split the page."""

SOFT_EDGE = 2
"""Pixels around the ink in which it fades."""


@dataclass(frozen=True, eq=False)
class _Split:
    """An image above one idea of its page, split into ink and page by a threshold."""

    above: Gray
    mask: NDArray[np.bool_]
    contrast: float
    noise: float

    @property
    def is_blank(self) -> bool:
        return self.contrast < max(MIN_CONTRAST, MIN_SIGNAL * self.noise)

    @property
    def clarity(self) -> float:
        """The share of all variance that lies between ink and page: 1 if both are even."""
        share, variance = float(self.mask.mean()), float(np.clip(self.above, 0, 1).var())
        return share * (1 - share) * self.contrast**2 / variance if variance else 0.0


def separate(gray: Gray, light_ink: bool | None = None) -> Gray:
    """Ink of a gray image as 0 (page) to 1 (full ink), cut to its bounding box.

    Two estimates of the background are tried, see `background.reliefs`. Where nothing differs from one
    of them the page is blank; otherwise the one that separates the image more clearly is taken.

    Args:
        gray: (h, w), 0 black to 1 white.
        light_ink: Whether the ink is lighter than the page; None finds out.

    Raises:
        DataError: Nothing stands out from the page.
    """
    gray = _denoised(gray)
    dark = polarity.page_is_dark(gray) if light_ink is None else light_ink
    splits = [_split(relief) for relief in background.reliefs(polarity.with_margin(gray, dark), dark)]
    if any(split.is_blank for split in splits):
        raise DataError("no letter found: the page is blank, or the ink too faint to tell from it")
    best = max(splits, key=lambda split: split.clarity)

    letter = keep_letter(best.mask)
    dirt = background.widest((best.mask & ~letter).astype(np.float32), SOFT_EDGE)
    # Otsu's threshold is good where ink and page cover comparable areas: so again, close to the letter.
    height, width = (np.ptp(np.flatnonzero(letter.any(axis))) + 1 for axis in (1, 0))
    near = _box(letter, SOFT_EDGE + int(max(height, width)) // 4)
    above = np.clip(best.above[near] * (1 - dirt[near]), 0, 1)
    threshold = otsu(above)
    letter = keep_large(above > threshold)
    soft = np.clip(above / np.float32(2 * threshold), 0, 1) * background.widest(
        letter.astype(np.float32), SOFT_EDGE
    )
    ink: Gray = soft[_box(letter, SOFT_EDGE)]
    return ink


def _box(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Rows and columns of what is marked, and some around it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
    )


def _split(above: Gray) -> _Split:
    threshold = max(otsu(np.clip(above, 0, 1)), FAINTEST * float(np.quantile(above, 0.9995)))
    mask = above > threshold
    if mask.all() or not mask.any():
        return _Split(above, mask, 0.0, 0.0)
    ink, rest = above[mask], above[~mask]
    contrast = float(np.clip(ink, 0, 1).mean() - np.clip(rest, 0, 1).mean())
    noise = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
    return _Split(above, mask, contrast, noise)


def _denoised(gray: Gray) -> Gray:
    """Median of each pixel's 3x3 neighbourhood, but not of a clean drawing: its lines may be a pixel wide."""
    steps = np.diff(gray)[::3, ::3]
    if steps.size == 0:  # a strip of one pixel
        return gray
    noise = 1.05 * float(np.median(np.abs(steps)))  # a deviation, if the noise is Gaussian
    if noise < NOISE:
        return gray
    from PIL import Image, ImageFilter

    image = Image.fromarray(np.rint(255 * gray).astype(np.uint8))  # the noise is coarser than these steps
    return np.asarray(image.filter(ImageFilter.MedianFilter(3))).astype(np.float32) / np.float32(255)
