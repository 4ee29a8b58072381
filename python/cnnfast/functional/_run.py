"""Runs a single operation of the engine on arrays: used by all functions of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from .._checks import check_array, dtype_cure
from .._core import Graph, Op, Plan, apply_op, apply_op_backward, max_pool_indices
from .._flat import count, windows
from .._types import FLOATS, Array, Indices

_NONE: Mapping[str, object] = MappingProxyType({})


def check_floats(who: str, optional: Mapping[str, object] = _NONE, /, **arrays: object) -> None:
    """Checks that all are arrays of one dtype, float32 or float64; None in `optional` is an omitted array."""
    first: tuple[str, Array] | None = None
    given = {name: value for name, value in optional.items() if value is not None}
    for name, value in {**arrays, **given}.items():
        array = check_array(who, name, value)
        if array.dtype not in FLOATS:
            cure = dtype_cure(name, array, "float32")
            raise TypeError(f"{who}: {name} must be float32 or float64, got {array.dtype}; {cure}")
        if first is None:
            first = name, array
        elif array.dtype != first[1].dtype:
            cure = dtype_cure(name, array, first[1].dtype)
            raise TypeError(f"{who}: {name} is {array.dtype} but {first[0]} is {first[1].dtype}; {cure}")


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
    """y = op(x); the parameters are in the op's order."""
    return plan_of(who, op, x, isa, exact).forward(np.ascontiguousarray(x), _flat(op, x, parameters))


def elementwise(who: str, op: Op, x: Array, isa: str | None = None) -> Array:
    """y = op(x) for each element of x, which may have any shape."""
    check_floats(who, x=x)
    rows = as_rows(x)
    return forward(who, op, rows, isa=isa).reshape(x.shape) if x.size else rows.copy()


def elementwise_backward(who: str, op: Op, dy: Array, x: Array, isa: str | None = None) -> Array:
    """d loss / d x of `elementwise`."""
    check_floats(who, x=x, dy=dy)
    check_shape(who, "dy", dy, x.shape, "that of the output")
    rows = as_rows(x)
    return backward(who, op, as_rows(dy), rows, isa=isa)[0].reshape(x.shape) if x.size else rows.copy()


def along_channels(who: str, op: Op, x: Array, isa: str | None = None) -> Array:
    """y = op(x) for each position of x, (n, c, ...)."""
    check_floats(who, x=x)
    lines = _as_lines(who, x)
    return forward(who, op, lines, isa=isa).reshape(x.shape) if x.size else lines.copy()


def along_channels_backward(who: str, op: Op, dy: Array, x: Array, isa: str | None = None) -> Array:
    """d loss / d x of `along_channels`."""
    check_floats(who, x=x, dy=dy)
    check_shape(who, "dy", dy, x.shape, "that of the output")
    lines = _as_lines(who, x)
    if not x.size:
        return lines.copy()
    return backward(who, op, _as_lines(who, dy), lines, isa=isa)[0].reshape(x.shape)


def pool_with_indices(who: str, op: Op, x: Array, isa: str | None = None) -> tuple[Array, Indices]:
    """y of a max-pool, and the index of each maximum within its channel."""
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
    """d loss / d x and the gradient of each parameter, from dy = d loss / d y.

    Parameters at the end that do not affect any gradient (a bias) may be omitted.
    """
    plan = plan_of(who, op, x, isa, exact)
    check_shape(who, "dy", dy, (len(x), *plan.output_shape), "that of the output")
    flat = _flat(op, x, parameters)
    grads = np.zeros_like(flat)
    _, tape = plan.forward_train(np.ascontiguousarray(x), flat)
    dx = plan.backward(np.ascontiguousarray(dy), tape, flat, grads)
    return dx, [grad for _, grad in windows(grads, op.parameter_shapes().items())]


def joined(who: str, op: Op, inputs: Sequence[Array], isa: str | None = None) -> Array:
    """y of an operation with several inputs and no parameters."""
    for x in inputs:
        check_batch(who, x)
    return apply_op(op, [np.ascontiguousarray(x) for x in inputs], isa)


def joined_backward(
    who: str, op: Op, dy: Array, inputs: Sequence[Array], isa: str | None = None
) -> list[Array]:
    """The gradient of each of the inputs of `joined`."""
    for x in inputs:
        check_batch(who, x)
    return apply_op_backward(op, np.ascontiguousarray(dy), [np.ascontiguousarray(x) for x in inputs], isa)


def check_batch(who: str, x: Array) -> None:
    if x.ndim < 2:
        raise ValueError(f"{who}: x must have shape (n, ...), got {x.shape}")
    if x.ndim > 4 or 0 in x.shape[1:]:
        raise ValueError(
            f"{who}: x must have one to three axes after the first, none of length 0, got {x.shape}"
        )


def plan_of(who: str, op: Op, x: Array, isa: str | None, exact: bool) -> Plan:
    check_batch(who, x)
    graph = Graph(x.shape[1:])
    graph.add(op, [0])
    return Plan(graph, x.dtype.name, isa=isa, exact=exact)


def as_rows(x: Array) -> Array:
    """x reshaped for the engine, (n, ...) with at most four axes; fewer than two axes become one row."""
    x = np.asarray(x)
    if 2 <= x.ndim <= 4 or x.size == 0:
        return x
    return x.reshape(1 if x.ndim < 2 else len(x), -1)


def _as_lines(who: str, x: Array) -> Array:
    """x reshaped for the engine: axes after the channels are flattened if there are too many."""
    if x.ndim < 2:
        raise ValueError(f"{who}: x must have shape (n, c, ...), got {x.shape}")
    x = np.asarray(x)
    return x if x.ndim <= 4 or x.size == 0 else x.reshape(*x.shape[:2], -1)


def _flat(op: Op, x: Array, parameters: Sequence[Array]) -> Array:
    """The concatenated parameters; zeros for omitted ones."""
    flat = np.zeros(count(op.parameter_shapes().values()), x.dtype)
    start = 0
    for value in parameters:
        flat[start : start + value.size] = np.asarray(value).ravel()
        start += value.size
    return flat
