"""Rules of the operations that copy values or join several inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .rule import NO_READERS, Indices, Parts, Readers, Rule, Values, plane, product_parts, same_positions


@dataclass(frozen=True, eq=False)
class Copy(Rule):
    """Output i is input index[i]; -1 is `fill`. Without an index the order is that of the input.

    `axes`: as of `sources`, if rows and columns stay.
    """

    kind = "copy"
    index: Indices | None = None
    fill: float = 0.0
    axes: list[Indices] | None = field(default=None, repr=False)

    def source(self, index: int) -> int:
        return index if self.index is None else int(self.index[index])

    def sources(self) -> list[Indices] | None:
        return self.axes

    def data(self) -> dict[str, Any]:
        found = super().data()
        del found["axes"]
        return found | {"index": None if self.index is None else self.index.astype(np.int32)}

    def parts(self, inputs: Values, index: int) -> Parts:
        source = self.source(index)
        if source < 0:
            return Parts(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0), bias=self.fill)
        return product_parts(np.array([source]), inputs[0], np.ones(1))

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        outputs = np.array([index]) if self.index is None else np.flatnonzero(self.index == index)
        return Readers(outputs, np.ones(len(outputs)))


@dataclass(frozen=True, eq=False)
class _Join(Rule):
    def sources(self) -> list[Indices]:
        return same_positions(self.output_shape)


@dataclass(frozen=True, eq=False)
class Concat(_Join):
    """The flat inputs, one after the other, since channels are the first axis."""

    kind = "concat"

    def _begins(self) -> Indices:
        return np.cumsum([0, *(shape[0] * plane(shape) for shape in self.input_shapes)])

    def parts(self, inputs: Values, index: int) -> Parts:
        begins = self._begins()
        slot = int(np.searchsorted(begins, index, side="right")) - 1
        source = np.array([index - begins[slot]])
        return product_parts(source, inputs[slot], np.ones(1), slots=np.array([slot]))

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        return Readers(np.array([self._begins()[slot] + index]), np.ones(1))


@dataclass(frozen=True, eq=False)
class Add(_Join):
    kind = "add"

    def parts(self, inputs: Values, index: int) -> Parts:
        values = np.array([x.ravel()[index] for x in inputs])
        n = len(inputs)
        return Parts(np.full(n, index), values, np.ones(n), values, slots=np.arange(n))

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        return Readers(np.array([index]), np.ones(1))


@dataclass(frozen=True, eq=False)
class Mul(_Join):
    """The first input is the factor of the second."""

    kind = "mul"

    def parts(self, inputs: Values, index: int) -> Parts:
        factor = inputs[0].ravel()[index : index + 1]
        return product_parts(np.array([index]), inputs[1], factor, slots=np.ones(1, np.int64))

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        return Readers(np.array([index]), inputs[1 - slot].ravel()[index : index + 1])


@dataclass(frozen=True, eq=False)
class Opaque(Rule):
    """A layer that cannot be explained; `text` says why."""

    kind = "opaque"
    text: str

    def parts(self, inputs: Values, index: int) -> Parts:
        raise ValueError(self.text)

    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        return NO_READERS
