"""`Terms`: a number of a network as the sum that makes it, with the numbers that go into it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._checks import ieee_arithmetic
from .._types import Shape
from .backward import Backward
from .network import INPUT, Network
from .rules import Parts, Readers

#: Number of terms in the text of a sum.
_SHOWN = 10

Index = int | Sequence[int]
Place = tuple[str, tuple[int, ...]]


class Term(NamedTuple):
    """One product of a sum.

    Attributes:
        factor: A weight, or what the operation multiplies with.
        value: A value of another layer, or what `Terms.label` says.
        product: What is added: factor * value, unless `Terms.label` says otherwise.
        source: Layer and index of the value.
        parameter: Name and index of the weight; None if the factor is no parameter.
    """

    factor: float
    value: float
    product: float
    source: Place
    parameter: Place | None = None


@dataclass(frozen=True)
class Terms:
    """A number as `formula(bias + sum of the products)`; ``print(terms)`` shows the largest.

    Attributes:
        title: What the number is.
        terms: The products, in the order of the engine's loops.
        bias: What is added to them.
        total: Their sum.
        formula: What is done with the sum; empty: nothing.
        value: The number, computed from the sum.
        engine: The number as the engine has computed it.
        label: What a term is where it is not factor * value.
    """

    title: str
    terms: tuple[Term, ...]
    bias: float
    total: float
    formula: str
    value: float
    engine: float
    label: str = ""

    def __len__(self) -> int:
        return len(self.terms)

    def largest(self, count: int | None = None) -> list[Term]:
        """The terms with the largest products first."""
        return sorted(self.terms, key=lambda term: -abs(term.product))[:count]

    def __str__(self) -> str:
        return "\n".join(self.lines(_SHOWN))

    def lines(self, count: int | None = None) -> Iterator[str]:
        """The equation, then one line for each of the `count` largest terms."""
        yield f"{self.title} = {_equation(self)}"
        shown = self.largest(count)
        if self.label:
            yield f"  each term: {self.label}"
        rows = [_row(term) for term in shown]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for *numbers, names in rows:
            yield "  " + " ".join(map(str.rjust, numbers, widths)) + f"  {names}"
        rest = len(self.terms) - len(shown)
        if rest:
            left = self.total - self.bias - _sum([term.product for term in shown])
            yield f"  and {rest} more {'term' if rest == 1 else 'terms'}, together {left:+.6g}"
        if self.bias:
            yield f"  bias {self.bias:+.6g}"


def _equation(terms: Terms) -> str:
    if terms.formula:
        return f"{terms.formula} = {terms.value:.10g}, where the sum is {terms.total:.10g}"
    if len(terms.terms) <= 3:
        products = [f"{term.factor:.6g}·{term.value:.6g}" for term in terms.terms]
        if not terms.label:
            return " + ".join([*products, *([f"{terms.bias:.6g}"] if terms.bias else [])] or ["0"]) + (
                f" = {terms.value:.10g}"
            )
    parts = f"the sum of {len(terms.terms)} terms" + (" and the bias" if terms.bias else "")
    return f"{terms.value:.10g}, {parts}"


def _row(term: Term) -> list[str]:
    names = "" if term.parameter is None else f"{_named(term.parameter)} · "
    return [
        f"{term.product:+.6g}",
        "=",
        f"{term.factor:.6g}",
        "·",
        f"{term.value:.6g}",
        f"{names}{_named(term.source)}",
    ]


def _named(place: Place) -> str:
    name, index = place
    return f"{name}[{', '.join(map(str, index))}]"


@ieee_arithmetic
def value_terms(who: str, network: Network, layer: str, index: Index) -> Terms:
    """The sum that makes a value of a layer."""
    value = _computed(who, network, layer)
    rule = network.rule_of(who, value)
    flat, at = flat_index(who, layer, index, network.values[value].shape)
    parts = rule.parts(network.inputs_of(value), flat)
    total = _sum([*parts.products.tolist(), parts.bias])
    return Terms(
        _named((layer, at)),
        tuple(_terms_of(network, value, parts)),
        parts.bias,
        total,
        parts.formula,
        total if parts.finish is None else parts.finish(total),
        float(network.values[value].ravel()[flat]),
        parts.label,
    )


def _terms_of(network: Network, value: int, parts: Parts) -> Iterator[Term]:
    step, names = network.steps[value - 1], network.names()
    slots = np.zeros(len(parts.sources), np.int64) if parts.slots is None else parts.slots
    weight = step.parameters["weight"].shape if parts.parameters is not None else ()
    name = f"{step.prefix}.weight" if step.prefix else "weight"
    for i, source in enumerate(parts.sources.tolist()):
        read = step.inputs[int(slots[i])]
        place = names[read], _unravel(source, network.values[read].shape)
        of = None if parts.parameters is None else (name, _unravel(int(parts.parameters[i]), weight))
        yield Term(float(parts.factors[i]), float(parts.values[i]), float(parts.products[i]), place, of)


@ieee_arithmetic
def gradient_terms(who: str, network: Network, backward: Backward, layer: str, index: Index) -> Terms:
    """d loss / d value, as a sum over the values that are computed from it."""
    value = network.find(who, layer)
    flat, at = flat_index(who, layer, index, network.values[value].shape)
    terms: list[Term] = []
    for later, step in enumerate(network.steps, 1):
        for slot, read in enumerate(step.inputs):
            if read == value and backward.reaches(later):
                readers = network.rule_of(who, later).readers(network.inputs_of(later), slot, flat)
                terms += _gradient_products(network, backward, later, readers)
    bias = float(backward.of_loss.ravel()[flat]) if value == backward.objective.value else 0.0
    total = _sum([bias, *(term.product for term in terms)])
    engine = float(backward.gradients[value].ravel()[flat])
    title = f"d loss / d {_named((layer, at))}"
    return Terms(title, tuple(terms), bias, total, "", total, engine)


@ieee_arithmetic
def weight_terms(who: str, network: Network, backward: Backward, parameter: str, index: Index) -> Terms:
    """d loss / d weight, as a sum over the values that are computed with it."""
    value, name = _parameter(who, network, parameter)
    step = network.steps[value - 1]
    flat, at = flat_index(who, parameter, index, step.parameters[name].shape)
    terms: list[Term] = []
    if backward.reaches(value):
        readers = network.rule_of(who, value).parameter_readers(network.inputs_of(value), name, flat)
        terms = list(_gradient_products(network, backward, value, readers))
    total = _sum([term.product for term in terms])
    engine = float(backward.of_parameters[parameter].ravel()[flat])
    return Terms(f"d loss / d {_named((parameter, at))}", tuple(terms), 0.0, total, "", total, engine)


@ieee_arithmetic
def _sum(values: list[float]) -> float:
    """The exact sum, rounded once."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # too large, or infinities of both signs
        return float(np.sum(values))


