"""Initializers whose standard deviation depends on the number of inputs and outputs: Xavier, Kaiming,
LeCun."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from ..._checks import check_integer, check_number
from ..._types import Array, Shape
from .initializer import INFINITY, Initializer

Mode = Literal["fan_in", "fan_out"]


def calculate_gain(nonlinearity: str, a: float = 0.01) -> float:
    """Recommended gain of the weights for a nonlinearity: 1 for "linear", "conv2d" and "sigmoid", 5/3 for
    "tanh", sqrt(2) for "relu", sqrt(2 / (1 + a^2)) for "leaky_relu" of slope a, 3/4 for "selu".

    Raises:
        ValueError: An unknown name.

    Source: PyTorch's table; He et al. 2015, arXiv:1502.01852, for the two ReLUs.

    Example:
        >>> round(calculate_gain("relu"), 4)
        1.4142
    """
    return _gain_of("init.calculate_gain", nonlinearity, a)


def xavier_uniform(gain: float = 1.0) -> Initializer:
    """Uniform in +-gain * sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks.
    """
    return _spread("xavier_uniform", {"gain": _gain("xavier_uniform", gain)}, _xavier, "uniform")


def xavier_normal(gain: float = 1.0) -> Initializer:
    """Normal of mean 0 and standard deviation gain * sqrt(2 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010, as `xavier_uniform`.
    """
    return _spread("xavier_normal", {"gain": _gain("xavier_normal", gain)}, _xavier, "normal")


def kaiming_uniform(a: float = 0.0, mode: Mode = "fan_in", nonlinearity: str = "leaky_relu") -> Initializer:
    """Uniform in +-gain * sqrt(3 / fan), gain from `calculate_gain(nonlinearity, a)`: preserves the
    variance in a network of ReLUs, forward ("fan_in") or backward ("fan_out").

    Args:
        a: Slope of a leaky ReLU for negative values; 0 for a plain one.
        mode: "fan_in" or "fan_out".
        nonlinearity: The following activation, a name for `calculate_gain`.

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Source: He et al. 2015, Delving deep into rectifiers, arXiv:1502.01852.
    """
    return _spread("kaiming_uniform", *_kaiming("kaiming_uniform", a, mode, nonlinearity), "uniform")


def kaiming_normal(a: float = 0.0, mode: Mode = "fan_in", nonlinearity: str = "leaky_relu") -> Initializer:
    """Normal of mean 0 and standard deviation gain / sqrt(fan); arguments and source as `kaiming_uniform`."""
    return _spread("kaiming_normal", *_kaiming("kaiming_normal", a, mode, nonlinearity), "normal")


def lecun_uniform() -> Initializer:
    """Uniform in +-sqrt(3 / fan_in); source as `lecun_normal`."""
    return _spread("lecun_uniform", {}, _lecun, "uniform")


def lecun_normal() -> Initializer:
    """Normal of mean 0 and standard deviation 1 / sqrt(fan_in).

    Source: LeCun, Bottou, Orr and Müller 1998, Efficient BackProp, section 4.6; recommended for SELU
    (Klambauer et al. 2017, arXiv:1706.02515).
    """
    return _spread("lecun_normal", {}, _lecun, "normal")


def default(fan_in: int | None = None) -> Initializer:
    """PyTorch's default for convolutions and linear layers: uniform in +-1 / sqrt(fan_in), weights and
    biases.

    New layers are initialized with it, and `model.initialize(seed)` applies it again.

    Args:
        fan_in: Inputs of one output; None computes it from the shape. A bias needs that of its weight.

    Source: torch.nn.Linear.reset_parameters; Kaiming uniform with a = sqrt(5), for weights.
    """
    if fan_in is not None:
        fan_in = check_integer("init.default", "fan_in", fan_in, 1)

    def deviation(who: str, shape: Shape) -> float:
        return 1 / math.sqrt(3 * max(fans(who, shape)[0] if fan_in is None else fan_in, 1))

    return _spread("default", {} if fan_in is None else {"fan_in": fan_in}, deviation, "uniform")


def fans(who: str, shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of weights (out, in, ...): inputs of one output, outputs of one input, as PyTorch
    counts them (regardless of groups and strides).
    """
    rows, columns = as_matrix(who, shape)
    return columns, rows * math.prod(shape[2:])


def as_matrix(who: str, shape: Shape) -> tuple[int, int]:
    if len(shape) < 2:
        raise ValueError(f"{who}: needs weights of two axes or more, (out, in, ...), got shape {shape}")
    return shape[0], math.prod(shape[1:])


def _xavier(who: str, shape: Shape) -> float:
    return math.sqrt(2 / max(sum(fans(who, shape)), 1))


def _lecun(who: str, shape: Shape) -> float:
    return 1 / math.sqrt(max(fans(who, shape)[0], 1))


def _kaiming(
    name: str, a: float, mode: str, nonlinearity: str
) -> tuple[dict[str, Any], Callable[[str, Shape], float]]:
    """Settings, and the standard deviation of weights of a shape."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'init.{name}: mode must be "fan_in" or "fan_out", got {mode!r}')
    gain = _gain_of(f"init.{name}", nonlinearity, a)

    def deviation(who: str, shape: Shape) -> float:
        return gain / math.sqrt(max(fans(who, shape)[mode == "fan_out"], 1))

    return {"a": float(a), "mode": mode, "nonlinearity": nonlinearity}, deviation


def _gain(name: str, gain: float) -> float:
    return check_number(f"init.{name}", "gain", gain, 0, INFINITY)


def _spread(
    name: str,
    settings: Mapping[str, Any],
    deviation: Callable[[str, Shape], float],
    kind: Literal["uniform", "normal"],
) -> Initializer:
    """Mean 0 and a standard deviation that depends on the shape (and the gain)."""
    gain = settings.get("gain", 1.0)

    def draw(shape: Shape, rng: np.random.Generator) -> Array:
        std = gain * deviation(f"init.{name}", shape)
        bound = math.sqrt(3) * std
        return rng.uniform(-bound, bound, shape) if kind == "uniform" else rng.normal(0.0, std, shape)

    return Initializer(name, settings, draw)


def _gain_of(who: str, nonlinearity: str, a: float) -> float:
    a = check_number(who, "a", a, -INFINITY, INFINITY)
    gains = {
        "linear": 1.0,
        "conv1d": 1.0,
        "conv2d": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + a * a)),
        "selu": 3 / 4,
    }
    if nonlinearity not in gains:
        raise ValueError(f"{who}: nonlinearity must be one of {', '.join(gains)}, got {nonlinearity!r}")
    return gains[nonlinearity]
