"""Images in rows and columns of one plot, with a common color scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from .figure import SIGNED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

#: Number of images of a list that are side by side.
PER_ROW = 8
#: Up to this many values are written into their cells.
_MOST_NUMBERS = 160


def mosaic(images: Array) -> Array:
    """(rows, columns, h, w) or (rows, columns, h, w, 3) as one image with gaps of NaN between them.

    Example:
        >>> mosaic(np.ones((1, 2, 1, 1)))
        array([[ 1., nan,  1.]])
    """
    rows, columns, h, w, *colors = images.shape
    gap = gap_of(h, w)
    shape = (rows * (h + gap) - gap, columns * (w + gap) - gap, *colors)
    whole = np.full(shape, np.nan)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (h + gap), column * (w + gap)
            whole[top : top + h, left : left + w] = images[row, column]
    return whole


def gap_of(h: int, w: int) -> int:
    """Pixels between two images."""
    return max(1, round(max(h, w) / 10))


def in_rows(images: Array, per_row: int = PER_ROW) -> Array:
    """A list of images (n, h, w) or (n, h, w, 3) as (rows, columns, ...), filled up with NaN."""
    columns = min(len(images), per_row)
    rows = -(-len(images) // columns)
    filled = np.full((rows * columns, *images.shape[1:]), np.nan)
    filled[: len(images)] = images
    return filled.reshape(rows, columns, *images.shape[1:])


def draw(ax: Axes, images: Array, is_list: bool, *, scale: float | None = None) -> AxesImage:
    """Draw (rows, columns, h, w) images of values, or (rows, columns, h, w, 3) of colors from 0 to 1.

    Args:
        is_list: The images are a list in rows, numbered from left to right; else row and column have numbers
            of their own.
        scale: Largest magnitude of the color scale; None takes that of the images. It is symmetric if a value
            is negative, else it begins at 0.
    """
    rows, columns, h, w, *_ = images.shape
    whole = mosaic(images)
    # The color of what is not there (NaN) is that of the paper.
    if whole.ndim == 3:
        shown = ax.imshow(np.nan_to_num(whole, nan=1.0), interpolation="nearest")
    else:
        limits = color_limits(images, scale)
        cmap = SIGNED if limits[0] < 0 else "gray"
        shown = ax.imshow(whole, cmap=cmap, vmin=limits[0], vmax=limits[1], interpolation="nearest")
        if images.size <= _MOST_NUMBERS and max(h, w) <= 11:
            write_values(ax, whole, shown)
    gap = gap_of(h, w)
    texts = [f"+{k}" if is_list and rows > 1 else str(k) for k in range(columns)]
    ax.set_xticks([(w - 1) / 2 + k * (w + gap) for k in range(columns)], texts)
    starts = [str(k * columns if is_list else k) if rows > 1 or not is_list else "" for k in range(rows)]
    ax.set_yticks([(h - 1) / 2 + k * (h + gap) for k in range(rows)], starts)
    ax.tick_params(length=0, labelsize=8)
    ax.spines[:].set_visible(False)
    return shown


def color_limits(values: Array, scale: float | None = None) -> tuple[float, float]:
    """The ends of the color scale: symmetric with negative values, else from 0; of the finite values."""
    finite = values[np.isfinite(values)]
    largest = scale if scale is not None else float(np.abs(finite).max(initial=0.0)) or 1.0
    return (-largest if float(finite.min(initial=0.0)) < 0 else 0.0), largest


def write_values(ax: Axes, values: Array, shown: AxesImage, text: str = "{:.2f}", size: float = 6) -> None:
    """The numbers of an image in its pixels, dark on light or light on dark."""
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        red, green, blue, _ = shown.cmap(shown.norm(value))
        light = 0.3 * red + 0.59 * green + 0.11 * blue > 0.55
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": "black" if light else "white"}
        number = text.format(value).replace("-", "−")
        ax.text(column, row, number, fontsize=size, **style)
