"""The ink of a single letter in a photo where the light, printed lines, or the table around the paper reach
the border: from the map of ink that pages are read from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from . import ink_map, paper, rules
from .background import COARSE_SIDE, WIDEST_STROKE, dilate
from .components import Mask, keep_letter, label

SIDE = 400
"""Longer side of the image that is used; strokes have to be narrower than a fifth of it."""

MIN_AREA, MAX_AREA = 0.002, 0.4
"""Of the ink, as a fraction of the image."""

SOFT_EDGE = 2
"""Pixels around the letter in which faint ink is kept."""

SOLID = 0.6
"""Ink that fills more of its bounding box than this may be a sheet of paper on a table."""

HALF_GAIN = 0.3
"""If a straight line divides the image into ink and background better than nothing does, by this fraction of
the pixels, it is the edge of a shadow."""

MAX_RING = 0.06
"""Greatest fraction of the outermost pixels that is ink then: specks at the ends of the edge."""

_T = TypeVar("_T", bound=np.generic)
Doubt = Literal["", "blank", "border", "solid", "half"]


def doubt(mask: Mask, shape: tuple[int, ...], is_blank: bool) -> Doubt:
    """Why ink found in another way may not be that of a letter; empty if it looks like one.

    Args:
        mask: The ink, in an image of this shape or with a border around it.
        shape: (h, w) of the image.
        is_blank: Whether none was found.
    """
    if is_blank:
        return "blank"
    top, left = (mask.shape[0] - shape[0]) // 2, (mask.shape[1] - shape[1]) // 2
    if top and _is_half(mask[top : top + shape[0], left : left + shape[1]]):
        return "half"
    if _filled(mask) > SOLID:
        return "solid"
    return "border" if not top and reaches_border(mask) else ""


def letter(photo: Callable[[], NDArray[np.uint8]], why: Doubt) -> NDArray[np.float32] | None:
    """Ink as 0 to 1, cropped to the letter; None if it is not clearly separate from the border.

    Args:
        photo: Returns the colors, (3, h, w), at most about `SIDE` a side.
        why: What `doubt` returns. Solid ink has to be a sheet of paper on a table. If one half of the image
            is ink, the image may be cropped at the letter, so that hardly any ink may reach the border.
    """
    if not why:
        return None
    pixels = photo()
    sheet = paper.find(pixels)
    if sheet is not None and not all(sheet.real):
        sheet = None
    if why == "solid" and sheet is None:
        return None
    block = max(2, max(pixels.shape) // COARSE_SIDE // 2 * 2)
    window = round(WIDEST_STROKE * COARSE_SIDE) // 2 * 2 + 1
    try:
        amount = ink_map.ink(pixels, sheet, block, window)
    except DataError:
        return None
    mask = amount > 0.5
    if why == "half":
        if _ring(mask).mean() > MAX_RING:
            return None
        labels, _ = label(mask)
        mask &= ~np.isin(labels, _ring(labels))
    mask &= ~rules.rules(amount)
    if not mask.any():
        return None
    kept = keep_letter(mask)
    if reaches_border(kept) or not MIN_AREA < kept.mean() < MAX_AREA:
        return None
    soft = np.where(mask | (amount < 0.5), amount, 0) * dilate(kept.astype(np.float32), SOFT_EDGE)
    rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
    low, high = (max(int(k[0]) - SOFT_EDGE, 0) for k in (rows, columns)), (rows[-1], columns[-1])
    top, left = low
    result: NDArray[np.float32] = soft[top : high[0] + SOFT_EDGE + 1, left : high[1] + SOFT_EDGE + 1]
    return result.astype(np.float32)


def _filled(mask: Mask) -> float:
    """The fraction of its bounding box that a mask fills."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean())


def _is_half(mask: Mask) -> bool:
    """Whether a mask is nearly what lies on one side of a straight line, as light beside a shadow."""
    small = mask[:: max(1, len(mask) // COARSE_SIDE), :: max(1, len(mask[0]) // COARSE_SIDE)]
    y, x = np.mgrid[-1 : 1 : small.shape[0] * 1j, -1 : 1 : small.shape[1] * 1j]
    basis = np.stack([np.ones(small.size), x.ravel(), y.ravel()], 1)
    values = small.ravel().astype(np.float64)
    weights = np.linalg.lstsq(basis.T @ basis, basis.T @ values, rcond=None)[0]
    agreement = float(((basis @ weights > 0.5) == small.ravel()).mean())
    return bool(agreement - max(values.mean(), 1 - values.mean()) > HALF_GAIN)


def reaches_border(mask: Mask) -> bool:
    """Whether there is ink in the outermost pixels."""
    return bool(_ring(mask).any())


def _ring(values: NDArray[_T]) -> NDArray[_T]:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
