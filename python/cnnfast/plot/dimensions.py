"""`dimensions`: arrays of one to four dimensions as cells, planes and stacks of planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._checks import check_integer
from .figure import BLUE, GRAY, GREEN, RED, axes_for, figure_of, matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Most cells along an axis, and most planes or images.
_MOST_CELLS, _MOST_PLANES = 16, 8
#: Shift from a plane to the one behind it, and space between two arrays, in cells.
_SHIFT, _SPACE = 0.7, 1.6
#: Width of a character, in inches.
_CHARACTER = 0.085
_RGB = (RED, GREEN, BLUE)


def dimensions(*shapes: Sequence[int], names: Sequence[str] | None = None, ax: Axes | None = None) -> Figure:
    """Draw arrays by their shapes: (l,) is a row of cells, (h, w) a plane, (c, h, w) planes one behind the
    other, (n, c, h, w) such images side by side. Three planes are red, green and blue.

    Args:
        shapes: Shapes of 1 to 4 extents.
        names: A name below each; None shows the shapes alone.
        ax: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        ValueError: No shapes, one of other extents, another number of names.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from cnnfast import plot
        >>> figure = plot.dimensions((5,), (4, 5), (3, 4, 5))
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['(5,)', '(4, 5)', '(3, 4, 5)']
    """
    who = "plot.dimensions"
    checked = [_checked(who, shape) for shape in shapes]
    if not checked:
        raise ValueError(f"{who}: needs at least one shape")
    if names is not None and len(names) != len(checked):
        raise ValueError(f"{who}: names must be {len(checked)}, one for each shape, got {len(names)}")
    texts = [str(shape) if names is None else f"{names[k]}\n{shape}" for k, shape in enumerate(checked)]
    sizes = [_size(shape) for shape in checked]
    unit = min(0.32, 11.0 / sum(w + _SPACE for w, _ in sizes))
    longest = [max(map(len, text.split("\n"))) for text in texts]
    slots = [_SPACE + max(w, n * _CHARACTER / unit - 0.5) for (w, _), n in zip(sizes, longest, strict=True)]
    width, height = sum(slots), max(h for _, h in sizes) + 2.4
    ax = axes_for(who, ax, unit * width, unit * height + 0.2)
    left = 0.0
    for shape, text, slot, (w, _) in zip(checked, texts, slots, sizes, strict=True):
        _array(ax, shape, left + (slot - w) / 2)
        ax.text(left + slot / 2, -0.4, text, ha="center", va="top", fontsize=9)
        left += slot
    ax.set(xlim=(0, width), ylim=(-2.2, height - 2.2), aspect="equal")
    ax.axis("off")
    return figure_of(ax)


def _checked(who: str, shape: Sequence[int]) -> tuple[int, ...]:
    extents = tuple(check_integer(who, "shape", extent, 1) for extent in shape)
    planes = max((1, *extents[:-2]))
    if not 1 <= len(extents) <= 4 or max(extents[-2:]) > _MOST_CELLS or planes > _MOST_PLANES:
        raise ValueError(
            f"{who}: a shape must have 1 to 4 extents, up to {_MOST_CELLS} cells and {_MOST_PLANES} planes, "
            f"got {extents}"
        )
    return extents


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Width and height in cells."""
    n, c, h, w = (1,) * (4 - len(shape)) + shape
    image = w + _SHIFT * (c - 1)
    return n * image + (n - 1) * 1.0, h + _SHIFT * (c - 1)


def _array(ax: Axes, shape: tuple[int, ...], left: float) -> None:
    n, c, h, w = (1,) * (4 - len(shape)) + shape
    rectangle = matplotlib("patches").Rectangle
    for image in range(n):
        x = left + image * (w + _SHIFT * (c - 1) + 1.0)
        for plane in reversed(range(c)):  # the first one in front
            right, up = x + plane * _SHIFT, plane * _SHIFT
            color = _RGB[plane] if c == 3 else GRAY
            ax.add_patch(rectangle((right, up), w, h, fc="white", ec="none"))
            for row in range(h):
                for column in range(w):
                    at = (right + column, up + row)
                    ax.add_patch(rectangle(at, 1, 1, fc=(color, 0.25), ec=color, lw=0.8))
