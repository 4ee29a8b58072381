"""Runs a single operation of the engine on arrays: what the functional face is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._core import Graph, Op, Plan, max_pool_indices
from .border import FLOATS, Array, type_of
from .nn.block import count, windows


def check_floats(who: str, **arrays: object) -> None:
    """All are arrays of one dtype, float32 or float64; None stands for an argument that was left out."""
    first: tuple[str, Array] | None = None
    for name, value in arrays.items():
        if value is None:
            continue
        if not isinstance(value, np.ndarray):
            cure = f'use np.asarray({name}, dtype="float32")'
            raise TypeError(f"{who}: {name} must be a NumPy array, got {type_of(value)}; {cure}")
        if value.dtype not in FLOATS:
            cure = f'use {name}.astype("float32")'
            raise TypeError(f"{who}: {name} must be float32 or float64, got {value.dtype}; {cure}")
        if first is None:
            first = name, value
        elif value.dtype != first[1].dtype:
            cure = f'use {name}.astype("{first[1].dtype}")'
            raise TypeError(f"{who}: {name} is {value.dtype} but {first[0]} is {first[1].dtype}; {cure}")


def check_shape(who: str, name: str, value: Array, shape: tuple[int, ...], meaning: str) -> None:
    if value.shape != shape:
        raise ValueError(f"{who}: {name} must have shape {shape}, {meaning}, got {value.shape}")


def check_rank(who: str, name: str, value: Array, axes: Sequence[str]) -> None:
    if value.ndim != len(axes):
        expected = f"({', '.join(axes)})" if len(axes) > 1 else f"({axes[0]},)"
        raise ValueError(f"{who}: {name} must have shape {expected}, got {value.shape}")


def forward(
    who: str, op: Op, x: Array, parameters: Sequence[Array] = (), isa: str | None = None, exact: bool = False
) -> Array:
    """y = op(x); the parameters come in the op's own order."""
    return plan_of(who, op, x, isa, exact).forward(np.ascontiguousarray(x), _flat(op, x, parameters))


def pool_with_indices(who: str, op: Op, x: Array, isa: str | None = None) -> tuple[Array, NDArray[np.int64]]:
    """y of a max-pool, and the place of each value in its channel."""
    check_batch(who, x)
    return max_pool_indices(op, np.ascontiguousarray(x), isa)


def backward(
    who: str,
    op: Op,
    dy: Array,
    x: Array,
    parameters: Sequence[Array] = (),
    isa: str | None = None,
    exact: bool = False,
) -> tuple[Array, list[Array]]:
    """d loss / d x and d loss / d parameter of each, from dy = d loss / d y.

    Parameters that play no part in any derivative (a bias, last in order) may be left out.
    """
    plan = plan_of(who, op, x, isa, exact)
    check_shape(who, "dy", dy, (len(x), *plan.output_shape), "that of the output")
    flat = _flat(op, x, parameters)
    grads = np.zeros_like(flat)
    _, tape = plan.forward_train(np.ascontiguousarray(x), flat)
    dx = plan.backward(np.ascontiguousarray(dy), tape, flat, grads)
    return dx, [grad for _, grad in windows(grads, op.parameter_shapes().items())]


def check_batch(who: str, x: Array) -> None:
    if x.ndim < 2:
        raise ValueError(f"{who}: x must have shape (n, ...), got {x.shape}")


def plan_of(who: str, op: Op, x: Array, isa: str | None, exact: bool) -> Plan:
    check_batch(who, x)
    graph = Graph(x.shape[1:])
    graph.add(op, [0])
    return Plan(graph, x.dtype.name, isa=isa, exact=exact)


def _flat(op: Op, x: Array, parameters: Sequence[Array]) -> Array:
    """The parameters one behind the other; zeros stand for those that were left out."""
    flat = np.zeros(count(op.parameter_shapes().values()), x.dtype)
    start = 0
    for value in parameters:
        flat[start : start + value.size] = value.ravel()
        start += value.size
    return flat
