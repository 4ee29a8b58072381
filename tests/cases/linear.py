"""Matrix products."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case


def linear(n: int, features: int, out: int, bias: bool = True, **extra: Any) -> Case:
    settings = {"in_features": features, "out_features": out, "bias": bias}
    return Case("Linear", n, ((features,),), settings, **extra)


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
