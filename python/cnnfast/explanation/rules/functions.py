"""Formulas of the elementwise functions, as text and as Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Formula = tuple[str, Callable[[float], float]]
_ROOT = math.sqrt(2 / math.pi)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _gelu(x: float) -> float:
    return x * 0.5 * math.erfc(-x / math.sqrt(2))


def _gelu_tanh(x: float) -> float:
    return x * _logistic(2 * _ROOT * (x + 0.044715 * x**3))


def _clamp(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


def _elu(alpha: float, gamma: float = 1.0) -> Callable[[float], float]:
    return lambda x: gamma * (x if x > 0 else alpha * math.expm1(x))


def formula(name: str, s: Mapping[str, Any]) -> Formula:
    """The function of an operation with these settings.

    Raises:
        KeyError: Another operation.
    """
    return _FORMULAS[name](s)


_FORMULAS: dict[str, Callable[[Mapping[str, Any]], Formula]] = {
    "ReLU": lambda s: ("max(x, 0)", lambda x: max(x, 0.0)),
    "LeakyReLU": lambda s: (
        f"x > 0: x, else {s['negative_slope']:.6g}·x",
        lambda x: x if x > 0 else x * s["negative_slope"],
    ),
    "ELU": lambda s: (f"x > 0: x, else {s['alpha']:.6g}·(exp(x) − 1)", _elu(s["alpha"])),
    "SELU": lambda s: (
        f"{s['gamma']:.6g}·(x > 0: x, else {s['alpha']:.6g}·(exp(x) − 1))",
        _elu(s["alpha"], s["gamma"]),
    ),
    "GELU": lambda s: (
        ("x·Φ(x), Φ the normal distribution function", _gelu)
        if s["approximate"] == "none"
        else ("x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))", _gelu_tanh)
    ),
    "SiLU": lambda s: ("x / (1 + exp(−x))", lambda x: x * _logistic(x)),
    "Mish": lambda s: ("x·tanh(ln(1 + exp(x)))", lambda x: x * math.tanh(_softplus(x))),
    "Sigmoid": lambda s: ("1 / (1 + exp(−x))", _logistic),
    "Tanh": lambda s: ("tanh(x)", math.tanh),
    "ScaledTanh": lambda s: (
        f"{s['alpha']:.6g}·tanh({s['beta']:.6g}·x)",
        lambda x: s["alpha"] * math.tanh(s["beta"] * x),
    ),
    "Softplus": lambda s: (
        f"ln(1 + exp({s['beta']:.6g}·x)) / {s['beta']:.6g}; x where {s['beta']:.6g}·x > {s['threshold']:.6g}",
        lambda x: x if s["beta"] * x > s["threshold"] else _softplus(s["beta"] * x) / s["beta"],
    ),
    "Hardswish": lambda s: ("x·min(max(x + 3, 0), 6) / 6", lambda x: x * _clamp(x + 3, 0, 6) / 6),
    "Hardsigmoid": lambda s: (
        f"min(max({s['alpha']:.6g}·x + {s['beta']:.6g}, 0), 1)",
        lambda x: _clamp(s["alpha"] * x + s["beta"], 0, 1),
    ),
    "Hardtanh": lambda s: (
        f"min(max(x, {s['min_val']:.6g}), {s['max_val']:.6g})",
        lambda x: _clamp(x, s["min_val"], s["max_val"]),
    ),
    "ReLU6": lambda s: ("min(max(x, 0), 6)", lambda x: _clamp(x, 0, 6)),
    "Softsign": lambda s: ("x / (1 + |x|)", lambda x: x / (1 + abs(x))),
}
#: Names of the operations that have one.
NAMES = tuple(_FORMULAS)
