"""How far each elementwise function is from the exact one, in units in the last place, over the whole range
of its
argument: mpmath's formulas, taken literally with sixty digits, are the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.cases import Case
from tests.support.engine import OneNode

mp = pytest.importorskip("mpmath").mp.clone()
mp.dps = 60

Array = np.ndarray[Any, Any]
Real = Any  # mpmath's


def logistic(x: Real) -> Real:
    return 1 / (1 + mp.exp(-x))


def gate(x: Real) -> Real:
    return mp.tanh(mp.log1p(mp.exp(x)))


@dataclass(frozen=True)
class Exact:
    """A function, its derivative, and how many ulp each may be off.

    Where a derivative passes through zero its terms cancel: errors count against `terms`, their sum of
    absolute values.
    """

    op: str
    value: Callable[[Real], Real]
    slope: Callable[[Real], Real]
    ulp: float
    slope_ulp: float
    settings: dict[str, Any] = field(default_factory=dict)
    terms: Callable[[Real], Real] | None = None

    def __str__(self) -> str:
        return f"{self.op}{self.settings or ''}"


SCALE, ALPHA = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")

EXACT = [
    Exact("ReLU", lambda x: max(x, 0), lambda x: x > 0, 0, 0),
    Exact(
        "LeakyReLU",
        lambda x: x if x > 0 else x * mp.mpf(0.125),
        lambda x: 1 if x > 0 else mp.mpf(0.125),
        *(0.5, 0),
        {"negative_slope": 0.125},
    ),
    Exact("ELU", lambda x: x if x > 0 else mp.expm1(x), lambda x: 1 if x > 0 else mp.exp(x), 2, 1.5),
    Exact(
        "SELU",
        lambda x: SCALE * (x if x > 0 else ALPHA * mp.expm1(x)),
        lambda x: SCALE * (1 if x > 0 else ALPHA * mp.exp(x)),
        *(3, 3),
    ),
    Exact(
        "SiLU",
        lambda x: x * logistic(x),
        lambda x: logistic(x) * (1 + x * logistic(-x)),
        *(3, 4),
        terms=lambda x: logistic(x) * (1 + abs(x) * logistic(-x)),
    ),
    Exact(
        "Mish",
        lambda x: x * gate(x),
        lambda x: gate(x) + x * mp.sech(mp.log1p(mp.exp(x))) ** 2 * logistic(x),
        *(5, 6),
        terms=lambda x: gate(x) + abs(x) * mp.sech(mp.log1p(mp.exp(x))) ** 2 * logistic(x),
    ),
    Exact("Sigmoid", logistic, lambda x: logistic(x) * logistic(-x), 3, 5),
    Exact("Tanh", mp.tanh, lambda x: mp.sech(x) ** 2, 3, 5),
    Exact(
        "ScaledTanh",
        lambda x: mp.mpf(1.5) * mp.tanh(x / 2),
        lambda x: mp.mpf(0.75) * mp.sech(x / 2) ** 2,
        *(4, 6),
        {"alpha": 1.5, "beta": 0.5},
    ),
    Exact(
        "Softplus",
        lambda x: x if x > 20 else mp.log1p(mp.exp(x)),
        lambda x: 1 if x > 20 else logistic(x),
        3,
        3,
    ),
    Exact(
        "Softplus",
        lambda x: x if 2 * x > 1 else mp.log1p(mp.exp(2 * x)) / 2,
        lambda x: 1 if 2 * x > 1 else logistic(2 * x),
        *(3, 3),
        {"beta": 2.0, "threshold": 1.0},
    ),
    Exact(
        "Hardswish",
        lambda x: x * min(max(x + 3, 0), 6) / 6,
        lambda x: 1 if x >= 3 else 0 if x <= -3 else x / 3 + mp.mpf(1) / 2,
        *(2, 1),
        terms=lambda x: abs(x) / 3 + mp.mpf(1) / 2 if abs(x) < 3 else 1,
    ),
    Exact(
        "Hardsigmoid",
        lambda x: min(max(x + 3, 0), 6) / mp.mpf(6),
        lambda x: mp.mpf(1) / 6 if abs(x) < 3 else 0,
        *(1.5, 0.5),
    ),
]


@cache
def grid(dtype: str) -> Array:
    """Dense where the functions bend, every power of two down to the last subnormal, and both sides of every
    place where a formula changes or a result leaves the range of the type.
    """
    info = np.finfo(dtype)
    far = 120.0 if dtype == "float32" else 760.0
    powers = np.ldexp(
        1.0, np.arange(-149 if dtype == "float32" else -1074, 128, 1 if dtype == "float32" else 3)
    )
    seams = [
        3,
        1,
        20,
        0.5,
        17,
        9,
        88.02,
        87.34,
        88.72,
        89,
        103.97,
        104,
        708.4,
        709.8,
        745.1,
        1e4,
        float(info.max) / 2,
    ]
    seams += [
        0.5 * np.log(2),
        np.log(2),
        1.5 * np.log(2),
        13.5,
        10.4,
        1.278464542761074,
        1.19,
        float(info.tiny),
    ]
    near = np.concatenate(
        [np.asarray(s, dtype) + np.arange(-3, 4) * np.spacing(np.asarray(s, dtype)) for s in seams]
    )
    half = np.concatenate([np.linspace(0, 12, 1201), np.linspace(12, far, 300), powers, powers * 1.37, near])
    half = half[half <= info.max].astype(dtype)
    return np.unique(np.concatenate([half, -half]))


@cache
def truth(number: int, dtype: str) -> tuple[Array, Array, Array]:
    """Value, slope and the scale of the slope's errors."""
    exact = EXACT[number]
    rows = []
    for x in grid(dtype).astype(object):
        r = mp.mpf(float(x))
        value, slope = mp.mpf(exact.value(r)), mp.mpf(exact.slope(r))
        rows.append((value, slope, slope if exact.terms is None else mp.mpf(exact.terms(r))))
    return tuple(np.array(column, object) for column in zip(*rows, strict=True))  # type: ignore[return-value]


