"""Inverse of max-pools: values are written to the positions they were taken from.

There are no layers: the indices are a second, integer input, while all values of a network have one float
dtype. It is indexing, which NumPy does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._checks import check_array, check_integer
from .._types import Array, Indices, Pair
from ._run import check_floats, check_rank

AXES = ("n", "c", "h", "w")


def max_unpool2d(
    x: Array,
    indices: Indices,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """x written to `indices` of images that are 0 elsewhere; the partial inverse of `max_pool2d`.

    Args:
        x: (n, c, h, w), such as the values of ``max_pool2d(..., return_indices=True)``.
        indices: int64, the shape of x: row * width + column on the output. The last of
            several values with the same index is kept.
        kernel_size: Of the pool, one number or (height, width).
        stride: None takes `kernel_size`.
        padding: One number or (vertical, horizontal).
        output_size: (h', w') or (n, c, h', w'), which several sizes before the pool may share. None takes
            (h - 1) * stride - 2 * padding + kernel_size; it may differ from that by less than a stride.

    Raises:
        ValueError: An index outside of the output, shapes that do not fit, an `output_size` that
            does not fit x.
        TypeError: Arrays of another dtype.

    Source: PyTorch's max_unpool2d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import functional
        >>> x = np.array([[[[1.0, 2], [8, 4]]]])
        >>> y, indices = functional.max_pool2d(x, 2, return_indices=True)
        >>> functional.max_unpool2d(y, indices, 2)[0, 0]
        array([[0., 0.],
               [8., 0.]])
    """
    return _unpool("max_unpool2d", x, indices, _sizes(2, kernel_size, stride, padding), output_size)


def max_unpool2d_backward(dy: Array, indices: Indices) -> Array:
    """dx of `max_unpool2d`: dy at `indices`."""
    return _gather("max_unpool2d_backward", dy, indices, 2)


def max_unpool1d(
    x: Array,
    indices: Indices,
    kernel_size: int,
    stride: int | None = None,
    padding: int = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """x, (n, c, l), written to `indices` of sequences that are 0 elsewhere; as `max_unpool2d`."""
    return _unpool("max_unpool1d", x, indices, _sizes(1, kernel_size, stride, padding), output_size)


def max_unpool1d_backward(dy: Array, indices: Indices) -> Array:
    """dx of `max_unpool1d`: dy at `indices`."""
    return _gather("max_unpool1d_backward", dy, indices, 1)


def _sizes(axes: int, kernel: Pair, stride: Pair | None, padding: Pair) -> list[tuple[int, int, int]]:
    """(kernel, stride, padding) of each axis."""
    who = f"max_unpool{axes}d"
    lists = []
    for name, value, least in (
        ("kernel_size", kernel, 1),
        ("stride", kernel if stride is None else stride, 1),
        ("padding", padding, 0),
    ):
        if isinstance(value, tuple | list):
            if axes == 1 or len(value) != 2:
                expected = "an int" if axes == 1 else "an int or a pair (h, w)"
                raise TypeError(f"{who}: {name} must be {expected}, got {value!r}")
            lists.append([check_integer(who, name, item, least) for item in value])
        else:
            lists.append([check_integer(who, name, value, least)] * axes)
    return list(zip(*lists, strict=True))


def _output_size(
    who: str, shape: tuple[int, ...], sizes: list[tuple[int, int, int]], given: Sequence[int] | None
) -> tuple[int, ...]:
    usual = [(size - 1) * s - 2 * p + k for size, (k, s, p) in zip(shape[2:], sizes, strict=True)]
    if given is None:
        wanted = usual
    else:
        if not isinstance(given, tuple | list) or len(given) not in (len(sizes), len(shape)):
            raise TypeError(
                f"{who}: output_size must be {len(sizes)} or {len(shape)} integers, got {given!r}"
            )
        numbers = [check_integer(who, "output_size", number, 0) for number in given]
        if len(numbers) == len(shape) and tuple(numbers[:2]) != shape[:2]:
            raise ValueError(
                f"{who}: output_size {tuple(numbers)} has other images or channels than x {shape}"
            )
        wanted = numbers[-len(sizes) :]
        for size, middle, (_, s, _) in zip(wanted, usual, sizes, strict=True):
            if not middle - s < size < middle + s:
                raise ValueError(
                    f"{who}: output_size must differ from {tuple(usual)} by less than the stride, got "
                    f"{tuple(wanted)}"
                )
    if min(wanted) < 1:
        raise ValueError(f"{who}: x {shape} would become an output of size {tuple(wanted)}")
    return tuple(wanted)


def _unpool(
    who: str, x: Array, indices: Indices, sizes: list[tuple[int, int, int]], output_size: Sequence[int] | None
) -> Array:
    check_floats(who, x=x)
    check_rank(who, "x", x, AXES if len(sizes) == 2 else ("n", "c", "l"))
    size = _output_size(who, x.shape, sizes, output_size)
    _check_indices(who, indices, x.shape, size)
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    y.reshape(-1)[_flat(indices, size)] = np.asarray(x).reshape(-1)
    return y


def _gather(who: str, dy: Array, indices: Indices, axes: int) -> Array:
    check_floats(who, dy=dy)
    check_rank(who, "dy", dy, AXES if axes == 2 else ("n", "c", "l"))
    shape = (*dy.shape[:2], *np.shape(indices)[2:])
    _check_indices(who, indices, shape, dy.shape[2:])
    return np.asarray(dy).reshape(-1)[_flat(indices, dy.shape[2:])].reshape(shape)


def _flat(indices: Indices, size: tuple[int, ...]) -> Indices:
    """Indices into the flat output."""
    planes = int(np.prod(indices.shape[:2]))
    first = np.arange(planes, dtype=np.int64)[:, None] * int(np.prod(size))
    return (np.asarray(indices).reshape(planes, int(np.prod(indices.shape[2:]))) + first).reshape(-1)


def _check_indices(who: str, indices: Indices, shape: tuple[int, ...], size: tuple[int, ...]) -> None:
    array = check_array(who, "indices", indices)
    if array.dtype != np.int64:
        raise TypeError(f"{who}: indices must be int64, got {array.dtype}; use indices.astype(np.int64)")
    if array.ndim != len(shape) or array.shape != shape:
        raise ValueError(f"{who}: indices must have shape {shape}, got {array.shape}")
    positions = int(np.prod(size))
    if array.size and (array.min() < 0 or array.max() >= positions):
        wrong = array.min() if array.min() < 0 else array.max()
        raise ValueError(
            f"{who}: indices must be from 0 to {positions - 1} for an output of size {size}, got {wrong}"
        )
