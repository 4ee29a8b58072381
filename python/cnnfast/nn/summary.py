"""The table of `print(model)`, built from the operations that the model adds to a graph."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import _terminal
from .._core import Graph
from .._flat import count
from .._text import scaled
from .._types import Shape
from .registry import layer_types
from .settings import shortest

if TYPE_CHECKING:
    from .._core import Op
    from .planned import Operation, Planned

_Cells = list[list[str]]
_ALWAYS_SHOWN = ("kernel_size", "stride", "padding")


@dataclass(frozen=True)
class Row:
    """One operation of a network; shape, MACs and bytes are None if the input shape is unknown.

    Attributes:
        settings: As text, without defaults except kernel, stride and padding.
        reads: Its inputs: indices of earlier rows, -1 for the network's input.
        parameters: Number of parameters, including frozen ones.
        buffers: Number of buffer entries.
        bytes: Size of its output for one image.
    """

    name: str
    operation: str
    settings: str
    reads: tuple[int, ...]
    output_shape: Shape | None
    parameters: int
    buffers: int
    macs: int | None
    bytes: int | None

    @property
    def title(self) -> str:
        return f"{self.name} {self.operation}".strip()


def rows(model: Planned) -> list[Row]:
    """Output shape and cost of each operation for one input, in order.

    Example:
        >>> from cnnfast import nn
        >>> row = rows(nn.Sequential(nn.Flatten(), nn.Linear(4, 2), input_shape=(1, 2, 2)))[1]
        >>> row.title, row.output_shape, row.parameters, row.macs, row.bytes
        ('1 Linear', (2,), 10, 8, 8)
    """
    graph = None if model.input_shape is None else Graph(model.input_shape)
    return [_row(operation, graph, model.dtype.itemsize) for operation in model.operations()]


def _row(operation: Operation, graph: Graph | None, itemsize: int) -> Row:
    """`graph` holds the operations before this one, and takes it in; None where shapes are unknown."""
    op, inputs, name = operation
    shape = macs = size = None
    if graph is not None:
        shape = graph.shape(graph.add(op, inputs, name))
        macs = op.macs(*(graph.shape(i) for i in inputs))
        size = math.prod(shape) * itemsize
    shapes = op.parameter_shapes()
    buffers = count(shapes[buffer] for buffer in op.buffers())
    parameters = count(shapes.values()) - buffers
    reads = tuple(i - 1 for i in inputs)
    return Row(name, op.name, in_words(op), reads, shape, parameters, buffers, macs, size)


def in_words(op: Op) -> str:
    """The settings of an operation.

    Example:
        >>> from cnnfast import nn
        >>> in_words(nn.Conv2d(8, 16, (3, 1), 2, groups=4)._op)
        '8 to 16, kernel 3x1, stride 2, padding 0, groups 4'
    """
    settings = op.settings()
    kind: Any = layer_types().get(op.name)
    required, usual = [], {}
    if hasattr(kind, "default_settings"):  # a Layer
        required, usual = kind.required_settings(), kind.default_settings(settings)
    parts = []
    for name, value in settings.items():
        if name.startswith("in_") and name.replace("in_", "out_") in settings:
            parts.append(f"{value} to {settings[name.replace('in_', 'out_')]}")
        elif name.startswith("out_") and name.replace("out_", "in_") in settings:
            pass  # shown with the inputs
        elif name in (*_ALWAYS_SHOWN, *required) or name not in usual or value != usual[name]:
            parts.append(f"{name.replace('_', ' ').removesuffix(' size')} {_value_in_words(name, value)}")
    return ", ".join(parts)


def _value_in_words(name: str, value: Any) -> str:
    value = value if name == "kernel_size" else shortest(value)
    sizes = name != "indices" and isinstance(value, tuple) and all(isinstance(item, int) for item in value)
    return "x".join(map(str, value)) if sizes else str(value)


def table(model: Planned, batch: int | None = None) -> str:
    """The rows as text, with a line of totals, and the inputs of each if they are not just the row above.
    Below it the memory for one image, or for a batch.

    Uses the first layout that fits the terminal: settings after the numbers; settings on a line below them;
    numbers on a line below name, settings and inputs.
    """
    lines = rows(model)
    shaped = model.input_shape is not None
    names = [["layer"], *([row.title] for row in lines), ["total"]]
    if any(row.reads != (position - 1,) for position, row in enumerate(lines)):
        reads = ["reads", *(_reads(lines, position) for position in range(len(lines))), ""]
        names = [[*name, read] for name, read in zip(names, reads, strict=True)]
    figures = _figures(lines, shaped)
    settings = ["settings", *(row.settings for row in lines), ""]
    for form in (_beside, _below, _stacked):
        text = form(names, figures, settings, shaped)
        if max(len(line) for part in text for line in part) <= _terminal.width():
            break
    rule = "-" * max(len(line) for part in text for line in part)
    body = [line for part in text[1:-1] for line in part]
    title = f"{type(model).__name__}, input {model.input_shape}" if shaped else type(model).__name__
    return "\n".join([title, *text[0], rule, *body, rule, *text[-1], *_notes(model, batch)])


def _figures(lines: list[Row], shaped: bool) -> list[list[str]]:
    """Cells of the output shape, if that is known, and of the numbers; titles first and totals last."""
    numbers = {"parameters": [row.parameters for row in lines]}
    if any(row.buffers for row in lines):
        numbers["buffers"] = [row.buffers for row in lines]
    if shaped:
        numbers["MACs"] = [row.macs or 0 for row in lines]
        numbers["bytes"] = [row.bytes or 0 for row in lines]
    columns = [["output shape", *(str(row.output_shape) for row in lines), ""]] if shaped else []
    columns += [
        [title, *(f"{value:,}" for value in values), f"{sum(values):,}"] for title, values in numbers.items()
    ]
    return [list(cells) for cells in zip(*columns, strict=True)]


def _beside(names: _Cells, figures: _Cells, settings: list[str], shaped: bool) -> list[list[str]]:
    """The lines of each row: one."""
    lines = _terminal.aligned([[*n, *f] for n, f in zip(names, figures, strict=True)], len(names[0]) + shaped)
    return [[f"{line}  {text}".rstrip()] for line, text in zip(lines, settings, strict=True)]


def _below(names: _Cells, figures: _Cells, settings: list[str], shaped: bool) -> list[list[str]]:
    """The lines of each row: with settings in a second one."""
    rows = _beside(names, figures, [""] * len(settings), shaped)
    texts = ["", *settings[1:]]
    return [[*row, f"    {text}"] if text else row for row, text in zip(rows, texts, strict=True)]


def _stacked(names: _Cells, figures: _Cells, settings: list[str], shaped: bool) -> list[list[str]]:
    """The lines of each row: its name and settings, then its numbers."""
    numbers = _terminal.aligned([["", *cells] for cells in figures], 1 + shaped)
    texts = [
        _terminal.packed(filter(None, [*name, text])) for name, text in zip(names, settings, strict=True)
    ]
    return [[*text.splitlines(), line] for text, line in zip(texts, numbers, strict=True)]


def _reads(lines: list[Row], position: int) -> str:
    """Names of a row's inputs; empty if that is only the row above."""
    read = lines[position].reads
    if read == (position - 1,):
        return ""
    return ", ".join("input" if i < 0 else lines[i].name or lines[i].operation for i in read)


