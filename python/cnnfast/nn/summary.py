"""The table that `print(model)` shows, written down while the model adds its operations to a graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._core import Graph
from ..border import Shape
from .block import count
from .freezing import windows_of

if TYPE_CHECKING:
    from .._core import Op
    from .module import Module


@dataclass(frozen=True)
class Row:
    """One operation of a network; shape, MACs and bytes are None where the input shape is unknown.

    Attributes:
        reads: What it reads: numbers of the rows before it, -1 for the network's input.
        bytes: Size of its output for one image.
    """

    name: str
    operation: str
    reads: tuple[int, ...]
    output_shape: Shape | None
    parameters: int
    macs: int | None
    bytes: int | None

    @property
    def title(self) -> str:
        return f"{self.name} {self.operation}".strip()


class Recorder:
    """Takes the place of a Graph and keeps a row for each operation."""

    def __init__(self, input_shape: Shape | None, itemsize: int) -> None:
        self._graph = None if input_shape is None else Graph(input_shape)
        self._itemsize = itemsize
        self.rows: list[Row] = []

    def add(self, op: Op, inputs: Sequence[int], name: str = "") -> int:
        shape = macs = size = None
        if self._graph is not None:
            shape = self._graph.shape(self._graph.add(op, inputs, name))
            macs = op.macs(*(self._graph.shape(i) for i in inputs))
            size = math.prod(shape) * self._itemsize
        n_parameters = count(op.parameter_shapes().values())
        reads = tuple(i - 1 for i in inputs)
        self.rows.append(Row(name, op.name, reads, shape, n_parameters, macs, size))
        return len(self.rows)


def rows(model: Module) -> list[Row]:
    """What each operation of the model puts out and costs for one input, in order.

    Example:
        >>> from cnnfast import nn
        >>> row = rows(nn.Sequential(nn.Flatten(), nn.Linear(4, 2), input_shape=(1, 2, 2)))[1]
        >>> row.title, row.output_shape, row.parameters, row.macs, row.bytes
        ('1 Linear', (2,), 10, 8, 8)
    """
    recorder = Recorder(model.input_shape, model.dtype.itemsize)
    model._add_to(recorder, 0, "")
    return recorder.rows


def table(model: Module) -> str:
    """The rows as text, with a line of totals; what each one reads, where that is not just the row above."""
    lines = rows(model)
    shaped = model.input_shape is not None
    columns = [["layer", *(row.title for row in lines), "total"]]
    left = 1
    if any(row.reads != (position - 1,) for position, row in enumerate(lines)):
        columns.append(["reads", *(_reads(lines, position) for position in range(len(lines))), ""])
        left += 1
    if shaped:
        columns.append(["output shape", *(str(row.output_shape) for row in lines), ""])
        left += 1
    numbers = {"parameters": [row.parameters for row in lines]}
    if shaped:
        numbers["MACs"] = [row.macs or 0 for row in lines]
        numbers["bytes"] = [row.bytes or 0 for row in lines]
    columns += [
        [title, *(f"{value:,}" for value in values), f"{sum(values):,}"] for title, values in numbers.items()
    ]
    widths = [max(map(len, column)) for column in columns]
    text = [_aligned(cells, widths, left) for cells in zip(*columns, strict=True)]
    rule = "-" * max(map(len, text))
    title = f"{type(model).__name__}, input {model.input_shape}" if shaped else type(model).__name__
    return "\n".join([title, text[0], rule, *text[1:-1], rule, text[-1], *_notes(model)])


def _reads(lines: list[Row], position: int) -> str:
    """Names of what a row reads; nothing for the row above it."""
    read = lines[position].reads
    if read == (position - 1,):
        return ""
    return ", ".join("input" if i < 0 else lines[i].name or lines[i].operation for i in read)


def _notes(model: Module) -> list[str]:
    """What the rows do not tell: the task, memory as the engine lays it out, frozen parameters."""
    notes = []
    if model.task is not None:
        notes.append(f"task: {model.task}")
    if model.input_shape is not None:
        plan = model.plan()
        training, inference = (plan.arena_bytes(t) // plan.tile(t) for t in (True, False))
        notes.append(f"memory for one image: {training:,} bytes in training, {inference:,} in inference")
    if model.frozen:
        frozen = sum(end - start for _, start, end in windows_of(model, frozen=True))
        notes.append(f"frozen: {frozen:,} of {model.num_parameters():,} parameters")
    return notes


def _aligned(cells: Sequence[str], widths: list[int], left: int) -> str:
    return "  ".join(
        cell.ljust(width) if column < left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()
