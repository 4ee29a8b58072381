"""Operations that take any shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.cases.case import Case, Shape


def elementwise(op: str, row: str, **settings: Any) -> Iterable[Case]:
    """Any shape will do: vectors and images, whole lanes and remainders."""
    shapes: list[tuple[int, Shape]] = [
        *((1, (1,)), (2, (17,)), (33, (65,)), (5, (3, 5, 7)), (3, (5, 9))),
        *((2, (17, 1, 3)), (0, (3, 4, 4)), (0, (8,))),
    ]
    yield from (Case(op, n, (x,), settings) for n, x in shapes)
    yield Case(op, 2, ((3, 2, 2),), settings, jacobian=True)
    yield Case(op, 3, ((5,),), settings, jacobian=True)
    yield Case(op, 2, ((32, 13, 13),), settings, row=row)


def prelu(n: int, x: Shape, **extra: Any) -> Case:
    """With a slope for each channel."""
    return Case("PReLU", n, (x,), {"num_parameters": x[0], "init": 0.125}, **extra)


PRELU = [
    prelu(2, (1, 3)),
    prelu(33, (7, 3, 5)),
    prelu(5, (65,)),
    prelu(2, (17, 4, 3)),
    prelu(0, (3, 4, 4)),
    prelu(2, (3, 2, 2), jacobian=True),
    prelu(2, (32, 13, 13), row="prelu of 32 channels on 32x13x13"),
]

ELEMENTWISE = [
    *elementwise("ReLU", "relu on 32x13x13"),
    *elementwise("GELU", "gelu erf on 32x13x13", approximate="none"),
    *elementwise("GELU", "gelu tanh on 32x13x13", approximate="tanh"),
    *elementwise("LeakyReLU", "leaky relu on 32x13x13", negative_slope=0.1),
    *elementwise("ELU", "elu on 32x13x13", alpha=1.5),
    *elementwise("SELU", "selu on 32x13x13"),
    *elementwise("SELU", "selu 1.5 0.75 on 32x13x13", alpha=1.5, gamma=0.75),
    *elementwise("SiLU", "silu on 32x13x13"),
    *elementwise("Mish", "mish on 32x13x13"),
    *elementwise("Sigmoid", "sigmoid on 32x13x13"),
    *elementwise("Tanh", "tanh on 32x13x13"),
    *elementwise("ScaledTanh", "scaled tanh on 32x13x13"),
    *elementwise("ScaledTanh", "scaled tanh -0.75 2 on 32x13x13", alpha=-0.75, beta=2.0),
    *elementwise("Softplus", "softplus on 32x13x13", beta=1.0, threshold=20.0),
    *elementwise("Softplus", "softplus beta 2 on 32x13x13", beta=2.0, threshold=1.4),
    *elementwise("Hardswish", "hardswish on 32x13x13"),
    *elementwise("Hardsigmoid", "hardsigmoid on 32x13x13"),
    *elementwise("Hardsigmoid", "hardsigmoid 0.2 on 32x13x13", alpha=0.2, beta=0.5),
    *elementwise("Hardtanh", "hardtanh on 32x13x13", min_val=-1.0, max_val=1.0),
    *elementwise("Hardtanh", "clip to -0.3, 0.7 on 32x13x13", min_val=-0.3, max_val=0.7),
    *elementwise("ReLU6", "relu6 on 32x13x13"),
    *elementwise("PReLU", "prelu on 32x13x13", num_parameters=1, init=0.25),
    *PRELU,
    *elementwise("Softsign", "softsign on 32x13x13"),
    *elementwise("Softmax", "softmax over 32 of 32x13x13"),
    *elementwise("LogSoftmax", "log-softmax over 32 of 32x13x13"),
]
