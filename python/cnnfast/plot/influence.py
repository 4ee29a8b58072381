"""`influence`: which outputs of a layer depend on one of its inputs, and the gradient of that input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._checks import check_array, check_integer
from .._types import Array
from . import layers, mosaic
from .figure import BLUE, GRAY, OCHER, RED, figure_for, figure_of, literal, matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from ..nn.module import Module

#: Most outputs of the layer: each needs a backward pass.
_MOST_OUTPUTS = 1024


def influence(
    layer: Module,
    x: Array,
    position: Sequence[int],
    *,
    dy: Array | None = None,
    figure: Figure | SubFigure | None = None,
) -> Figure:
    """Draw the influence of one input of a layer on its outputs, and its gradient.

    Three panels: the input with one value marked; the derivative of each output by this value, with arrows to
    those that depend on it; and `dy`. The gradient of the value is the sum of all derivatives times dy, which
    is what the layer's backward computes; the title has the terms.

    Args:
        layer: A layer without batch statistics: a convolution, a pool, an activation and others.
        x: One small input of the layer, (c, h, w) or (c, l), without a batch axis.
        position: Index of one value of x.
        dy: Gradient of the loss by the outputs, in their shape; None is 1 everywhere.
        figure: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: Not a module, an input or dy that does not fit, an index that is not in x.
        MissingDependencyError: matplotlib is not installed.

    Source: CMU 11-785, Introduction to Deep Learning: the gradient is a sum over all that a value influences.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn, plot
        >>> x = np.array([[[1.0, 5, 2, 0], [3, 4, 8, 6]]])
        >>> plot.influence(nn.MaxPool2d(2), x, (0, 0, 1), dy=np.array([[[10.0, 20]]])).get_suptitle()
        'dx[0, 0, 1] = 1·10 = 10'
    """
    who = "plot.influence"
    layers.check_model(who, layer)
    layer = layer.copy().to("float64")
    x = np.asarray(check_array(who, "x", x), np.float64)
    at = _index(who, position, x)
    y = layer.forward(x[None])[0]
    if y.size > _MOST_OUTPUTS:
        raise ValueError(f"{who}: x must be small, got {x.shape} with outputs {y.shape}")
    dy = np.ones_like(y) if dy is None else np.asarray(check_array(who, "dy", dy), np.float64)
    if dy.shape != y.shape:
        raise ValueError(f"{who}: dy must have the shape of the output {y.shape}, got {dy.shape}")
    slopes = _slopes(layer, y, at)
    parts = [_image(part) for part in (x, slopes, dy)]
    widths = [max(part.shape[1] * part.shape[3], 2) for part in parts]
    figure = figure_for(who, figure, 10.0, 3.4 if len(y) <= 2 else 4.6)
    panels = figure.subplots(1, 3, width_ratios=widths)
    index = ", ".join(map(str, at))
    titles = (f"input x, marked: x[{index}]", f"∂y / ∂x[{index}]", "dy")
    for ax, part, title in zip(panels, parts, titles, strict=True):
        _cells(ax, part)
        literal(ax.set_title(title, fontsize=9))
    _arrows(figure, panels[0], panels[1], parts, at, slopes)
    literal(figure.suptitle(_sum(f"dx[{index}]", slopes, dy), fontsize=10))
    return figure_of(figure)


def _index(who: str, position: Sequence[int], x: Array) -> tuple[int, ...]:
    at = tuple(check_integer(who, "position", index, 0) for index in position)
    if len(at) != x.ndim or any(index >= extent for index, extent in zip(at, x.shape, strict=True)):
        raise ValueError(f"{who}: position must be an index of x {x.shape}, got {at}")
    return at


def _slopes(layer: Module, y: Array, at: tuple[int, ...]) -> Array:
    """The derivative of each output by the input at this position."""
    found = np.zeros(y.size)
    for k in range(y.size):
        unit = np.zeros(y.size)
        unit[k] = 1.0
        found[k] = layer.backward(unit.reshape(1, *y.shape))[0][at]
    return found.reshape(y.shape)


def _image(values: Array) -> Array:
    """(rows, columns, h, w) of an input or output."""
    if values.ndim == 3:
        return mosaic.in_rows(values, 2)
    return np.asarray(values.reshape(1, 1, -1, values.shape[-1]))


def _cell(part: Array, at: tuple[int, ...]) -> tuple[float, float]:
    """(x, y) of a value in its mosaic."""
    columns, h, w = part.shape[1:4]
    gap = mosaic.gap_of(h, w)
    channel, row, column = at if len(at) == 3 else (0, at[0] if len(at) == 2 else 0, at[-1])
    return (channel % columns) * (w + gap) + column, (channel // columns) * (h + gap) + row


def _cells(ax: Axes, part: Array) -> None:
    """A cell for each value: its number, and a color for what is not 0."""
    rectangle = matplotlib("patches").Rectangle
    values = mosaic.mosaic(part)
    largest = float(np.nanmax(np.abs(values))) or 1.0
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            color = (RED if value > 0 else BLUE, 0.45 * abs(float(value)) / largest)
            ax.add_patch(rectangle((column - 0.5, row - 0.5), 1, 1, fc=color, ec=GRAY, lw=0.8))
            number = f"{value:.3g}".replace("-", "−")
            ax.text(column, row, number, ha="center", va="center", fontsize=8)
    h, w = values.shape
    ax.set(xlim=(-0.7, w - 0.3), ylim=(h - 0.3, -0.7), aspect="equal")
    ax.axis("off")


def _arrows(
    figure: Figure | SubFigure, start: Axes, end: Axes, parts: list[Array], at: tuple[int, ...], slopes: Array
) -> None:
    patches = matplotlib("patches")
    x, y = _cell(parts[0], at)
    start.add_patch(patches.Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, ec=RED, lw=2.2))
    for to in np.argwhere(slopes != 0):
        other = _cell(parts[1], tuple(int(k) for k in to))
        figure.add_artist(
            patches.ConnectionPatch(
                *((x + 0.5, y), other, "data", "data"),
                axesA=start,
                axesB=end,
                arrowstyle="-|>",
                connectionstyle="arc3,rad=-0.2",
                color=OCHER,
                alpha=0.6,
                mutation_scale=9,
                shrinkB=8,
            )
        )


def _sum(name: str, slopes: Array, dy: Array) -> str:
    """The gradient as a sum of its terms, in the order of the outputs."""
    pairs = [(s, d) for s, d in zip(slopes.ravel(), dy.ravel(), strict=True) if s != 0]
    terms = [f"{s:.3g}·{d:.3g}" if d >= 0 else f"{s:.3g}·({d:.3g})" for s, d in pairs]
    shown = " + ".join(terms[:9]) + (" + …" if len(terms) > 9 else "") or "0"
    shown = shown.replace("+ -", "- ")
    total = float((slopes * dy).sum())
    return f"{name} = {shown} = {total:.4g}".replace("-", "−") if pairs else f"{name} = 0"