def _gradient_products(network: Network, backward: Backward, value: int, readers: Readers) -> list[Term]:
    """factor * d loss / d output, for each output that reads a number."""
    dy = backward.gradients[value].ravel()[readers.outputs]
    shape, name = network.values[value].shape, f"d loss / d {network.names()[value]}"
    return [
        Term(factor, gradient, factor * gradient, (name, _unravel(output, shape)))
        for factor, gradient, output in zip(
            readers.factors.tolist(), dy.tolist(), readers.outputs.tolist(), strict=True
        )
    ]


def _computed(who: str, network: Network, layer: str) -> int:
    value = network.find(who, layer)
    if value == 0:
        raise ValueError(f"{who}: {INPUT!r} is the network's input, which no layer computes")
    return value


def _parameter(who: str, network: Network, parameter: str) -> tuple[int, str]:
    """The step of a parameter, and the parameter's name there."""
    known = []
    for value, step in enumerate(network.steps, 1):
        buffers = step.op.buffers()
        for name in step.parameters:
            whole = f"{step.prefix}.{name}" if step.prefix else name
            if whole == parameter and name not in buffers:
                return value, name
            known += [whole] if name not in buffers else []
    raise ValueError(f"{who}: there is no parameter {parameter!r}; it has {', '.join(known) or 'none'}")


def flat_index(who: str, what: str, index: Index, shape: Shape) -> tuple[int, tuple[int, ...]]:
    """The position in the flat array, and the index as a tuple.

    Raises:
        TypeError, ValueError: Not integers, or not within the shape.
    """
    given = np.atleast_1d(index)
    if given.dtype.kind not in "iu":
        raise TypeError(f"{who}: index must be integers, got {index!r}")
    at = tuple(int(i) for i in given)
    if len(at) != len(shape) or any(not 0 <= i < extent for i, extent in zip(at, shape, strict=True)):
        raise ValueError(f"{who}: index must be within the shape {shape} of {what!r}, got {at}")
    return (int(np.ravel_multi_index(at, shape)) if shape else 0), at


def _unravel(flat: int, shape: Shape) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape))
