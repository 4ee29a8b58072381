"""`Network`: a model in float64 as inference runs it, and the values it computes for one image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .. import _core
from .._checks import check_array, type_of
from .._flat import count, windows
from .._names import did_you_mean
from .._types import Array, Shape
from ..nn import Module
from ..nn.planned import Operation, values_of_inference
from ..nn.trace import Pass, normalized
from .rules import Opaque, Rule, lower

#: The name of the network's input, value 0.
INPUT = "input"


@dataclass(frozen=True)
class Step:
    """One operation of inference.

    Attributes:
        name: Of the layer, unique; the operation's if the network is a single layer.
        prefix: Of its parameters.
        text: The layer as Python code.
        op: The operation.
        inputs: The values it reads: 0 is the network's input, k the output of step k - 1.
        shapes: Of these values.
        parameters: float64 arrays by name, buffers included.
    """

    name: str
    prefix: str
    text: str
    op: _core.Op
    inputs: tuple[int, ...]
    shapes: tuple[Shape, ...]
    parameters: dict[str, Array]

    @cached_property
    def rule(self) -> Rule:
        return lower(self.op, self.shapes, self.parameters)


class Network:
    """A model in float64, as inference runs it: without auxiliary outputs, with dropout as a copy and batch
    normalization by its running averages, also in the backward pass.

    Args:
        who: Start of error messages.
        model: It is not changed.
        image: uint8 (h, w) or (c, h, w), normalized by the model; or floats in the shape of the input. May
            have a batch axis of 1.

    Attributes:
        model: The copy.
        pixels: The image with its channels, as given.
        values: The normalized input, then the output of each step, without batch axis.
    """

    def __init__(self, who: str, model: Module, image: Array) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"{who}: model must be a network of cnnfast, got {type_of(model)}")
        self.pixels = _one_image(who, model, image)
        self.model = model.copy().to("float64")
        self.model.materialize(self.pixels.shape)
        batch = self.pixels[None]
        if batch.dtype != np.uint8:
            batch = batch.astype(np.float64)
        _, batch = self.model.prepare(batch)
        self.steps = list(_steps(self.model, self.pixels.shape))
        x = normalized(batch, self.model) if batch.dtype == np.uint8 else batch
        self.values = [value[0] for value in self.run(x).values]

    @property
    def output(self) -> Array:
        value: Array = self.values[-1]
        return value

    @cached_property
    def flat(self) -> Array:
        """The parameters of all steps."""
        arrays = [values.ravel() for step in self.steps for values in step.parameters.values()]
        return np.concatenate([np.zeros(0), *arrays])

    def run(self, x: Array, flat: Array | None = None, training: bool = False) -> Pass:
        """A pass of normalized images (n, ...) in exact mode, one operation at a time.

        Args:
            flat: Other parameters.
            training: Keep what the backward pass needs.
        """
        operations = [Operation(_in_inference(step), step.inputs, step.name) for step in self.steps]
        return Pass(operations, self.flat if flat is None else flat, x, training, 0)

    def by_name(self, flat: Array) -> dict[str, Array]:
        """Cuts a flat array like the parameters into named ones."""
        shapes = [
            (f"{step.prefix}.{name}" if step.prefix else name, values.shape)
            for step in self.steps
            for name, values in step.parameters.items()
        ]
        return dict(windows(flat, shapes))

    def names(self) -> list[str]:
        """Of the values."""
        return [INPUT, *(step.name for step in self.steps)]

    def find(self, who: str, layer: object) -> int:
        """The value of a layer, or of the input.

        Raises:
            ValueError: There is no such layer.
        """
        names = self.names()
        if isinstance(layer, str) and layer in names:
            return len(names) - 1 - names[::-1].index(layer)
        shown = ", ".join(names) if len(names) <= 30 else f"{', '.join(names[:30])} ..."
        hint = did_you_mean(layer, names) or f"; there are {shown}"
        raise ValueError(f"{who}: there is no layer {layer!r}{hint}")

    def inputs_of(self, value: int) -> list[Array]:
        return [self.values[k] for k in self.steps[value - 1].inputs]

    def rule_of(self, who: str, value: int) -> Rule:
        """The rule that computes a value.

        Raises:
            ValueError: It cannot be explained.
        """
        step = self.steps[value - 1]
        if isinstance(step.rule, Opaque):
            raise ValueError(f"{who}: layer {step.name!r} cannot be explained: {step.rule.text}")
        return step.rule


def _steps(model: Module, input_shape: Shape) -> Iterator[Step]:
    operations = model.operations()
    needed = values_of_inference(operations)
    number = {0: 0}
    shapes: list[Shape] = [input_shape]
    texts = {leaf.whole_name(): repr(leaf) for leaf in model.leaves()}
    names = _unique_names(operations)
    start = 0
    for k, (op, inputs, prefix) in enumerate(operations, 1):
        layout = op.parameter_shapes()
        end = start + count(layout.values())
        flat, start = model.flat_parameters[start:end], end
        if k not in needed:
            continue
        reads = tuple(number[i] for i in inputs)
        read_shapes = tuple(shapes[i] for i in reads)
        parameters = dict(windows(flat, layout.items()))
        text = texts.get(prefix, op.name)
        yield Step(names[k - 1], prefix, text, op, reads, read_shapes, parameters)
        number[k] = len(shapes)
        shapes.append(op.output_shape(*read_shapes))


def _unique_names(operations: Sequence[Operation]) -> list[str]:
    """The layers' names; of several operations of one layer, the last one has it."""
    names: list[str] = []
    taken: Counter[str] = Counter()
    for op, _, name in reversed(operations):
        unique = name or op.name
        if taken[unique]:
            unique = f"{unique} ({op.name})"
        taken[unique] += 1
        names.append(unique if taken[unique] == 1 else f"{unique} {taken[unique]}")
    return names[::-1]


def _in_inference(step: Step) -> _core.Op:
    """An operation whose training pass computes the same as inference."""
    if step.op.name.startswith("Dropout"):
        return _core.Reshape(step.shapes[0])
    if step.op.name.startswith("BatchNorm"):
        kind: Any = type(step.op)
        return kind(**step.op.settings(), use_running_stats=True)  # type: ignore[no-any-return]
    return step.op


def _one_image(who: str, model: Module, image: object) -> Array:
    """The image as the network takes it, without batch axis."""
    if isinstance(image, str | bytes):
        cure = "use cnnfast.vision.to_model_input(image)"
        raise TypeError(f"{who}: image must be a NumPy array, got {type_of(image)}; {cure}")
    x = check_array(who, "image", image, model.dtype)
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise TypeError(f"{who}: image must be uint8 or floats, got {x.dtype}; use image.astype('uint8')")
    expected = model.input_shape or (x.shape if x.ndim != 2 else (1, *x.shape))[-3:]
    if x.shape not in (expected, (1, *expected), expected[1:] if expected[0] == 1 else None):
        raise ValueError(
            f"{who}: image must have the shape {expected}, that of the network's input, got {x.shape}"
        )
    return np.ascontiguousarray(x.reshape(expected))
