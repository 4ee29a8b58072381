"""`window`: how a convolution computes one of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._checks import check_array, check_integer
from .._types import Array
from ..nn.trace import normalized
from . import layers, mosaic
from .figure import FRAME, figure_for, figure_of, literal, matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from ..nn.module import Module

#: Input channels whose windows are shown.
_MOST = 8


class _Value(NamedTuple):
    """One value of a convolution: what it reads, its weights, and where the window is in the padded input."""

    x: Array  # (channels, h, w), with padding
    window: Array  # (channels, kernel_h, kernel_w)
    weight: Array
    bias: float
    corners: tuple[int, int, int, int]  # first and last row, first and last column


def window(
    model: Module,
    image: Array,
    layer: str | None = None,
    *,
    channel: int = 0,
    row: int = 0,
    column: int = 0,
    figure: Figure | SubFigure | None = None,
) -> Figure:
    """Draw one value of a convolution: the window it reads, times the kernel, term by term, plus the bias.

    Args:
        model: The network.
        image: One image, as for `feature_maps`.
        layer: Name of a `Conv2d`; None takes the first convolution.
        channel, row, column: The value, as an index of the layer's output.
        figure: Where to draw; None makes a new figure.

    Returns:
        The figure; its title has the sum over all input channels, and the first 8 of them are shown.

    Raises:
        TypeError, ValueError: Not a module, no such layer or value, an image that does not fit.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import cnnfast as cf
        >>> data, model = cf.datasets.glyphs(1, seed=0), cf.models.d4(seed=0)
        >>> figure = cf.plot.window(model, data.images[0], "conv1", channel=3, row=8, column=14)
        >>> [ax.get_title() for ax in figure.axes]
        ['input of conv1, padded', 'window', 'kernel', 'products']
    """
    who = "plot.window"
    layers.check_model(who, model)
    name, kind = layers.convolution(who, model, layer)
    if kind != "Conv2d":
        raise ValueError(f"{who}: the layer {name!r} is a {kind}, only Conv2d is drawn")
    value = _value(who, model, image, name, (channel, row, column))
    products = value.window * value.weight
    per_row = 1 if len(products) == 1 else 2
    figure = figure_for(who, figure, 10.0, 3.2 if len(products) == 1 else 4.6)
    places = figure.subplots(1, 4, width_ratios=(1.3, 1, 1, 1))
    _input(places[0], value, per_row)
    places[0].set_title(f"input of {name}, padded")
    for ax, title, part in zip(
        places[1:], ("window", "kernel", "products"), (value.window, value.weight, products), strict=True
    ):
        mosaic.draw(ax, mosaic.in_rows(part[:_MOST], per_row), True)
        ax.set_title(title)
        ax.set_xticks([])
        ax.set_yticks([])
    for sign, ax in zip("×=", places[2:], strict=True):
        ax.annotate(sign, (-0.03, 0.5), xycoords="axes fraction", ha="right", va="center", fontsize=16)
    for ax in places:
        literal(ax.title)
        ax.title.set_fontsize(9)
    total = float(products.sum())
    terms = f"sum of {products.size} products {total:.4f} + bias {value.bias:.4f} = {total + value.bias:.4f}"
    literal(figure.suptitle(f"{name}[{channel}, {row}, {column}]: {terms}".replace("-", "−"), fontsize=10))
    return figure_of(figure)


def _input(ax: Axes, value: _Value, per_row: int) -> None:
    """The padded input with the window in it."""
    mosaic.draw(ax, mosaic.in_rows(value.x[:_MOST], per_row), True)
    ax.set_xticks([])
    h, w = value.x.shape[1:]
    gap = mosaic.gap_of(h, w)
    top, bottom, left, right = value.corners
    for k in range(min(len(value.x), _MOST)):
        y, x = (k // per_row) * (h + gap), (k % per_row) * (w + gap)
        corner = (x + left - 0.5, y + top - 0.5)
        size = (right - left + 1, bottom - top + 1)
        ax.add_patch(matplotlib("patches").Rectangle(corner, *size, fill=False, ec=FRAME, lw=1.8))


def _value(who: str, model: Module, image: Array, name: str, at: tuple[int, int, int]) -> _Value:
    operations = model.operations()
    number = next(k for k, operation in enumerate(operations) if operation.name == name)
    (read,) = operations[number].inputs
    image = check_array(who, "image", image, model.dtype)
    outputs = model.trace(image[None]).outputs
    _, x = model.prepare(image[None])
    if read > 0:
        x = outputs[operations[read - 1].name]
    elif x.dtype != model.dtype:
        x = normalized(x, model)
    channel, row, column = (
        check_integer(who, what, index, 0)
        for what, index in zip(("channel", "row", "column"), at, strict=True)
    )
    shape = outputs[name].shape[1:]
    if channel >= shape[0] or row >= shape[1] or column >= shape[2]:
        raise ValueError(
            f"{who}: the layer {name!r} has outputs {shape}, got the index {(channel, row, column)}"
        )
    settings: dict[str, Any] = operations[number].op.settings()
    state = model.state_dict()
    padded = np.pad(x[0].astype(np.float64), ((0, 0), *settings["padding"]))
    weight = state[f"{name}.weight" if name else "weight"][channel].astype(np.float64)
    bias = state.get(f"{name}.bias" if name else "bias")
    (kh, kw), (sh, sw), (dh, dw) = settings["kernel_size"], settings["stride"], settings["dilation"]
    first = (channel * settings["groups"] // shape[0]) * len(weight)
    rows, columns = row * sh + dh * np.arange(kh), column * sw + dw * np.arange(kw)
    read_by = padded[first : first + len(weight)]
    corners = (int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1]))
    part = read_by[:, rows[:, None], columns]
    return _Value(read_by, part, weight, 0.0 if bias is None else float(bias[channel]), corners)
