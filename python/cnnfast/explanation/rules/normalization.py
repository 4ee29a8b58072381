"""Rules of the operations that divide by what several values have in common: normalizations and softmax."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..._types import Array
from .rule import Indices, Parts, Readers, Rule, Values, channel, of_channel, plane, same_positions


@dataclass(frozen=True, eq=False)
class Normalize(Rule):
    """Equal runs of the flat input, each with its own mean and variance: y = (x - mean) / sqrt(variance +
    eps) * weight + bias.
    """

    kind = "normalize"
    groups: int
    eps: float
    weight: Array | None
    bias: Array | None
    per: Literal["channel", "element"]

    def _of(self, index: int | Indices) -> int | Indices:
        return index // plane(self.output_shape) if self.per == "channel" else index

    def _group(self, x: Array, index: int) -> tuple[Indices, float, float]:
        """Positions of the group of a value, its mean, and 1 / deviation."""
        size = x.size // self.groups
        inside = index // size * size + np.arange(size)
        values = x.ravel()[inside]
        return inside, float(values.mean()), float(1 / math.sqrt(values.var() + self.eps))

    def parts(self, inputs: Values, index: int) -> Parts:
        _, mean, inverse = self._group(inputs[0], index)
        of = self._of(index)
        weight = 1.0 if self.weight is None else float(self.weight.ravel()[of])
        bias = 0.0 if self.bias is None else float(self.bias.ravel()[of])
        values, factors = np.array([inputs[0].ravel()[index] - mean]), np.array([inverse * weight])
        label = f"x − mean {mean:.6g}"
        return Parts(np.array([index]), values, factors, factors * values, bias=bias, label=label)

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        """Every output of the group: the input moves mean and variance, too."""
        inside, mean, inverse = self._group(inputs[0], index)
        weight = 1.0 if self.weight is None else self.weight.ravel()[self._of(inside)]
        normal = (inputs[0].ravel()[inside] - mean) * inverse
        own = inside == index
        slopes = (own - (1 + normal * normal[own]) / len(inside)) * inverse
        return Readers(inside, slopes * weight)

    def parameter_readers(self, inputs: Values, name: str, index: int) -> Readers:
        outputs = of_channel(self.output_shape, index) if self.per == "channel" else np.array([index])
        if name == "bias":
            return Readers(outputs, np.ones(len(outputs)))
        _, mean, inverse = self._group(inputs[0], int(outputs[0]))
        return Readers(outputs, (inputs[0].ravel()[outputs] - mean) * inverse)


@dataclass(frozen=True, eq=False)
class LocalResponse(Rule):
    """y = x * s^-beta, s = k + alpha / size * sum of x^2 over the neighboring channels."""

    kind = "lrn"
    size: int
    alpha: float
    beta: float
    k: float

    def sources(self) -> list[Indices]:
        return same_positions(self.output_shape)

    def _neighbors(self, index: int, before: int, after: int) -> Indices:
        """Positions at the place of a value, in the channels from `before` to `after` of its own."""
        c, count = channel(self.output_shape, index), self.output_shape[0]
        channels = np.arange(max(c - before, 0), min(c + after + 1, count))
        return channels * plane(self.output_shape) + index % plane(self.output_shape)

    def _window(self, index: int) -> Indices:
        return self._neighbors(index, self.size // 2, (self.size - 1) // 2)

    def parts(self, inputs: Values, index: int) -> Parts:
        x = inputs[0].ravel()
        sources = self._window(index)
        factors = np.full(len(sources), self.alpha / self.size)
        own = float(x[index])
        formula = f"{own:.6g} · s^−{self.beta:.6g}"
        return Parts(
            sources,
            x[sources],
            factors,
            factors * x[sources] ** 2,
            bias=self.k,
            finish=lambda s: own * s**-self.beta,
            formula=formula,
            label="x²",
        )

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        x = inputs[0].ravel()
        outputs = self._neighbors(index, (self.size - 1) // 2, self.size // 2)
        squares = [float((x[self._window(int(output))] ** 2).sum()) for output in outputs]
        s = self.k + self.alpha / self.size * np.array(squares)
        through_sum = x[outputs] * -self.beta * s ** (-self.beta - 1) * self.alpha / self.size * 2 * x[index]
        return Readers(outputs, (outputs == index) * s**-self.beta + through_sum)


@dataclass(frozen=True, eq=False)
class Softmax(Rule):
    """exp(x) / sum of exp(x) over the channels of a position, or its logarithm."""

    kind = "softmax"
    log: bool

    def sources(self) -> list[Indices]:
        return same_positions(self.output_shape)

    def _channels(self, index: int) -> Indices:
        return np.arange(self.output_shape[0]) * plane(self.output_shape) + index % plane(self.output_shape)

    def parts(self, inputs: Values, index: int) -> Parts:
        sources = self._channels(index)
        values = inputs[0].ravel()[sources]
        largest = float(values.max())
        own = float(inputs[0].ravel()[index]) - largest
        label = f"exp(x − largest {largest:.6g})"
        formula = f"{own:.6g} − ln(sum)" if self.log else f"exp({own:.6g}) / sum"
        return Parts(
            sources,
            values,
            np.ones(len(sources)),
            np.exp(values - largest),
            finish=lambda total: own - math.log(total) if self.log else math.exp(own) / total,
            formula=formula,
            label=label,
        )

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        outputs = self._channels(index)
        values = inputs[0].ravel()[outputs]
        powers = np.exp(values - values.max())
        y = powers / powers.sum()
        own = outputs == index
        return Readers(outputs, own - y[own] if self.log else y * (own - y[own]))
