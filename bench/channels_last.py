"""Shared by JAX and TensorFlow: a module as a list of operations on channels-last images and weights (NHWC;
kernels HWIO), independent of both libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from cnnfast import _core
from cnnfast._types import Array
from cnnfast.interop.torch import parameter_name
from cnnfast.nn import Module

Values = dict[str, Any]
#: (operation, its inputs, its weights, training mode) to the output and the updated buffers.
Apply = Callable[[_core.Op, list[Any], Values, bool], tuple[Any, Values]]


def images(x: Array) -> Array:
    """A batch (n, c, h, w) as (n, h, w, c); (n, features) as it is."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


@dataclass(frozen=True)
class Program:
    """A module's operations; the values of its parameters and of its buffers, channels-last."""

    nodes: list[tuple[_core.Op, list[int], str]]
    weights: dict[str, Array]
    buffers: dict[str, Array]
    axes: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, module: Module) -> Program:
        nodes = module.operations()
        axes = {
            parameter_name(name, key): _axes(op, len(shape))
            for op, _, name in nodes
            for key, shape in op.parameter_shapes().items()
        }
        state = module.state_dict()
        values = {key: np.ascontiguousarray(np.transpose(state[key], axes[key])) for key in axes}
        buffers = {key: values.pop(key) for key in module.buffers()}
        return cls(nodes, values, buffers, axes)

    def run(self, apply: Apply, given: Mapping[str, Any], x: Any, training: bool) -> tuple[Any, Values]:
        """The output, and the new values of the buffers updated in training.

        given: parameters and buffers as the library holds them.
        """
        values, moved = [x], {}
        for op, inputs, name in self.nodes:
            own = {key: given[parameter_name(name, key)] for key in op.parameter_shapes()}
            y, changed = apply(op, [values[i] for i in inputs], own, training)
            moved.update({parameter_name(name, key): value for key, value in changed.items()})
            values.append(y)
        return values[-1], moved

    def as_ours(self, grads: Mapping[str, Any]) -> dict[str, Array]:
        """Gradients in the layout of `state_dict`."""
        return {key: np.transpose(np.asarray(g), np.argsort(self.axes[key])) for key, g in grads.items()}


def _axes(op: _core.Op, rank: int) -> tuple[int, ...]:
    """Our axes in channels-last order."""
    if op.name.startswith("Conv"):  # bias (o,) too
        return (*range(2, rank), 1, 0) if rank > 1 else (0,)
    if op.name in ("PositionBias", "LayerNorm"):  # the shape of an image
        return (*range(1, rank), 0)
    return tuple(range(rank))


def rearranged(op: _core.Op, x: Any, xp: Any) -> Any:
    """Flatten and Reshape, by way of (n, c, h, w), as they order values channel by channel.

    xp: the library's reshape(x, shape) and transpose(x, axes).
    """
    rank = len(x.shape)
    ours = xp.transpose(x, (0, rank - 1, *range(1, rank - 1)))
    n, *shape = ours.shape
    wanted = op.output_shape(shape)
    y = xp.reshape(ours, (n, *wanted))
    return xp.transpose(y, (0, *range(2, len(wanted) + 1), 1))
