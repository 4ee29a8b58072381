"""`graph`: the graph of a network, as `Module.draw` lays it out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..nn import drawing
from . import layers
from .figure import axes_for, figure_of, literal, matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..nn.layered_layout import Layout
    from ..nn.planned import Planned

#: Pixels of the drawing in an inch, and its border in pixels.
_PER_INCH, _BORDER = 96.0, 16.0
_FONT = 8.0
_EDGE = "#555555"


def graph(model: Planned, *, ax: Axes | None = None) -> Figure:
    """Draw the graph of a network: its layers as boxes from top to bottom, branches side by side.

    It is the drawing of `model.draw`, which writes an SVG file without matplotlib, as a figure for other
    formats and for notebooks.

    Args:
        model: A network with an `input_shape`.
        ax: Where to draw; None makes a new figure of the size of the graph.

    Returns:
        The figure.

    Raises:
        TypeError: Not a module.
        ValueError: It has no `input_shape`.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from cnnfast import models, plot
        >>> plot.graph(models.d4()).axes[0].get_title()
        'Sequential, 52,138 parameters'
    """
    who = "plot.graph"
    layers.check_model(who, model)
    title, boxes, layout = drawing.boxes_of(model, who)
    width, height = layout.size
    ax = axes_for(who, ax, max(3.6, (width + 2 * _BORDER) / _PER_INCH), (height + 4 * _BORDER) / _PER_INCH)
    patches = matplotlib("patches")
    for box, (x, y) in zip(boxes, layout.centers, strict=True):
        fill, outline = drawing.COLORS[box.kind]
        w, h = box.size
        ax.add_patch(
            patches.FancyBboxPatch(
                (x - w / 2, y - h / 2), w, h, boxstyle="round,pad=0,rounding_size=5", fc=fill, ec=outline
            )
        )
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": _FONT}
        lines = len(box.lines)
        for k, text in enumerate(box.lines):
            at = y + (k - (lines - 1) / 2) * h / (lines + 0.6)
            literal(ax.text(x, at, text, fontweight="bold" if k == 0 else "normal", **style))
    _edges(ax, layout)
    ax.set(xlim=(-_BORDER, width + _BORDER), ylim=(height + _BORDER, -_BORDER), aspect="equal")
    ax.axis("off")
    literal(ax.set_title(title, fontsize=10))
    return figure_of(ax)


def _edges(ax: Axes, layout: Layout) -> None:
    """Lines through their points, vertical at each of them, with an arrow at the end."""
    patches, path = matplotlib("patches"), matplotlib("path").Path
    for points in layout.paths:
        vertices, codes = [points[0]], [path.MOVETO]
        for (x0, y0), (x1, y1) in pairwise(points):
            middle = (y0 + y1) / 2
            vertices += [(x0, middle), (x1, middle), (x1, y1)]
            codes += [path.CURVE4] * 3
        ax.add_patch(patches.PathPatch(path(np.array(vertices), codes), fill=False, ec=_EDGE, lw=0.9))
        x, y = points[-1]
        head = [(x, y), (x - 3, y - 6), (x + 3, y - 6)]
        ax.add_patch(patches.Polygon(head, fc=_EDGE, ec=_EDGE, lw=0.5))
