"""Matrix products."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case


def linear(n: int, features: int, out: int, bias: bool = True, **extra: Any) -> Case:
    settings = {"in_features": features, "out_features": out, "bias": bias}
    return Case("Linear", n, ((features,),), settings, **extra)


def rbf(n: int, features: int, out: int, scale: float = 1.0, **extra: Any) -> Case:
    settings = {"in_features": features, "out_features": out, "scale": scale}
    return Case("RBF", n, ((features,),), settings, **extra)


def matmul(n: int, i: int, k: int, j: int, **extra: Any) -> Case:
    return Case("MatMul", n, ((i, k), (k, j)), **extra)


MATMUL = [
    matmul(1, 1, 1, 1),
    matmul(2, 3, 7, 5),
    matmul(33, 17, 4, 9),
    matmul(5, 65, 31, 31),
    matmul(2, 9, 35, 20),
    matmul(2, 8, 65, 65),
    matmul(3, 1, 19, 1),
    matmul(2, 33, 1, 17),
    matmul(2, 9, 9, 9),
    matmul(0, 4, 3, 5),
    matmul(2, 3, 4, 2, jacobian=True),
    matmul(5, 64, 64, 64, row="matmul 64x64 64x64"),
    matmul(2, 49, 49, 49, row="matmul 49x49 49x49"),
]

RBF = [
    rbf(1, 1, 1),
    rbf(2, 3, 7),
    rbf(33, 17, 33, scale=-1.0),
    rbf(5, 65, 31, scale=0.5),
    rbf(17, 8, 65),
    rbf(0, 16, 10),
    rbf(3, 5, 4, jacobian=True),
    rbf(2, 4, 3, scale=-1.0, jacobian=True),
    rbf(17, 84, 10, scale=-1.0, row="lenet5 rbf 84->10"),
    rbf(5, 784, 64, row="rbf 784->64"),
]

LINEAR = [
    linear(1, 1, 1),
    linear(2, 3, 7),
    linear(33, 17, 33),
    linear(5, 65, 31),
    linear(17, 8, 65),
    linear(2, 31, 3, bias=False),
    linear(0, 16, 10),
    linear(3, 5, 4, jacobian=True),
    linear(2, 4, 3, bias=False, jacobian=True),
    linear(5, 784, 64, row="d4 linear 784->64"),
    linear(5, 512, 64, row="letters linear1 512->64"),
    linear(17, 64, 128, row="letters linear2 64->128"),
    linear(33, 128, 26, row="letters linear3 128->26"),
    linear(2, 3136, 100, row="numpy-mnist linear1 3136->100"),
    linear(5, 100, 10, row="numpy-mnist linear2 100->10"),
]
