"""Tolerances of normalizations relative to the oracle; see tolerance.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests import oracle
from tests.cases import Case

Array = np.ndarray[Any, Any]
Scale = tuple[int, Array]


def forward(case: Case, arrays: tuple[Array, ...]) -> Scale:
    """Subtracting the mean cancels digits of x; the difference is divided by the deviation and weighted."""
    x = arrays[0].astype(np.float64)
    if case.op == "LocalResponseNorm":
        y = np.abs(oracle.PAIRS[case.op][0](x, **case.call))
        return case.settings["size"], 2 * y
    terms, size, deviation = _groups(case, x)
    weight, bias = _affine(case, x, arrays)
    return terms, (1 + (size + _mean(case, size)) / deviation) * np.abs(weight) + np.abs(bias)


def backward(case: Case, dy: Array, arrays: tuple[Array, ...]) -> list[tuple[int, Array | None]]:
    x, dy = arrays[0].astype(np.float64), np.abs(dy).astype(np.float64)
    if case.op == "LocalResponseNorm":  # the sum's terms may have either sign
        settings = {**case.call, "alpha": 0.0}
        own = oracle.PAIRS[case.op][1](dy, x, **settings)[0]
        s = np.abs(oracle.PAIRS[case.op][1](dy, np.abs(x), **case.call)[0])
        return [(4 * case.settings["size"], 2 * (np.abs(own) + s + dy))]
    terms, size, deviation = _groups(case, x)
    weight, _ = _affine(case, x, arrays)
    normal = 1 + (size + _mean(case, size)) / deviation
    d = dy * np.abs(weight)
    dx = (d + _mean(case, d) + normal * _mean(case, d * normal)) / deviation
    if len(arrays) == 1:
        return [(terms, dx)]
    axes = (0, *range(2, x.ndim)) if case.op == "GroupNorm" else (0,)
    each = case.n * (terms if case.op == "GroupNorm" else 1)
    return [(terms, dx), (each + terms, (dy * normal).sum(axes)), (each, dy.sum(axes))]


def _mean(case: Case, values: Array) -> Array:
    """The mean over each value's group."""
    groups = case.settings.get("num_groups", 1)
    if not values.size:
        return values
    parts = values.reshape(len(values), groups, -1)
    return np.broadcast_to(parts.mean(axis=2, keepdims=True), parts.shape).reshape(values.shape)


def _groups(case: Case, x: Array) -> tuple[int, Array, Array]:
    """(values of a group, |x|, deviation of each value's group)."""
    variance = _mean(case, (x - _mean(case, x)) ** 2)
    terms = math.prod(case.inputs[0]) // case.settings.get("num_groups", 1)
    return terms, np.abs(x), np.sqrt(variance + 1e-5)


def _affine(case: Case, x: Array, arrays: tuple[Array, ...]) -> tuple[Array, Array]:
    if len(arrays) == 1:
        return np.ones(1), np.zeros(1)
    if case.op == "LayerNorm":
        return arrays[1], arrays[2]
    axes = (-1, *[1] * (x.ndim - 2))
    return arrays[1].reshape(axes), arrays[2].reshape(axes)
