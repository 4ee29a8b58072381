"""The part of the input that a value depends on, row by row and column by column."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .network import Network
from .rules import Copy
from .rules.rule import Indices


class Axis(NamedTuple):
    """Along one axis, the input positions first[i] to end[i] - 1 belong to output position i."""

    first: Indices
    end: Indices


Field = list[Axis]


def fields(network: Network) -> list[Field | None]:
    """The receptive field of each value's positions; None for a value without positions, or whose rows and
    columns are not those of the input.
    """
    found: list[Field | None] = [
        [Axis(np.arange(extent), np.arange(extent) + 1) for extent in network.values[0].shape[1:]] or None
    ]
    for step in network.steps:
        sources = step.rule.sources()
        inputs = [field for k in step.inputs if (field := found[k])]
        if not sources or len(inputs) < len(step.inputs):
            found.append(None)
        else:
            found.append(
                [_axis(taps, [field[axis] for field in inputs]) for axis, taps in enumerate(sources)]
            )
    return found


def _axis(taps: Indices, inputs: list[Axis]) -> Axis:
    """The union over taps and inputs; empty where a constant is copied."""
    read = taps >= 0
    beyond = max(int(axis.end.max()) for axis in inputs)
    first = np.minimum.reduce([np.where(read, axis.first[taps], beyond).min(axis=1) for axis in inputs])
    end = np.maximum.reduce([np.where(read, axis.end[taps], 0).max(axis=1) for axis in inputs])
    return Axis(np.where(end > 0, first, 0), end)


def field_of(network: Network, value: int, flat: int) -> tuple[tuple[int, int], ...]:
    """(first, end) on each axis of the input, for one number of a value."""
    known = fields(network)
    while known[value] is None and value > 0 and isinstance(network.steps[value - 1].rule, Copy):
        rule = network.steps[value - 1].rule
        assert isinstance(rule, Copy)
        flat, value = rule.source(flat), network.steps[value - 1].inputs[0]
    field = known[value]
    if field is None:
        return tuple((0, extent) for extent in network.values[0].shape[1:])
    at = np.unravel_index(flat, network.values[value].shape)[1:]
    return tuple((int(axis.first[i]), int(axis.end[i])) for axis, i in zip(field, at, strict=True))
