"""What rearranges or joins values."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Shape

ADD = [
    Case("Add", 1, ((1, 1, 1),) * 2),
    Case("Add", 33, ((7, 3, 5),) * 2),
    Case("Add", 5, ((17,),) * 2),
    Case("Add", 0, ((3, 4, 4),) * 2),
    Case("Add", 2, ((2, 2, 3),) * 2, jacobian=True),
    Case("Add", 2, ((32, 13, 13),) * 2, row="add 32x13x13"),
]

MUL = [
    Case("Mul", 1, ((1, 1, 1),) * 2),
    Case("Mul", 33, ((7, 3, 5),) * 2),
    Case("Mul", 5, ((17,),) * 2),
    Case("Mul", 0, ((3, 4, 4),) * 2),
    Case("Mul", 2, ((2, 2, 3),) * 2, jacobian=True),
    Case("Mul", 2, ((32, 13, 13),) * 2, row="mul 32x13x13"),
]


def concat(n: int, x: Shape, channels: tuple[int, ...], **extra: Any) -> Case:
    """Values of these channels, else of the shape of `x`."""
    return Case("Concat", n, tuple((c, *x[1:]) for c in (x[0], *channels)), **extra)


def reshape(n: int, x: Shape, shape: Shape, **extra: Any) -> Case:
    return Case("Reshape", n, (x,), {"shape": shape}, **extra)


def flatten(n: int, x: Shape, start_dim: int = 1, end_dim: int = -1, **extra: Any) -> Case:
    return Case("Flatten", n, (x,), {"start_dim": start_dim, "end_dim": end_dim}, **extra)


def select(n: int, x: Shape, indices: tuple[int, ...], **extra: Any) -> Case:
    return Case("SelectChannels", n, (x,), {"indices": indices}, **extra)


SELECT = [
    select(1, (1,), (0,)),
    select(33, (7, 3, 5), (6, 0, 6)),
    select(5, (17,), (16, 15, 2)),
    select(2, (3, 5), (1, 1, 0, 2, 2)),
    select(2, (65, 4, 3), (*range(40), 64)),
    select(0, (3, 4, 4), (2, 0)),
    select(2, (3, 2, 2), (2, 0, 2), jacobian=True),
    select(
        2, (6, 14, 14), (0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5, 0, 4, 5, 0, 1, 5), row="lenet5 18 of 6x14x14"
    ),
]

CONCAT = [
    concat(1, (1, 1, 1), (1,)),
    concat(33, (7, 3, 5), (1, 17)),
    concat(5, (17,), (3, 1, 33)),
    concat(2, (16, 5, 4), (65,)),
    concat(2, (3, 4, 5), ()),  # of one value
    concat(2, (1, 2, 3), (2,) * 11),
    concat(0, (3, 4, 4), (2,)),
    concat(2, (2, 2, 3), (1, 3), jacobian=True),
    concat(2, (3,), (2,), jacobian=True),
    concat(2, (16, 14, 14), (32, 8, 8), row="concat 16+32+8+8 on 14x14"),
]

RESHAPE = [
    reshape(1, (1,), (1, 1, 1)),
    reshape(33, (7, 3, 5), (105,)),
    reshape(2, (30,), (5, 2, 3)),
    reshape(5, (3, 5, 7), (5, 3, 7)),  # neither side a vector, other channels
    reshape(2, (3, 4, 5), (3, 20)),  # the same channels
    reshape(2, (17, 4, 3), (-1, 17)),
    reshape(2, (8, 4, 3), (2, -1, 6)),
    reshape(0, (3, 4, 4), (2, 24)),
    reshape(2, (2, 3, 2), (3, 4), jacobian=True),
    reshape(1, (6,), (-1, 3, 1), jacobian=True),
    reshape(2, (32, 13, 13), (13, 32, 13), row="reshape 32x13x13 to 13x32x13"),
]

FLATTEN = [
    flatten(1, (1,)),
    flatten(33, (65,)),
    flatten(5, (3, 5, 7)),
    flatten(2, (17, 1, 3)),
    flatten(2, (3, 5, 7), 2),  # leaves the channels alone
    flatten(2, (3, 5, 7), 1, 2),
    flatten(2, (3, 5, 7), -2, 3),
    flatten(2, (3, 5, 7), 2, 2),  # one axis: nothing changes
    flatten(2, (8, 5), -2),
    flatten(0, (3, 4, 4)),
    flatten(2, (3, 2, 2), jacobian=True),
    flatten(2, (2, 3, 2), 1, 2, jacobian=True),
    flatten(2, (32, 13, 13), row="flatten 32x13x13"),
]
