"""Bicubic resizing of float images with Pillow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resize(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bicubic (a = -0.5) with antialiasing: the filter is widened when downsampling.

    Args:
        image: (h, w).
        shape: Height and width of the result.
    """
    from PIL import Image

    h, w = shape
    return np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BICUBIC))
