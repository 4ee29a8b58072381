"""The row of call overhead: a model of one tiny layer, compared with an empty function."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from cnnfast import nn
from cnnfast.benchmark.timing import Options, Row

NAME = "call overhead, model(x) of one ReLU on one number"


def overhead_rows(options: Options) -> Iterator[Row]:
    if not options.includes(NAME):
        return
    model = nn.ReLU()
    x = np.array([[-1.0]], dtype=np.float32)
    assert model(x) == 0
    candidates = {"cnnfast": lambda: model(x), "empty function": lambda: nothing(x)}
    yield Row.measured(NAME, 1, "calls", candidates, options.effort)


def nothing(x: object) -> object:
    return x
