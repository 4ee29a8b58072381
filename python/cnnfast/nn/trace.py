"""`trace_of`: the output of every layer of a network, and the gradients, computed one layer at a time, by a
`Pass`.

Each operation is a plan of one node in exact mode, so values are those of the chain of single layers. The
plans that `model(x)` and training use are not involved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .._checks import check_array, check_label_range, dtype_cure, ieee_arithmetic, type_of
from .._core import Graph, Op, Plan, Reshape, Tape, apply_op, apply_op_backward, row_losses
from .._flat import count, windows
from .._types import Array, Shape
from ..losses import Loss, targets
from .planned import Operation, Planned


class Trace(NamedTuple):
    """Values of one pass by the layers' names, in the order in which they were computed.

    Attributes:
        outputs: Output of each layer.
        output_gradients: d loss / d output of each layer; empty without a backward pass.
        gradients: d loss / d parameter, keyed like `Module.gradients`; empty without a backward pass.
    """

    outputs: dict[str, Array]
    output_gradients: dict[str, Array]
    gradients: dict[str, Array]


def trace_of(
    who: str,
    model: Planned,
    x: Array,
    backward: bool,
    target: Array | None,
    loss: Loss | None,
    dy: Array | None,
    training: bool,
    seed: int,
) -> Trace:
    """See `Module.trace`; the loss is None without a target."""
    if backward != ((target is None) != (dy is None)) or (target is not None and dy is not None):
        raise ValueError(f"{who}: give exactly one of target and dy if backward=True, else neither")
    _, x = model.prepare(x)
    if x.dtype != model.dtype:
        x = normalized(x, model)
    run = Pass(model.operations(), model.flat_parameters, x, training or backward, seed)
    if not backward:
        return Trace(run.outputs, {}, {})
    auxiliary: dict[int, Array] = {}  # and, last, the output
    if target is not None and loss is not None:
        model.check_loss(who, loss, run.output.shape[1])
        _, dy = mean_loss(who, loss, run.output, target)
        for value, weight in model.auxiliary_outputs().items():
            _, gradient = mean_loss(who, loss, run.values[value], target)
            auxiliary[value] = np.asarray(gradient * gradient.dtype.type(weight))
    auxiliary[len(run.values) - 1] = _checked_dy(who, dy, run.output)
    of_values, flat = run.backward(auxiliary)
    by_layer = {name: dx.copy() for name, dx in zip(run.names, of_values[1:], strict=True)}
    buffers = set(model.buffer_names())
    named = {name: grad for name, grad in windows(flat, model.named_shapes()) if name not in buffers}
    return Trace(run.outputs, by_layer, named)


class _Node:
    """One operation with its parameters, and what its forward pass keeps for backward."""

    def __init__(self, step: Operation, params: Array) -> None:
        self.op, self.inputs, self.name, self._params = step.op, step.inputs, step.name, params
        self._pass: tuple[Plan, Tape] | None = None
        self._joined: Sequence[Array] = ()

    def forward(self, inputs: Sequence[Array], training: bool, seed: int) -> Array:
        if len(inputs) > 1:  # a plan has one input
            self._joined = inputs
            return apply_op(self.op, inputs)
        plan = _plan(self.op, inputs[0])
        if not training:
            return plan.forward(inputs[0], self._params)
        y, tape = plan.forward_train(inputs[0], self._params, seed)
        self._pass = plan, tape
        return y

    def backward(self, dy: Array) -> tuple[list[Array], Array]:
        """(gradient of each input, gradient of the parameters)"""
        dy, grads = np.ascontiguousarray(dy), np.zeros_like(self._params)
        if self._joined:
            return apply_op_backward(self.op, dy, self._joined), grads
        assert self._pass is not None
        plan, tape = self._pass
        return [plan.backward(dy, tape, self._params, grads)], grads


class Pass:
    """A forward pass, layer by layer, and the backward pass behind it.

    Args:
        operations: Of the network, in order.
        params: Their flat parameters, which are not changed.
        x: Input as floats.
        training: Batch normalization uses the statistics of the batch, and dropout draws; else inference.
        seed: Seed of every dropout layer.
    """

    def __init__(
        self, operations: Sequence[Operation], params: Array, x: Array, training: bool, seed: int
    ) -> None:
        self._nodes: list[_Node] = []
        self.values = [x]
        start = 0
        for step in operations:
            end = start + count(step.op.parameter_shapes().values())
            node = _Node(step, params[start:end].copy())
            self.values.append(node.forward([self.values[i] for i in node.inputs], training, seed))
            self._nodes.append(node)
            start = end

    @property
    def output(self) -> Array:
        return self.values[-1]

    @property
    def names(self) -> list[str]:
        """Of the operations."""
        return [node.name for node in self._nodes]

    @property
    def outputs(self) -> dict[str, Array]:
        return dict(zip(self.names, self.values[1:], strict=True))

    def backward(self, of_loss: Mapping[int, Array]) -> tuple[list[Array], Array]:
        """(gradient of each value, flat gradient of all parameters); `of_loss` has the gradients of the
        values that the loss reads, by index. Needs a pass with `training`.
        """
        found: list[Array | None] = [of_loss.get(k) for k in range(len(self.values))]
        flat = []
        for k in range(len(self._nodes), 0, -1):
            node, here = self._nodes[k - 1], found[k]
            if here is None:  # nothing reads this value
                here = np.zeros_like(self.values[k])
                found[k] = here
            by_input, grads = node.backward(here)
            flat.append(grads)
            for i, dx in zip(node.inputs, by_input, strict=True):
                before = found[i]
                found[i] = dx if before is None else before + dx
        of_values = [np.zeros_like(x) if dx is None else dx for x, dx in zip(self.values, found, strict=True)]
        return of_values, np.concatenate(flat[::-1]) if flat else np.zeros(0, self.output.dtype)


def normalized(x: Array, model: Planned) -> Array:
    """uint8 images as the floats that the first layer reads."""
    shape: Shape = x.shape[1:]
    graph = Graph(shape)
    graph.add(Reshape(shape), [0])
    dtype = model.dtype
    return Plan(graph, dtype.name, *model.preprocessing.affine(shape)).forward(x, np.zeros(0, dtype))


def _checked_dy(who: str, dy: object, y: Array) -> Array:
    array = check_array(who, "dy", dy, y.dtype)
    if array.dtype != y.dtype:
        cure = dtype_cure("dy", array, y.dtype)
        raise TypeError(f"{who}: dy must be a {y.dtype} array, got {type_of(array)}; {cure}")
    if array.shape != y.shape:
        raise ValueError(f"{who}: dy must have the shape of the output {y.shape}, got {array.shape}")
    return array


@ieee_arithmetic
def mean_loss(who: str, loss: Loss, y: Array, target: Array) -> tuple[float, Array]:
    """The mean loss, and its gradient by y; NaN and zeros where all targets are ignored."""
    rows = targets(who, "target", target, loss, y.shape[1:], y.dtype, len(y))
    if rows.dtype == np.int64:
        check_label_range(who, "target", rows, y.shape[1], getattr(loss, "ignore_index", None))
    losses, dy, divisor = row_losses(loss.engine_loss(), y, rows)
    gradient = dy.reshape(y.shape)
    if divisor == 0:  # all are ignored
        return float("nan"), gradient
    return float(losses.sum() / divisor), np.asarray(gradient / y.dtype.type(divisor))


def _plan(op: Op, x: Array) -> Plan:
    graph = Graph(x.shape[1:])
    graph.add(op, [0])
    return Plan(graph, x.dtype.name, exact=True)
