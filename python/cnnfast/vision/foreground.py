"""Separates ink from background: pixels with more contrast than Otsu's threshold, without the connected
components that cannot belong to a letter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from . import background, hard_photo, polarity
from .components import keep_large, keep_letter
from .threshold import otsu

Gray = NDArray[np.float32]

NOISE = 0.01
"""An image whose noise has at least this standard deviation is a noisy photo, and smoothed."""

MIN_CONTRAST = 0.08
"""Ink must differ from the background by this fraction of the range from black to white, ..."""

MIN_SIGNAL = 3.5
"""... and by this many standard deviations of the background's noise."""

MIN_RELATIVE_THRESHOLD = 0.3
"""Least threshold, as a fraction of the strongest ink: with a small letter on a large page, Otsu's threshold
would split the background."""

SOFT_EDGE = 2
"""Width in pixels of the soft edge around the ink."""


@dataclass(frozen=True, eq=False)
class _Split:
    """Contrast with one estimate of the background, split into ink and background by a threshold."""

    contrast_map: Gray
    mask: NDArray[np.bool_]
    contrast: float
    noise: float

    @property
    def is_blank(self) -> bool:
        return self.contrast < max(MIN_CONTRAST, MIN_SIGNAL * self.noise)

    @property
    def separation(self) -> float:
        """Between-class variance of ink and background as a fraction of all variance: 1 if both are
        uniform."""
        fraction, variance = float(self.mask.mean()), float(np.clip(self.contrast_map, 0, 1).var())
        return fraction * (1 - fraction) * self.contrast**2 / variance if variance else 0.0


def separate(
    gray: Gray, light_ink: bool | None = None, photo: Callable[[], NDArray[np.uint8]] | None = None
) -> Gray:
    """Ink of a gray image as 0 (background) to 1 (full ink), cropped to its bounding box.

    Two estimates of the background are tried, see `background.contrasts`. If nothing differs from one of them
    the image is blank; otherwise the one that separates the image more clearly is used.

    Args:
        gray: (h, w), 0 black to 1 white.
        light_ink: Whether the ink is lighter than the background; None decides from the image.
        photo: Returns the image's colors for `hard_photo.letter`, which is tried if the result is doubtful.

    Raises:
        DataError: Nothing differs from the background.
    """
    gray = _denoised(gray)
    dark = polarity.is_ink_lighter(gray) if light_ink is None else light_ink
    splits = [_split(contrast) for contrast in background.contrasts(polarity.with_border(gray, dark), dark)]
    is_blank = any(split.is_blank for split in splits)
    best = max(splits, key=lambda split: split.separation)
    letter = best.mask if is_blank else keep_letter(best.mask)
    if photo is not None:
        found = hard_photo.letter(photo, hard_photo.doubt(letter, gray.shape, is_blank))
        if found is not None:
            return found
    if is_blank:
        raise DataError("no letter found: the page is blank, or the ink too faint to tell from it")

    noise_mask = background.dilate((best.mask & ~letter).astype(np.float32), SOFT_EDGE)
    # Otsu's threshold works best where ink and background have comparable areas: repeat it around the letter.
    height, width = (np.ptp(np.flatnonzero(letter.any(axis))) + 1 for axis in (1, 0))
    near = _box(letter, SOFT_EDGE + int(max(height, width)) // 4)
    contrast_map = np.clip(best.contrast_map[near] * (1 - noise_mask[near]), 0, 1)
    threshold = otsu(contrast_map)
    letter = keep_large(contrast_map > threshold)
    soft = np.clip(contrast_map / np.float32(2 * threshold), 0, 1) * background.dilate(
        letter.astype(np.float32), SOFT_EDGE
    )
    ink: Gray = soft[_box(letter, SOFT_EDGE)]
    return ink


def _box(mask: NDArray[np.bool_], padding: int) -> tuple[slice, slice]:
    """Rows and columns of the mask's bounding box, enlarged by `padding`."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (
        slice(max(int(rows[0]) - padding, 0), int(rows[-1]) + padding + 1),
        slice(max(int(columns[0]) - padding, 0), int(columns[-1]) + padding + 1),
    )


def _split(contrast_map: Gray) -> _Split:
    threshold = max(
        otsu(np.clip(contrast_map, 0, 1)), MIN_RELATIVE_THRESHOLD * float(np.quantile(contrast_map, 0.9995))
    )
    mask = contrast_map > threshold
    if mask.all() or not mask.any():
        return _Split(contrast_map, mask, 0.0, 0.0)
    ink, rest = contrast_map[mask], contrast_map[~mask]
    contrast = float(np.clip(ink, 0, 1).mean() - np.clip(rest, 0, 1).mean())
    noise = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
    return _Split(contrast_map, mask, contrast, noise)


def _denoised(gray: Gray) -> Gray:
    """3x3 median filter for noisy images; clean drawings stay, since their lines may be one pixel wide."""
    steps = np.diff(gray)[::3, ::3]
    if steps.size == 0:  # a strip of one pixel
        return gray
    noise = 1.05 * float(np.median(np.abs(steps)))  # the standard deviation, if the noise is Gaussian
    if noise < NOISE:
        return gray
    from PIL import Image, ImageFilter

    image = Image.fromarray(np.rint(255 * gray).astype(np.uint8))  # 8 bits: finer than the noise
    return np.asarray(image.filter(ImageFilter.MedianFilter(3))).astype(np.float32) / np.float32(255)
