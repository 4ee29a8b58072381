"""The table that `print(model)` shows, written down while the model adds its operations to a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._core import Graph
from ..border import Shape
from .block import count

if TYPE_CHECKING:
    from .._core import Op
    from .module import Module


@dataclass(frozen=True)
class Row:
    """One operation of a network; shape and MACs are None where the input shape is unknown."""

    name: str
    operation: str
    output_shape: Shape | None
    parameters: int
    macs: int | None


class Recorder:
    """Takes the place of a Graph and keeps a row for each operation."""

    def __init__(self, input_shape: Shape | None) -> None:
        self._graph = None if input_shape is None else Graph(input_shape)
        self.rows: list[Row] = []

    def add(self, op: Op, inputs: Sequence[int], name: str = "") -> int:
        n_parameters = count(op.parameter_shapes().values())
        if self._graph is None:
            self.rows.append(Row(name, op.name, None, n_parameters, None))
            return len(self.rows)
        value = self._graph.add(op, inputs, name)
        macs = op.macs(*(self._graph.shape(i) for i in inputs))
        self.rows.append(Row(name, op.name, self._graph.shape(value), n_parameters, macs))
        return value


def rows(model: Module) -> list[Row]:
    """What each operation of the model puts out and costs for one input, in order.

    Example:
        >>> from cnnfast import nn
        >>> rows(nn.Sequential(nn.Flatten(), nn.Linear(4, 2), input_shape=(1, 2, 2)))[1]
        Row(name='1', operation='Linear', output_shape=(2,), parameters=10, macs=8)
    """
    recorder = Recorder(model.input_shape)
    model._add_to(recorder, 0, "")
    return recorder.rows


def table(model: Module) -> str:
    """The rows as text, with a line of totals."""
    lines = rows(model)
    shaped = model.input_shape is not None
    cells = [["layer", "output shape", "parameters", "MACs"]]
    cells += [
        [f"{r.name} {r.operation}".strip(), str(r.output_shape), f"{r.parameters:,}", f"{r.macs or 0:,}"]
        for r in lines
    ]
    total_macs = sum(r.macs or 0 for r in lines)
    cells.append(["total", "", f"{model.num_parameters():,}", f"{total_macs:,}"])
    if not shaped:
        cells = [[line[0], line[2]] for line in cells]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    text = [_aligned(line, widths, left=2 if shaped else 1) for line in cells]
    rule = "-" * max(map(len, text))
    title = f"{type(model).__name__}, input {model.input_shape}" if shaped else type(model).__name__
    return "\n".join([title, text[0], rule, *text[1:-1], rule, text[-1]])


def _aligned(cells: list[str], widths: list[int], left: int) -> str:
    return "  ".join(
        cell.ljust(width) if column < left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()
