"""`ModelInfo`, what is known of a network without building it, and the table of several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .. import _terminal
from .._text import scaled
from .._types import Shape


@dataclass(frozen=True)
class ModelInfo:
    """What a network is, and its cost for one image.

    Attributes:
        source: Author and title of the paper, or the name of the course or project.
        year: Year of the source; None if it is not known.
        output_shape: With the default number of classes.
        parameters: Number of parameters, without buffers.
        macs: Multiply-accumulates of one image in inference.
        memory: Bytes of float32 that inference of one image needs: parameters, buffers, and the values of
            the layers, of which the engine keeps only those that are still needed.
    """

    name: str
    source: str
    year: int | None
    input_shape: Shape
    output_shape: Shape
    parameters: int
    macs: int
    memory: int


def listing(infos: Iterable[ModelInfo]) -> str:
    """A table: a line for each source, below it its networks and their cost for one image.

    On a narrow terminal, it has fewer columns.
    """
    groups: dict[tuple[int | None, str], list[ModelInfo]] = {}
    for entry in infos:
        groups.setdefault((entry.year, entry.source), []).append(entry)
    cells = [["network", "input", "outputs", "parameters", "MACs", "memory"]]
    cells += [_cells(entry) for entries in groups.values() for entry in entries]
    for absent in ("", "outputs", "memory"):
        kept = [column for column, title in enumerate(cells[0]) if title != absent]
        cells = [[row[column] for column in kept] for row in cells]
        head, *rows = _terminal.aligned(cells)
        if max(map(len, [head, *rows])) <= _terminal.width():
            break
    lines, left = [head], iter(rows)
    for (year, source), entries in groups.items():
        lines += ["", _terminal.wrapped(source if year is None else f"{year}  {source}", "      ")]
        lines += [next(left) for _ in entries]
    return "\n".join(lines)


def _cells(entry: ModelInfo) -> list[str]:
    shapes = ["x".join(map(str, shape)) for shape in (entry.input_shape, entry.output_shape)]
    cost = [f"{entry.parameters:,}", scaled(entry.macs), scaled(entry.memory, "B")]
    return [f"  {entry.name}", *shapes, *cost]
