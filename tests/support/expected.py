"""What a case must give, by the oracle: computed once for all variants of a test, which follow one another
(`tests/support/crossing.py`).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from tests import oracle
from tests.cases import Case
from tests.support import tolerance
from tests.support.engine import op_of

Array = np.ndarray[Any, Any]
#: Terms of each sum and the sum of their magnitudes, see tolerance.py; None requires equality.
Scale = tuple[int, Array | None]
_KEPT = 4


class Forward(NamedTuple):
    arrays: tuple[Array, ...]
    y: Array
    scale: Scale


class Backward(NamedTuple):
    arrays: tuple[Array, ...]
    dy: Array
    gradients: tuple[Array, ...]
    scales: tuple[Scale, ...]


class _ById:
    """A case as the key of a cache: two with one id are equal."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.case.id == self.case.id

    def __hash__(self) -> int:
        return hash(self.case.id)


def has_slow_oracle(case: Case) -> bool:
    outputs = case.n * math.prod(op_of(case).output_shape(*case.inputs))
    return (outputs > 24_000 and case.settings.get("groups", 1) >= 32) or outputs > 200_000


def forward(case: Case, integers: bool = False) -> Forward:
    return _forward(_ById(case), integers)


def backward(case: Case, integers: bool = False) -> Backward:
    return _backward(_ById(case), integers)


@lru_cache(maxsize=_KEPT)
def _forward(key: _ById, integers: bool) -> Forward:
    case = key.case
    arrays = case.arrays(integers=integers)
    y = oracle.PAIRS[case.op][0](*arrays, **case.call)
    exact: Scale = (1, None)
    scale = exact if integers else tolerance.forward_scale(case, arrays)
    _make_constant(*arrays, y)
    return Forward(arrays, y, scale)


@lru_cache(maxsize=_KEPT)
def _backward(key: _ById, integers: bool) -> Backward:
    case = key.case
    arrays = case.arrays(integers=integers)
    dy = case.draw(case.n, *op_of(case).output_shape(*case.inputs), salt="dy", integers=integers)
    gradients = oracle.PAIRS[case.op][1](dy, *arrays, **case.call)
    exact: tuple[Scale, ...] = ((1, None),) * len(gradients)
    scales = exact if integers else tuple(tolerance.backward_scales(case, dy, arrays))
    _make_constant(*arrays, dy, *gradients)
    return Backward(arrays, dy, tuple(gradients), scales)


def _make_constant(*arrays: Array) -> None:
    """Tests share these."""
    for a in arrays:
        a.setflags(write=False)
