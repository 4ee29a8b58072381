"""Resizing and rank filters of arrays with Pillow."""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T", np.float32, np.uint8)


def filtered(values: NDArray[_T], size: int, kind: Literal["median", "min", "max"]) -> NDArray[_T]:
    """The median, least or largest value of size x size around each; the edge is repeated outward.

    Args:
        values: (h, w).
        size: Odd.
    """
    from PIL import Image, ImageFilter

    kinds = {"median": ImageFilter.MedianFilter, "min": ImageFilter.MinFilter, "max": ImageFilter.MaxFilter}
    return np.asarray(Image.fromarray(values).filter(kinds[kind](size)))


def resize(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bicubic (a = -0.5) with antialiasing: the filter is widened when downsampling.

    Args:
        image: (h, w).
        shape: Height and width of the result.
    """
    from PIL import Image

    h, w = shape
    return np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BICUBIC))
