"""Products, biases, softmax, Add, Concat, padding, nearest resizing and reshapes at random geometries: empty
batches, single images, one pixel, one channel, vectors and lines beside images, an extent left open.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tests.cases import Case, Shape, concat, flatten, linear, pad, position_bias, reshape, resize
from tests.cases.linear import rbf

Rng = np.random.Generator
Array = np.ndarray[Any, Any]


def draw_batch(rng: Rng) -> int:
    """None, one, a few, or more than a tile."""
    return int(rng.choice([0, 1, 1, 2, 3, 5, 17, 33]))


def draw_shape(rng: Rng, *ranks: int) -> Shape:
    """One image with one of these numbers of axes; sizes are odd and even, each sometimes 1."""
    sizes = np.where(rng.random(2) < 0.2, 1, rng.integers(1, 13, 2))
    return tuple(int(e) for e in (rng.choice([1, 2, 3, 8, 13, 16, 33]), *sizes))[: int(rng.choice(ranks))]


def draw_linear(rng: Rng) -> Case:
    features, out = (int(rng.choice([1, rng.integers(1, 40), rng.integers(1, 150)])) for _ in range(2))
    return linear(draw_batch(rng), features, out, bool(rng.integers(2)))


def draw_channel_bias(rng: Rng) -> Case:
    shape = draw_shape(rng, 3)
    return Case("ChannelBias", draw_batch(rng), (shape,), {"channels": shape[0]})


def draw_position_bias(rng: Rng) -> Case:
    return position_bias(draw_batch(rng), draw_shape(rng, 3))


def draw_soft(op: str) -> Callable[[Rng], Case]:
    return lambda rng: Case(op, draw_batch(rng), (draw_shape(rng, 1, 2, 3),))


def draw_add(rng: Rng) -> Case:
    return Case("Add", draw_batch(rng), (draw_shape(rng, 1, 2, 3),) * 2)


def draw_concat(rng: Rng) -> Case:
    """Of one value and up to six, of one channel and more than a vector has lanes."""
    more = rng.choice([1, 2, 5, 16, 19], int(rng.integers(0, 6)))
    return concat(draw_batch(rng), draw_shape(rng, 1, 2, 3), tuple(int(c) for c in more))


def draw_select(rng: Rng) -> Case:
    """Fewer channels or more, in any order."""
    x = draw_shape(rng, 1, 2, 3)
    indices = rng.integers(0, x[0], int(rng.integers(1, 40))).tolist()
    return Case("SelectChannels", draw_batch(rng), (x,), {"indices": tuple(indices)})


def draw_rbf(rng: Rng) -> Case:
    features, out = (int(rng.choice([1, rng.integers(1, 40), rng.integers(1, 150)])) for _ in range(2))
    return rbf(draw_batch(rng), features, out, float(rng.choice([1.0, -1.0, 0.3])))


def draw_reshape(rng: Rng) -> Case:
    """Factors of the number of elements in any order, as up to three extents, sometimes one given as -1."""
    x = draw_shape(rng, 1, 2, 3)
    shape = [1] * int(rng.integers(1, 4))
    for factor in prime_factors(math.prod(x)):
        shape[int(rng.integers(len(shape)))] *= factor
    if rng.integers(2):
        shape[int(rng.integers(len(shape)))] = -1
    return reshape(draw_batch(rng), x, tuple(shape))


def draw_flatten(rng: Rng) -> Case:
    """Any range of axes, with positive and negative indices."""
    x = draw_shape(rng, 1, 2, 3)
    axes = len(x) + 1
    start, end = (int(a) - axes * int(rng.integers(2)) for a in sorted(rng.integers(1, axes, 2)))
    return flatten(draw_batch(rng), x, start, end)


def draw_pad(axes: int) -> Callable[[Rng], Case]:
    """In every mode; now and then the most that can be reflected or cut off."""

    def draw(rng: Rng) -> Case:
        x, mode = draw_shape(rng, 1 + axes), str(rng.choice(["constant", "reflect", "replicate"]))
        padding: list[int] = []
        for size in x[:0:-1]:
            if mode == "constant":
                cut = rng.integers(0, size, 2) // 2
                padding += [int(e) for e in rng.integers(-cut, 4)]
            else:
                padding += [int(e) for e in rng.integers(0, size if mode == "reflect" else 6, 2)]
        return pad(draw_batch(rng), x, tuple(padding), mode, 1.5 if mode == "constant" else 0.0)

    return draw


def draw_resize(axes: int) -> Callable[[Rng], Case]:
    """To a size, by the two rules that PyTorch has."""

    def draw(rng: Rng) -> Case:
        exact = {"nearest_mode": "round_prefer_ceil", "coordinate_transformation_mode": "half_pixel"}
        settings = exact if rng.integers(2) else {}
        size = tuple(int(e) for e in rng.integers(1, 16, axes))
        wanted = size if axes == 2 else size[0]
        return resize(draw_batch(rng), draw_shape(rng, 1 + axes), size=wanted, **settings)

    return draw


def prime_factors(number: int) -> list[int]:
    factors, factor = [], 2
    while number > 1:
        while number % factor == 0:
            factors.append(factor)
            number //= factor
        factor += 1
    return factors


def scattered(a: Array, rng: Rng) -> Array:
    """The same values with another memory layout: unchanged, reversed, with gaps, or transposed."""
    match rng.integers(4):
        case 0:
            return a
        case 1:
            return np.ascontiguousarray(a[::-1, ..., ::-1])[::-1, ..., ::-1]
        case 2:
            wide = np.full((2 * len(a) + 1, *a.shape[1:-1], 3 * a.shape[-1]), np.nan, a.dtype)
            wide[1::2, ..., 1::3] = a
            return wide[1::2, ..., 1::3]
    return np.asfortranarray(a)


FAMILIES: dict[str, Callable[[Rng], Case]] = {
    "Linear": draw_linear,
    "ChannelBias": draw_channel_bias,
    "PositionBias": draw_position_bias,
    "Softmax": draw_soft("Softmax"),
    "LogSoftmax": draw_soft("LogSoftmax"),
    "Add": draw_add,
    "Mul": lambda rng: replace(draw_add(rng), op="Mul"),
    "Concat": draw_concat,
    "SelectChannels": draw_select,
    "RBF": draw_rbf,
    "Reshape": draw_reshape,
    "Flatten": draw_flatten,
    "Pad1d": draw_pad(1),
    "Pad2d": draw_pad(2),
    "Resize1d": draw_resize(1),
    "Resize2d": draw_resize(2),
}
