"""`feature_maps`: the outputs of a model's layers for one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._checks import check_array, check_integer, type_of
from .._types import Array
from . import layers as named
from . import mosaic
from .figure import figure_for, figure_of, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from ..nn.module import Module

#: Convolutions that are shown if no layers are named.
_MOST_LAYERS = 12


def feature_maps(
    model: Module,
    image: Array,
    layers: Sequence[str] | str | None = None,
    *,
    most: int = 32,
    figure: Figure | SubFigure | None = None,
) -> Figure:
    """Draw the outputs of layers for one image: a panel for each layer, an image for each channel.

    The color scale of a layer is common to its channels: gray from 0 if no value is negative, else blue for
    negative and red for positive values. Outputs without positions are a row of values, color images are
    shown in color.

    Args:
        model: The network.
        image: One image without a batch axis: (h, w) or (c, h, w), uint8, or in the model's dtype as it
            expects it; or another input of the network, such as (c, l).
        layers: Name or names of layers, as in `model.summary()`; "input" is the image itself. None takes it
            and the first 12 convolutions.
        most: Number of channels of a layer that are shown.
        figure: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: Not a module, no such layer, an image that does not fit.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import cnnfast as cf
        >>> data, model = cf.datasets.glyphs(1, seed=0), cf.models.d4(num_classes=26)
        >>> figure = cf.plot.feature_maps(model, data.images[0], ["conv1", "relu1", "pool1"])
        >>> [ax.get_title() for ax in figure.axes if ax.get_title()]
        ['conv1 Conv2d (8, 28, 28)', 'relu1 ReLU (8, 28, 28)', 'pool1 MaxPool2d (8, 14, 14)']
    """
    who = "plot.feature_maps"
    named.check_model(who, model)
    most = check_integer(who, "most", most, 1)
    outputs = _outputs(who, model, image)
    known = {"input": ""} | named.operations(model)
    chosen = _chosen(who, layers, known)
    images = [_images(outputs[name], most) for name in chosen]
    heights = [7.4 * (m.shape[0] * m.shape[2]) / (m.shape[1] * m.shape[3]) for m in images]
    heights = [min(max(0.5, height), 2.6) + 0.45 for height in heights]
    figure = figure_for(who, figure, 8.0, sum(heights))
    axes = figure.subplots(len(images), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, name, tiles in zip(axes, chosen, images, strict=True):
        y = outputs[name]
        remark = f", first {most}" if y.ndim == 3 and len(y) > most and tiles.ndim == 4 else ""
        _panel(ax, f"{name} {known[name]}".strip() + f" {y.shape}{remark}", y, tiles)
    return figure_of(figure)


def _chosen(who: str, layers: Sequence[str] | str | None, known: dict[str, str]) -> list[str]:
    if layers is None:
        convolutions = [name for name, kind in known.items() if kind.startswith("Conv")]
        return ["input", *convolutions[:_MOST_LAYERS]]
    names = [layers] if isinstance(layers, str) else list(layers)
    if not names:
        raise ValueError(f"{who}: layers must name a layer, got {type_of(layers)} without names")
    return [named.check_name(who, name, known, "layers") for name in names]


def _outputs(who: str, model: Module, image: Array) -> dict[str, Array]:
    """Output of each layer for the image, without the batch axis."""
    image = check_array(who, "image", image, model.dtype)
    outputs = {name: y[0] for name, y in model.trace(image[None]).outputs.items()}
    return {"input": image[None] if image.ndim == 2 and model.dtype != image.dtype else image} | outputs


def _images(y: Array, most: int) -> Array:
    """(rows, columns, h, w) of the output of a layer, or (1, 1, h, w, 3) of a color image."""
    if y.dtype == np.uint8 and len(y) == 3:
        return y.transpose(1, 2, 0)[None, None] / 255
    if y.ndim == 3:
        return mosaic.in_rows(y[:most])
    return np.asarray(y.reshape(1, 1, -1, y.shape[-1]) if y.ndim == 2 else y.reshape(1, 1, 1, -1))


def _panel(ax: Axes, title: str, y: Array, images: Array) -> None:
    shown = mosaic.draw(ax, images, True)
    if y.ndim < 3:
        ax.set_aspect("auto")
        ax.set_xticks([])
    literal(ax.set_title(title, fontsize=9))
    if images.ndim == 4:
        ax.figure.colorbar(shown, ax=ax, fraction=0.03, pad=0.01, panchor=False).ax.tick_params(labelsize=7)
