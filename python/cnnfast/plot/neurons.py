"""`neurons`: a network as circles and lines, with the same color for neurons that share their weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .figure import COLORS, GRAY, axes_for, figure_of, literal, matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: A neuron of this name stands for those that are not drawn.
GAP = "…"
#: Radius of a neuron, and distance of two layers; neurons of a layer have the distance 1.
_RADIUS, _DISTANCE = 0.42, 3.4


def neurons(
    layers: Sequence[Sequence[str]],
    edges: Iterable[tuple[int, int, int]] | None = None,
    *,
    colors: Sequence[Sequence[int]] | None = None,
    titles: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw layers of neurons, from the input on the left to the output on the right.

    Args:
        layers: Names of the neurons of each layer; "…" stands for those that are not drawn.
        edges: (layer, neuron, neuron of the next layer); None connects all that have a name.
        colors: A number for each neuron; those that share their weights have the same. None gives all neurons
            of a layer the same color.
        titles: A title above each layer.
        ax: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        ValueError: No layers; an edge to a neuron that is not there; colors of another number.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from cnnfast import plot
        >>> figure = plot.neurons([["x0", "x1", "…", "x783"], ["h0", "…", "h63"]])
        >>> len(figure.axes[0].lines)
        6
    """
    who = "plot.neurons"
    if not layers or not all(layers):
        raise ValueError(f"{who}: needs at least one layer, and a neuron in each")
    if colors is None:
        colors = [[k] * len(layer) for k, layer in enumerate(layers)]
    if list(map(len, colors)) != list(map(len, layers)):
        raise ValueError(f"{who}: colors must be {list(map(len, layers))} numbers, as there are neurons")
    most = max(map(len, layers))
    ax = axes_for(who, ax, 1.7 * len(layers) + 0.4, 0.48 * most + 0.7)
    places = [
        [(_DISTANCE * k, (len(names) - 1) / 2 - row) for row in range(len(names))]
        for k, names in enumerate(layers)
    ]
    for layer, start, end in _all_edges(layers) if edges is None else edges:
        if not (0 <= layer < len(layers) - 1 and start < len(layers[layer]) and end < len(layers[layer + 1])):
            raise ValueError(f"{who}: there is no edge {(layer, start, end)} between these layers")
        (x0, y0), (x1, y1) = places[layer][start], places[layer + 1][end]
        ax.plot([x0, x1], [y0, y1], color=_color(colors[layer + 1][end]), lw=0.7, alpha=0.6, zorder=1)
    circle = matplotlib("patches").Circle
    for k, names in enumerate(layers):
        for place, name, color in zip(places[k], names, colors[k], strict=True):
            if name != GAP:
                ax.add_patch(circle(place, _RADIUS, fc="white", ec=_color(color), lw=1.8, zorder=2))
            text = "⋮" if name == GAP else name
            literal(ax.text(*place, text, ha="center", va="center", fontsize=7, zorder=3))
        if titles is not None:
            literal(ax.text(_DISTANCE * k, most / 2 + 0.35, titles[k], ha="center", va="bottom", fontsize=9))
    ax.set(
        xlim=(-0.9, _DISTANCE * (len(layers) - 1) + 0.9),
        ylim=(-most / 2 - 0.2, most / 2 + 1.0),
        aspect="equal",
    )
    ax.axis("off")
    return figure_of(ax)


def _color(number: int) -> str:
    return GRAY if number < 0 else COLORS[number % len(COLORS)]


def _all_edges(layers: Sequence[Sequence[str]]) -> Iterable[tuple[int, int, int]]:
    for k in range(len(layers) - 1):
        for start, name in enumerate(layers[k]):
            for end, other in enumerate(layers[k + 1]):
                if GAP not in (name, other):
                    yield k, start, end