def ulp_off(got: Array, want: Array, scale: Array, dtype: str) -> Array:
    """|got - want| in units in the last place of `scale`, not smaller than a subnormal."""
    least = float(np.finfo(dtype).tiny) * float(np.finfo(dtype).eps)
    unit = [max(float(np.spacing(np.asarray(float(abs(s)), dtype))), least) for s in scale]
    return np.array([float(abs(mp.mpf(float(g)) - w) / u) for g, w, u in zip(got, want, unit, strict=True)])


@pytest.mark.parametrize("number", range(len(EXACT)), ids=lambda n: str(EXACT[n]))
@pytest.mark.slow
def test_within_few_ulp_over_the_whole_range(number: int, isa: str, dtype: str) -> None:
    exact, x = EXACT[number], grid(dtype)
    value, slope, terms = truth(number, dtype)
    node = OneNode(Case(exact.op, 1, ((x.size,),), exact.settings), isa, dtype)
    for what, got, want, scale, limit in (
        ("value", node.forward(x[None])[0], value, value, exact.ulp),
        ("slope", node.backward(np.ones_like(x[None]), x[None])[0][0], slope, terms, exact.slope_ulp),
    ):
        off = ulp_off(got, want, scale, dtype)
        worst = int(off.argmax())
        assert off[worst] <= limit, f"{what} of {x[worst]!r}: got {got[worst]!r}, want {float(want[worst])!r}"


def test_grid_covers_the_corners(dtype: str) -> None:
    x = grid(dtype)
    info = np.finfo(dtype)
    assert x[0] <= -info.max / 4
    assert np.any((x > 0) & (x < info.tiny)), "subnormals"
    assert np.any(np.abs(x - 88) < 0.05)
    assert x.size > 3000
