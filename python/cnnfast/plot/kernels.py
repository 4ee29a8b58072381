"""`kernels`: the weights of a convolution as images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._checks import check_integer
from .._types import Array
from . import layers, mosaic
from .figure import axes_for, figure_of, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..nn.planned import Planned

#: Largest size of the images together, and of one of their pixels, in inches.
_WIDTH, _HEIGHT, _PIXEL = 6.5, 7.5, 0.35


def kernels(model: Planned, layer: str | None = None, *, most: int = 16, ax: Axes | None = None) -> Figure:
    """Draw the kernels of a convolution: a small image for each output and input channel.

    Kernels of one input channel, and those of three, which are shown as colors (each scaled to its largest
    weight, 0 is gray), are a list of images in rows of 8. With other numbers of input channels, a row is an
    output channel, and a column an input channel of its group. A kernel of `Conv1d` is one image for each
    output channel, whose rows are input channels. Small ones show their numbers.

    Args:
        model: A network, or a convolution.
        layer: Name of the convolution, as in `model.summary()`; None takes the first one.
        most: Number of output channels, and of input channels in columns, that are shown; a list has four
            times as many.
        ax: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError: Not a module.
        ValueError: No such layer, or one without kernels.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from cnnfast import models, plot
        >>> plot.kernels(models.d4(), "conv1").axes[0].get_title()
        'conv1 Conv2d: 8 kernels of 3x3'
    """
    who = "plot.kernels"
    layers.check_model(who, model)
    most = check_integer(who, "most", most, 1)
    name, operation = layers.convolution(who, model, layer)
    weight = layers.weight_of(model, name)  # (out, in, ...)
    if operation.startswith("ConvTranspose"):
        weight = weight.swapaxes(0, 1)
    images, is_list, left_out = _images(weight, most)
    rows, columns = images.shape[:2]
    h, w = images.shape[2:4]
    pixel = min(_WIDTH / (columns * w), _HEIGHT / (rows * h), _PIXEL)
    ax = axes_for(who, ax, max(3.6, 1.2 * pixel * columns * w + 1.0), 1.2 * pixel * rows * h + 0.9)
    shown = mosaic.draw(ax, images, is_list)
    extents = "x".join(map(str, weight.shape[2:]))
    count = weight.shape[0] * (1 if is_list else weight.shape[1])
    title = f"{name} {operation}: {count} kernels of {extents}{left_out}".strip()
    literal(ax.set_title(title, fontsize=10))
    if not is_list:
        ax.set(xlabel="input channel", ylabel="output channel")
    if images.ndim == 4:
        ax.figure.colorbar(shown, ax=ax, fraction=0.04, pad=0.02).ax.tick_params(labelsize=7)
    return figure_of(ax)


def _images(weight: Array, most: int) -> tuple[Array, bool, str]:
    """(rows, columns, ...) images, whether they are a list, and a remark on what is left out."""
    out, ins, *extents = weight.shape
    if len(extents) == 1:
        listed = weight[: 4 * most]
    elif ins == 1:
        listed = weight[: 4 * most, 0]
    elif ins == 3:
        listed = _colors(weight[: 4 * most])
    else:
        images = weight[:most, :most]
        is_all = images.shape == weight.shape
        remark = f", first {images.shape[0]} outputs and {images.shape[1]} inputs"
        return images, False, "" if is_all else remark
    return mosaic.in_rows(listed), True, "" if len(listed) == out else f", first {len(listed)}"


def _colors(weight: Array) -> Array:
    """(out, 3, h, w) as colors (out, h, w, 3) from 0 to 1, where 0 is gray."""
    largest = np.abs(weight).max(axis=(1, 2, 3), keepdims=True)
    scaled = 0.5 + 0.5 * weight / np.where(largest > 0, largest, 1)
    return np.asarray(scaled.transpose(0, 2, 3, 1))
