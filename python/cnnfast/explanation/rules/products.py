"""Rules of the operations that multiply a vector by a matrix, and of the distances of RBF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._types import Array
from .rule import Parts, Readers, Rule, Values, product_parts


@dataclass(frozen=True, eq=False)
class Linear(Rule):
    """y[o] = bias[o] + sum of weight[o, i] * x[i]."""

    kind = "linear"
    weight: Array
    bias: Array | None

    def parts(self, inputs: Values, index: int) -> Parts:
        size = self.weight.shape[1]
        sources = np.arange(size)
        bias = 0.0 if self.bias is None else float(self.bias[index])
        return product_parts(
            sources, inputs[0], self.weight[index], parameters=index * size + sources, bias=bias
        )

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        return Readers(np.arange(len(self.weight)), self.weight[:, index])

    def parameter_readers(self, inputs: Values, name: str, index: int) -> Readers:
        if name == "bias":
            return Readers(np.array([index]), np.ones(1))
        output, source = divmod(index, self.weight.shape[1])
        return Readers(np.array([output]), inputs[0][source : source + 1])


@dataclass(frozen=True, eq=False)
class RBF(Rule):
    """y[o] = scale * sum of (x[i] - weight[o, i])^2."""

    kind = "rbf"
    weight: Array
    scale: float

    def parts(self, inputs: Values, index: int) -> Parts:
        size = self.weight.shape[1]
        sources = np.arange(size)
        apart = inputs[0] - self.weight[index]
        factors = np.full(size, self.scale)
        squares = factors * apart**2
        label = "(x − center)²"
        return Parts(sources, apart, factors, squares, parameters=index * size + sources, label=label)

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        return Readers(
            np.arange(len(self.weight)), 2 * self.scale * (inputs[0][index] - self.weight[:, index])
        )

    def parameter_readers(self, inputs: Values, name: str, index: int) -> Readers:
        output, source = divmod(index, self.weight.shape[1])
        slope = -2 * self.scale * (inputs[0][source] - self.weight[output, source])
        return Readers(np.array([output]), np.array([slope]))


@dataclass(frozen=True, eq=False)
class MatMul(Rule):
    """(i, k) times (k, j)."""

    kind = "matmul"

    def parts(self, inputs: Values, index: int) -> Parts:
        (_, k), (_, j) = self.input_shapes
        row, column = divmod(index, j)
        left, right = row * k + np.arange(k), np.arange(k) * j + column
        return product_parts(right, inputs[1], inputs[0].ravel()[left], slots=np.ones(k, np.int64))

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        (i, k), (_, j) = self.input_shapes
        if slot == 0:
            row, inner = divmod(index, k)
            return Readers(row * j + np.arange(j), inputs[1].reshape(k, j)[inner])
        inner, column = divmod(index, j)
        return Readers(np.arange(i) * j + column, inputs[0].reshape(i, k)[:, inner])
