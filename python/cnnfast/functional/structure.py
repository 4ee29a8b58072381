"""Sum and concatenation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._checks import ieee_arithmetic, type_of
from .._types import Array
from ._run import check_floats, check_shape


@ieee_arithmetic
def add(a: Array, b: Array) -> Array:
    """a + b of equal shapes, without broadcasting; see `nn.Residual` and `nn.Add`."""
    check_floats("add", a=a, b=b)
    check_shape("add", "b", b, a.shape, "that of a")
    total: Array = np.add(np.asarray(a), np.asarray(b))
    return total


def add_backward(dy: Array) -> tuple[Array, Array]:
    """(da, db) of `add`: dy, twice."""
    check_floats("add_backward", dy=dy)
    return np.array(dy), np.array(dy)


@ieee_arithmetic
def mul(a: Array, b: Array) -> Array:
    """a * b of one shape, the join of `nn.Mul`; nothing is broadcast."""
    check_floats("mul", a=a, b=b)
    check_shape("mul", "b", b, a.shape, "that of a")
    product: Array = np.multiply(np.asarray(a), np.asarray(b))
    return product


@ieee_arithmetic
def mul_backward(dy: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """(da, db) of `mul`: dy * b and dy * a."""
    check_floats("mul_backward", a=a, b=b, dy=dy)
    check_shape("mul_backward", "b", b, a.shape, "that of a")
    check_shape("mul_backward", "dy", dy, a.shape, "that of the output")
    gradient = np.asarray(dy)
    return np.multiply(gradient, np.asarray(b)), np.multiply(gradient, np.asarray(a))


def concat(*arrays: Array) -> Array:
    """Arrays concatenated along the channels, axis 1; see `nn.Branches` and `nn.Concat`.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> functional.concat(np.array([[1.0]]), np.array([[2.0, 3.0]]))
        array([[1., 2., 3.]])
    """
    _check_parts("concat", arrays)
    return np.concatenate([np.asarray(array) for array in arrays], axis=1)


def concat_backward(dy: Array, *arrays: Array) -> tuple[Array, ...]:
    """The gradients of the inputs of `concat`: their channels of dy."""
    _check_parts("concat_backward", arrays)
    check_floats("concat_backward", **{"arrays[0]": arrays[0]}, dy=dy)
    channels = [array.shape[1] for array in arrays]
    shape = (len(arrays[0]), sum(channels), *arrays[0].shape[2:])
    check_shape("concat_backward", "dy", dy, shape, "that of the output")
    return tuple(part.copy() for part in np.split(np.asarray(dy), np.cumsum(channels)[:-1], axis=1))


def _check_parts(who: str, arrays: Sequence[Array]) -> None:
    if not arrays:
        raise ValueError(f"{who}: needs at least one array")
    first: object = arrays[0]
    if isinstance(first, list | tuple) and any(isinstance(array, np.ndarray) for array in first):
        raise TypeError(f"{who}: takes arrays one by one, got a {type_of(first)} of them; unpack it with *")
    check_floats(who, **{f"arrays[{k}]": array for k, array in enumerate(arrays)})
    shape = arrays[0].shape
    for k, array in enumerate(arrays):
        if array.ndim < 2 or array.shape[:1] != shape[:1] or array.shape[2:] != shape[2:]:
            raise ValueError(
                f"{who}: arrays must have shapes (n, c, ...) that differ only in c, got {shape} and "
                f"{array.shape} (arrays[{k}])"
            )