def _notes(model: Planned, batch: int | None) -> list[str]:
    """Lines below the table: the task, the engine's memory, frozen parameters."""
    notes = []
    if model.task is not None:
        notes.append(f"task: {model.task}")
    if batch is not None:
        notes.append(f"memory of inference, batch {batch}: {model.memory(batch)}")
        state = scaled(model.flat_parameters.nbytes, "B")
        notes.append(
            f"memory of training, batch {batch}: {model.memory(batch, training=True)}; "
            f"and {state} for each state array of the optimizer: SGD with momentum 1, Adam 2"
        )
    elif model.input_shape is not None:
        plan = model.plan()
        training, inference = (plan.arena_bytes(t) // plan.tile(t) for t in (True, False))
        notes.append(f"memory for one image: {training:,} bytes in training, {inference:,} in inference")
    if weights := model.auxiliary_outputs():
        names = [model.operations()[value - 1].name for value in weights]
        losses = ", ".join(
            f"{weight:g} of {name}" for name, weight in zip(names, weights.values(), strict=True)
        )
        notes.append(f"added to the loss in training: {losses}; not computed in inference")
    if model.frozen:
        trainable = model.num_parameters(only_trainable=True)
        notes.append(f"parameters: {trainable:,} trainable, {model.num_parameters() - trainable:,} frozen")
    return [_terminal.wrapped(note, "  ") for note in notes]
