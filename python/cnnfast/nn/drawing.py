"""The graph of a network as an SVG image: boxes of layers from top to bottom, branches side by side.

An operation that reads one value, keeps the number of its elements and has no window (activations,
normalization, dropout, Flatten) is in the box of the operation before it, if nothing else reads that one.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from .._files import atomic_write
from .._text import printable
from .._types import Shape
from .layered_layout import Layout, Point, layered
from .summary import Row, rows

if TYPE_CHECKING:
    from .planned import Planned

#: Border of the drawing, height of its title and of a line of text, padding of a box, in pixels.
_BORDER, _TITLE, _LINE, _PADDING = 16.0, 34.0, 14.0, 7.0
#: Width of a character of the sans-serif fonts of browsers, at a font size of 11, on average.
_CHARACTER = 7.0
_MIN_WIDTH = 70.0
#: Settings that are left out.
_USUAL = ("stride 1", "padding 0", "bias False")
#: Fill and outline.
COLORS = {
    "convolution": ("#dbe7f5", "#5b7b9a"),
    "linear": ("#f7dedf", "#d1495b"),
    "pool": ("#efe9d2", "#b3a369"),
    "join": ("#d9ecdc", "#4f9a63"),
    "other": ("#f2f2f2", "#888888"),
}


@dataclass(frozen=True)
class Box:
    """A box of layers; the first line of its text is the title."""

    kind: str
    lines: tuple[str, ...]

    @property
    def size(self) -> tuple[float, float]:
        longest = max(len(line) for line in self.lines)
        return max(_MIN_WIDTH, longest * _CHARACTER + 2 * _PADDING), len(self.lines) * _LINE + 2 * _PADDING


def draw(model: Planned, path: str | os.PathLike[str]) -> None:
    """Write `svg(model)` to a file; see `Module.draw`."""
    who = f"{type(model).__name__}.draw"
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{who}: path must be the name of a file, got {path!r}")
    if os.path.splitext(path)[1].lower() != ".svg":
        raise ValueError(f"{who}: path must end in .svg, got {os.fspath(path)!r}")
    text = svg(model)
    with atomic_write(who, path) as file:
        file.write(text.encode())


def svg(model: Planned) -> str:
    """The text of the SVG image; see `Module.draw`."""
    return _image(*boxes_of(model, f"{type(model).__name__}.draw"))


def boxes_of(model: Planned, who: str) -> tuple[str, list[Box], Layout]:
    """Title, boxes and positions of the drawing, for a caller named `who`."""
    if model.input_shape is None:
        raise ValueError(f"{who}: needs an input_shape, this module has none of its own")
    lines = rows(model)
    groups = _groups(lines)
    box_of = {-1: 0} | {row: box for box, group in enumerate(groups, 1) for row in group}
    boxes = [Box("other", ("input", _shape(model.input_shape)))]
    edges = []
    losses = {value - 1: weight for value, weight in model.auxiliary_outputs().items()}
    for number, group in enumerate(groups, 1):
        boxes.append(_box([lines[row] for row in group], losses.get(group[-1])))
        edges += [(box_of[read], number) for read in lines[group[0]].reads]
    layout = layered([box.size for box in boxes], edges)
    title = f"{type(model).__name__}, {model.num_parameters():,} parameters"
    return title, boxes, layout


def _groups(lines: Sequence[Row]) -> list[list[int]]:
    """The rows of each box."""
    readers = Counter(read for row in lines for read in row.reads)
    groups: list[list[int]] = []
    for number, row in enumerate(lines):
        before = row.reads[0]
        if groups and before == groups[-1][-1] and readers[before] == 1 and _joins(lines[before], row):
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _joins(before: Row, row: Row) -> bool:
    """Whether a row is in the box of the row before it."""
    same_size = math.prod(before.output_shape or ()) == math.prod(row.output_shape or ())
    return same_size and len(row.reads) == 1 and _kind(row) == "other"


def _kind(row: Row) -> str:
    if len(row.reads) > 1:
        return "join"
    if "Conv" in row.operation:
        return "convolution"
    if row.operation == "Linear":
        return "linear"
    return "pool" if "Pool" in row.operation else "other"


def _box(group: Sequence[Row], loss: float | None) -> Box:
    """The box of some rows; `loss` is the weight of an auxiliary output's loss."""
    first, *others = group
    settings = [text for text in first.settings.split(", ") if text and text not in _USUAL]
    lines = [first.title, *([", ".join(settings)] if settings else [])]
    if others:
        lines.append("+ " + " + ".join(row.operation for row in others))
    last = _shape(group[-1].output_shape or ())
    parameters = sum(row.parameters for row in group)
    lines.append(f"{last}, {parameters:,} parameters" if parameters else last)
    if loss is not None:
        lines.append(f"auxiliary output, loss times {loss:g}")
    return Box(_kind(first), tuple(map(printable, lines)))


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _image(title: str, boxes: Sequence[Box], layout: Layout) -> str:
    width = max(layout.size[0], len(title) * 1.3 * _CHARACTER) + 2 * _BORDER
    height = layout.size[1] + _TITLE + 2 * _BORDER
    left = (width - layout.size[0]) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0.5 8 4 0 7.5z" fill="#555"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_BORDER:g}" y="{_BORDER + 12:g}" font-size="14">{escape(title)}</text>',
        f'<g transform="translate({left:.1f} {_BORDER + _TITLE:.1f})">',
        *(_edge(path) for path in layout.paths),
        *(_drawn(box, center) for box, center in zip(boxes, layout.centers, strict=True)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _edge(path: Sequence[Point]) -> str:
    """A line through the points, vertical at each of them."""
    (x, y), *others = path
    text = f"M{x:.1f} {y:.1f}"
    for (x0, y0), (x1, y1) in pairwise([(x, y), *others]):
        if x0 == x1:
            text += f"V{y1:.1f}"
        else:
            middle = (y0 + y1) / 2
            text += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    return f'<path d="{text}" fill="none" stroke="#555" marker-end="url(#arrow)"/>'


def _drawn(box: Box, center: Point) -> str:
    width, height = box.size
    left, top = center[0] - width / 2, center[1] - height / 2
    fill, outline = COLORS[box.kind]
    weights = ["bold", *["normal"] * (len(box.lines) - 1)]
    text = "".join(
        f'<tspan x="{center[0]:.1f}" y="{top + _PADDING + (line + 0.78) * _LINE:.1f}" font-weight="{weight}">'
        f"{escape(content)}</tspan>"
        for line, (content, weight) in enumerate(zip(box.lines, weights, strict=True))
    )
    return (
        f'<g class="{box.kind}"><rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="5" fill="{fill}" stroke="{outline}"/><text text-anchor="middle">{text}</text></g>'
    )
