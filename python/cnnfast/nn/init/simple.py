"""Initializers that do not depend on the shape."""

from __future__ import annotations

from ..._checks import check_number
from .initializer import INFINITY, Initializer


def zeros() -> Initializer:
    """0, as usual for biases."""
    return Initializer("zeros", {}, lambda shape, rng: 0.0)


def ones() -> Initializer:
    """1, as usual for the weights of normalizations."""
    return Initializer("ones", {}, lambda shape, rng: 1.0)


def constant(value: float) -> Initializer:
    """A finite constant."""
    value = check_number("init.constant", "value", value, -INFINITY, INFINITY)
    return Initializer("constant", {"value": value}, lambda shape, rng: value)


def uniform(a: float = 0.0, b: float = 1.0) -> Initializer:
    """Uniform in [a, b)."""
    a, b = (check_number("init.uniform", name, x, -INFINITY, INFINITY) for name, x in (("a", a), ("b", b)))
    if a > b:
        raise ValueError(f"init.uniform: a must be at most b, got a={a:g}, b={b:g}")
    return Initializer("uniform", {"a": a, "b": b}, lambda shape, rng: rng.uniform(a, b, shape))


def normal(mean: float = 0.0, std: float = 1.0) -> Initializer:
    """Normal with this mean and standard deviation."""
    mean = check_number("init.normal", "mean", mean, -INFINITY, INFINITY)
    std = check_number("init.normal", "std", std, 0, INFINITY)
    return Initializer("normal", {"mean": mean, "std": std}, lambda shape, rng: rng.normal(mean, std, shape))
