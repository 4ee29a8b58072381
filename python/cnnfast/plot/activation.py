"""`activation`: the curves of activation functions and of their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import check_number, type_of
from .._names import did_you_mean, find
from .._types import Array
from ..nn import activation as nn_activation
from ..nn import hardtanh
from ..nn.module import Module
from ..nn.registry import layer_types
from .figure import COLORS, GRAY, figure_for, figure_of, open_frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

_POINTS = 801
_INFINITY = float("inf")


def activation(
    *functions: str | Module,
    low: float = -4.0,
    high: float = 4.0,
    figure: Figure | SubFigure | None = None,
) -> Figure:
    """Draw activation functions, and beside them their derivatives.

    Both are what the layers compute, in float64: forward, and backward of ones.

    Args:
        functions: Names of activation layers ("gelu", "relu"), or layers that compute each value from one
            value, such as ``nn.LeakyReLU(0.2)``.
        low, high: Range of the inputs.
        figure: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError: Neither a name nor a layer.
        ValueError: No function, an unknown one, or a layer that is no activation; an empty range.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from cnnfast import plot
        >>> [line.get_label() for line in plot.activation("gelu", "relu").axes[0].lines[:2]]
        ['GELU()', 'ReLU()']
    """
    who = "plot.activation"
    low = check_number(who, "low", low, -_INFINITY, _INFINITY)
    high = check_number(who, "high", high, -_INFINITY, _INFINITY)
    if low >= high:
        raise ValueError(f"{who}: low must be below high, got {low:g} and {high:g}")
    if not functions:
        raise ValueError(f"{who}: needs at least one activation, such as 'gelu'")
    x = np.linspace(low, high, _POINTS)
    curves = {repr(layer): _curves(who, layer, x) for layer in (_layer(who, given) for given in functions)}
    figure = figure_for(who, figure, 9.0, 3.6)
    value, slope = figure.subplots(1, 2)
    for k, (name, (y, dy)) in enumerate(curves.items()):
        color = COLORS[k % len(COLORS)]
        value.plot(x, y, color=color, label=name)
        slope.plot(x, dy, color=color, label=name)
    value.set(xlabel="x", ylabel="f(x)")
    slope.set(xlabel="x", ylabel="derivative f′(x)")
    for ax in (value, slope):
        open_frame(ax)
        ax.axhline(0, color=GRAY, linewidth=0.6, zorder=0)
    value.legend(frameon=False, fontsize=9)
    return figure_of(figure)


def _layer(who: str, given: object) -> Module:
    """An independent layer in float64."""
    if isinstance(given, Module):
        return given.copy().to("float64")
    if not isinstance(given, str):
        raise TypeError(f"{who}: an activation must be a name or a layer, got {type_of(given)}")
    known = names()
    name = find(given, known)
    if name is None:
        hint = did_you_mean(given, known)
        raise ValueError(f"{who}: there is no activation {given!r}; known are {', '.join(known)}{hint}")
    kind: Any = known[name]
    layer: Module = kind().to("float64")
    return layer


def names() -> dict[str, type[Module]]:
    """The activations that need no settings.

    Example:
        >>> list(names())[:3]
        ['ReLU', 'GELU', 'LeakyReLU']
    """
    families = (nn_activation.__name__, hardtanh.__name__)
    return {name: kind for name, kind in layer_types().items() if kind.__module__ in families}


def _curves(who: str, layer: Module, x: Array) -> tuple[Array, Array]:
    """f(x) and f'(x)."""
    try:
        y, part = layer(x[None]), layer(x[None, :7])
    except ValueError:
        raise ValueError(f"{who}: {layer!r} does not take values one by one, so has no curve") from None
    if y.shape != (1, len(x)) or not np.array_equal(part[0], y[0, :7]):
        raise ValueError(f"{who}: {layer!r} does not compute each value from one value, so has no curve")
    layer.forward(x[None])
    return y[0], layer.backward(np.ones_like(y))[0]
