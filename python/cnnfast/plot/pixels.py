"""`pixels`: an image with the value of each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._checks import check_array
from .._types import Array
from . import mosaic
from .figure import SIGNED, axes_for, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_PIXELS = 4096


def pixels(image: Array, *, ax: Axes | None = None) -> Figure:
    """Draw one plane of values with its numbers: an image, a feature map, a kernel.

    Args:
        image: (h, w), any dtype; integers without decimal places, others with two.
        ax: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError: Not an array.
        ValueError: Not (h, w), or more than 4,096 values.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> from cnnfast import plot
        >>> [text.get_text() for text in plot.pixels(np.array([[0, 255]])).axes[0].texts]
        ['0', '255']
    """
    who = "plot.pixels"
    image = check_array(who, "image", image)
    if image.ndim != 2 or not 0 < image.size <= _MOST_PIXELS:
        raise ValueError(f"{who}: image must be (h, w) of up to {_MOST_PIXELS:,} values, got {image.shape}")
    height, width = image.shape
    cell = min(0.5, 9.0 / max(height, width))
    ax = axes_for(who, ax, max(2.0, cell * width + 0.6), max(1.0, cell * height + 0.5))
    low, high = mosaic.color_limits(image)
    cmap = SIGNED if low < 0 else "gray"
    shown = ax.imshow(image, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    mosaic.write_values(ax, image, shown, "{:d}" if image.dtype.kind in "iu" else "{:.2f}", 16 * cell)
    ax.tick_params(length=0, labelsize=7)
    return figure_of(ax)
