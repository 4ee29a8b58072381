"""Figures and axes of the plots. They are made without pyplot: no window opens, no global state changes, and
the backend stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._checks import type_of
from .._files import PathName, atomic_write
from ..errors import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.text import Text

BLUE, RED, GREEN, OCHER, GRAY = "#33658a", "#d1495b", "#4f9a63", "#b3862d", "#8a8a8a"
#: Of a frame that is seen on images of any color.
FRAME = "#12c24a"
#: Colors of several lines in one plot.
COLORS = (BLUE, RED, GREEN, OCHER, "#7b5ea7", "#3a9d9d", "#8a8a8a", "#c06c9c")
#: Colormap of values with a sign: negative ones blue, positive ones red.
SIGNED = "RdBu_r"
#: File name endings that `save` accepts.
ENDINGS = (".png", ".svg", ".pdf")


def matplotlib(module: str = "figure") -> Any:
    """A module of matplotlib, imported when a plot is made.

    Raises:
        MissingDependencyError: It is not installed.
    """
    return require(f"matplotlib.{module}", "plotting")


def new_figure(width: float, height: float, layout: str = "constrained") -> Figure:
    """An empty figure, sizes in inches."""
    figure: Figure = matplotlib().Figure(figsize=(width, height), facecolor="white", layout=layout)
    return figure


def axes_for(who: str, ax: Axes | None, width: float, height: float) -> Axes:
    """The given axes, or those of a new figure."""
    if ax is None:
        # "compressed" leaves room for labels beside an image, whose axes are smaller than their place.
        return new_figure(width, height, "compressed").subplots()
    if not isinstance(ax, matplotlib("axes").Axes):
        raise TypeError(f"{who}: ax must be a matplotlib Axes, got {type_of(ax)}")
    given: Axes = ax
    return given


def figure_for(
    who: str, figure: Figure | SubFigure | None, width: float, height: float
) -> Figure | SubFigure:
    """The given figure or subfigure, or a new one."""
    if figure is None:
        return new_figure(width, height)
    if not isinstance(figure, matplotlib().FigureBase):
        raise TypeError(f"{who}: figure must be a matplotlib Figure or SubFigure, got {type_of(figure)}")
    given: Figure | SubFigure = figure
    return given


def figure_of(part: Axes | Figure | SubFigure) -> Figure:
    """The figure that axes or a subfigure belong to."""
    root: Any = part
    while not isinstance(root, matplotlib().Figure):
        root = root.figure
    found: Figure = root
    return found


def open_frame(ax: Axes) -> None:
    """Leaves out the upper and the right line around a plot of curves, and adds a light grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)


def literal(*texts: Text) -> None:
    """Names of layers and classes are shown as they are: "$" does not begin a formula."""
    for text in texts:
        text.set_parse_math(False)


def save(who: str, figure: Figure, path: PathName, dpi: float = 150) -> None:
    """Write a figure to a .png, .svg or .pdf file, atomically.

    Raises:
        ValueError: Another ending.
        OSError: The file cannot be written.
    """
    ending = next((ending for ending in ENDINGS if str(path).lower().endswith(ending)), None)
    if ending is None:
        raise ValueError(f"{who}: the file must end in .png, .svg or .pdf, got {str(path)!r}")
    metadata: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(ending, {})
    context = require("matplotlib", "plotting").rc_context({"svg.hashsalt": "cnnfast"})
    with context, atomic_write(who, path) as file:  # equal figures are equal files
        figure.savefig(file, format=ending[1:], dpi=dpi, metadata=metadata)
