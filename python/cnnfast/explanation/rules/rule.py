"""`Rule`: how an operation computes one value from its inputs, for one image.

A value is `finish(bias + sum of products)`. Each kind of rule says what the products are (`parts`), and, for
the backward pass, which outputs read a value or a parameter, and with which factors (`readers`,
`parameter_readers`). The fields of a rule are plain data: the page has them, and computes the same in
JavaScript.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._types import Array, Shape

Indices = NDArray[np.int64]
Values = Sequence[Array]


class Parts(NamedTuple):
    """The sum that makes one value.

    Attributes:
        sources: Positions in the flat inputs that are read.
        values: What is there, or what `label` says of it.
        factors: Of each value.
        products: factor * value, unless `label` says otherwise.
        slots: Which of the inputs; None: the first.
        parameters: Position of each factor in the flat `weight`; None: it is no parameter.
        bias: Added to the sum.
        finish: Applied to the sum; None: nothing.
        formula: What `finish` does, in words.
        label: What a value or product is, where it is not an input or factor * value.
    """

    sources: Indices
    values: Array
    factors: Array
    products: Array
    slots: Indices | None = None
    parameters: Indices | None = None
    bias: float = 0.0
    finish: Callable[[float], float] | None = None
    formula: str = ""
    label: str = ""


class Readers(NamedTuple):
    """The outputs that depend on one number, and d output / d number."""

    outputs: Indices
    factors: Array


NO_READERS = Readers(np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Rule(ABC):
    """See the module.

    Args:
        input_shapes, output_shape: Without the batch axis.
    """

    kind: ClassVar[str]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape

    @abstractmethod
    def parts(self, inputs: Values, index: int) -> Parts:
        """The sum that makes the output at a position of the flat output."""

    @abstractmethod
    def readers(self, inputs: Values, slot: int, index: int) -> Readers:
        """The outputs that depend on the value at a position of the flat input `slot`."""

    def parameter_readers(self, inputs: Values, name: str, index: int) -> Readers:
        """The outputs that depend on one number of a parameter."""
        raise AssertionError(f"{self.kind} has no parameter {name}")

    def sources(self) -> list[Indices] | None:
        """Of each axis after the channels, the input positions that an output position reads, -1 for none;
        None: rows and columns of the output are not those of the input.
        """
        return None

    def data(self) -> dict[str, Any]:
        """Kind and fields, for the page."""
        own = [
            field.name for field in fields(self) if field.name not in ("input_shapes", "output_shape", "op")
        ]
        return {"kind": self.kind} | {name: getattr(self, name) for name in own}


def product_parts(sources: Indices, x: Array, factors: Array, **more: Any) -> Parts:
    """The parts of a sum of factors times values of x."""
    values = x.ravel()[sources]
    return Parts(sources, values, factors, factors * values, **more)


def plane(shape: Shape) -> int:
    """Number of positions of a value."""
    return int(np.prod(shape[1:], dtype=np.int64))


def channel(shape: Shape, index: int) -> int:
    return index // plane(shape)


def same_positions(shape: Shape) -> list[Indices]:
    """`Rule.sources` of an operation whose outputs read the input at their own position."""
    return [np.arange(extent)[:, None] for extent in shape[1:]]


def of_channel(shape: Shape, number: int) -> Indices:
    """Positions of a channel in the flat value."""
    return np.arange(number * plane(shape), (number + 1) * plane(shape))
