"""Rules of the operations that compute each value from the value at its own place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..._core import Op, apply_op, apply_op_backward
from ..._types import Array
from .rule import Indices, Parts, Readers, Rule, Values, channel, of_channel, product_parts, same_positions

#: Where curves are drawn.
_CURVE = np.linspace(-6, 6, 121)


@dataclass(frozen=True, eq=False)
class _Pointwise(Rule):
    def sources(self) -> list[Indices]:
        return same_positions(self.output_shape)


@dataclass(frozen=True, eq=False)
class Function(_Pointwise):
    """y = f(x). `weight`: PReLU's slopes below 0, one for each channel or for all.

    `at` is the formula as a function, and `op` the operation, which computes curve and derivatives.
    """

    kind = "function"
    formula: str
    at: Callable[[float], float] = field(repr=False)
    op: Op | None = field(repr=False)
    weight: Array | None = None

    def parts(self, inputs: Values, index: int) -> Parts:
        if self.weight is None:
            finish, text = self.at, self.formula
        else:
            below = self._slope(index)
            text = f"x > 0: x, else {below:.6g}·x"
            finish = lambda x: x if x > 0 else below * x  # noqa: E731
        return product_parts(np.array([index]), inputs[0], np.ones(1), finish=finish, formula=text)

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        return Readers(np.array([index]), self.slopes(inputs[0]).ravel()[index : index + 1])

    def parameter_readers(self, inputs: Values, name: str, index: int) -> Readers:
        assert self.weight is not None
        x = inputs[0].ravel()
        outputs = np.arange(x.size) if self.weight.size == 1 else of_channel(self.output_shape, index)
        return Readers(outputs, np.where(x[outputs] > 0, 0.0, x[outputs]))

    def slopes(self, x: Array) -> Array:
        """f'(x)"""
        if self.weight is not None:
            below = self.weight.reshape(-1, *[1] * (x.ndim - 1))
            return np.where(x > 0, 1.0, np.broadcast_to(below, x.shape))
        assert self.op is not None
        (found,) = apply_op_backward(self.op, np.ones((1, *x.shape)), [np.ascontiguousarray(x[None])])
        slopes: Array = found[0]
        return slopes

    def _slope(self, index: int) -> float:
        assert self.weight is not None
        c = channel(self.output_shape, index)
        return float(self.weight.ravel()[c if self.weight.size > 1 else 0])

    @cached_property
    def _curve(self) -> dict[str, Array]:
        if self.op is None:
            below = self._slope(0)
            y, slope = np.where(_CURVE > 0, _CURVE, below * _CURVE), np.where(_CURVE > 0, 1.0, below)
        else:
            y = apply_op(self.op, [_CURVE[None]])[0]
            slope = self.slopes(_CURVE)
        return {"x": _CURVE, "y": y, "slope": slope}

    def data(self) -> dict[str, Any]:
        found = {"kind": self.kind, "formula": self.formula, "weight": self.weight}
        return found | {"curve": self._curve}


@dataclass(frozen=True, eq=False)
class Affine(_Pointwise):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias, each a number per channel or per element;
    without a mean y = x + bias.
    """

    kind = "affine"
    mean: Array | None
    variance: Array | None
    eps: float | None
    weight: Array | None
    bias: Array | None
    per: Literal["channel", "element"] = "channel"

    def _of(self, index: int) -> int:
        return channel(self.output_shape, index) if self.per == "channel" else index

    def _inverse(self, c: int) -> float:
        """1 / deviation"""
        assert self.variance is not None
        assert self.eps is not None
        return float(1 / math.sqrt(self.variance[c] + self.eps))

    def _factor(self, c: int) -> float:
        if self.mean is None:
            return 1.0
        return self._inverse(c) * (1.0 if self.weight is None else float(self.weight[c]))

    def parts(self, inputs: Values, index: int) -> Parts:
        c = self._of(index)
        factors = np.array([self._factor(c)])
        bias = 0.0 if self.bias is None else float(self.bias.ravel()[c])
        if self.mean is None:
            return product_parts(np.array([index]), inputs[0], factors, bias=bias)
        values = np.array([inputs[0].ravel()[index] - self.mean[c]])
        label = f"x − mean {self.mean[c]:.6g}"
        return Parts(np.array([index]), values, factors, factors * values, bias=bias, label=label)

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        return Readers(np.array([index]), np.array([self._factor(self._of(index))]))

    def parameter_readers(self, inputs: Values, name: str, index: int) -> Readers:
        outputs = of_channel(self.output_shape, index) if self.per == "channel" else np.array([index])
        if name == "bias":
            return Readers(outputs, np.ones(len(outputs)))
        assert self.mean is not None
        return Readers(outputs, (inputs[0].ravel()[outputs] - self.mean[index]) * self._inverse(index))
