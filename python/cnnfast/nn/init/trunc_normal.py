"""`trunc_normal`: the normal distribution between two bounds."""

from __future__ import annotations

import math

import numpy as np

from ..._checks import check_number
from ..._types import Array, Shape
from .initializer import INFINITY, Initializer


def trunc_normal(mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Initializer:
    """Normal with this mean and standard deviation, truncated to [a, b].

    Args:
        mean: At most two standard deviations outside of [a, b].
        std: Standard deviation before truncation, above 0.
        a, b: The absolute bounds; a < b.

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Source: the cut is by rejection, Robert 1995, Simulation of truncated normal variables, arXiv:0907.4010.
    """
    who = "init.trunc_normal"
    settings = {"mean": mean, "std": std, "a": a, "b": b}
    mean, std, a, b = (check_number(who, k, v, -INFINITY, INFINITY) for k, v in settings.items())
    if std <= 0 or a >= b:
        raise ValueError(f"{who}: needs std above 0 and a below b, got std={std:g}, a={a:g}, b={b:g}")
    if not a - 2 * std <= mean <= b + 2 * std:
        raise ValueError(
            f"{who}: mean must be at most two deviations outside of [a, b], got mean={mean:g}, std={std:g}, "
            f"a={a:g}, b={b:g}"
        )
    low, high = (a - mean) / std, (b - mean) / std

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        values = mean + std * _cut_normal(math.prod(shape), low, high, rng)
        return np.clip(values, a, b).reshape(shape)

    return Initializer("trunc_normal", {"mean": mean, "std": std, "a": a, "b": b}, draw)


def _cut_normal(count: int, low: float, high: float, rng: np.random.Generator) -> Array:
    """Standard normal numbers in [low, high], by rejection from whichever is refused less often: the normal
    distribution, or the uniform one on the interval.
    """
    inside = (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2))) / 2
    peak = min(max(0.0, low), high)  # where the density is largest
    kept_uniform = inside * math.sqrt(2 * math.pi) / (high - low) * math.exp(peak * peak / 2)
    values, filled = np.empty(count), 0
    while filled < count:
        if inside >= kept_uniform:
            drawn = rng.standard_normal(2 * (count - filled) + 16)
            drawn = drawn[(drawn >= low) & (drawn <= high)]
        else:
            drawn = rng.uniform(low, high, 2 * (count - filled) + 16)
            drawn = drawn[rng.random(drawn.size) <= np.exp((peak * peak - drawn * drawn) / 2)]
        drawn = drawn[: count - filled]
        values[filled : filled + drawn.size] = drawn
        filled += drawn.size
    return values
