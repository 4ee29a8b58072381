"""`RMSprop`: gradients divided by the square root of the running mean of their squares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import _core
from .._types import Array
from .group import Group
from .optimizer import Optimizer
from .parts import Part
from .setting import Flag, Setting


class RMSprop(Optimizer):
    """RMSprop: the gradient divided by the square root of the running mean of its square.

    g = grad + weight_decay * p; v = alpha * v + (1 - alpha) * g^2; d = g / (sqrt(v) + eps); with momentum:
    b = momentum * b + d, and d becomes b; p = p - lr * d. If `centered`, the running mean a of g is kept too,
    and v - a^2, an estimate of the variance, replaces v (0 if rounding makes it negative, where PyTorch has
    NaN).

    Args:
        lr: Learning rate, at least 0.
        alpha: Decay rate of the means, at least 0 and below 1.
        eps: Added to the divisor, at least 0.
        weight_decay: L2 penalty, at least 0.
        momentum: Momentum factor, at least 0.
        centered: Divide by the standard deviation instead of the root mean square.
        maximize: Maximize the objective instead of minimizing it, by a step along the gradient.
        groups: Parameters with other settings.

    Raises:
        TypeError, ValueError: A setting that is not a number, or out of range.

    Source: Hinton 2012, Neural networks for machine learning, lecture 6e; centered: Graves 2013,
    arXiv:1308.0850, section 4.2 (where eps is under the root; here, as in PyTorch, it is not).

    Example:
        >>> import numpy as np
        >>> params = np.array([1.0, 2.0])
        >>> RMSprop(lr=0.1, alpha=0.75).step(params, np.array([10.0, -0.1]))
        >>> params.round(4)
        array([0.8, 2.2])
    """

    alpha = Setting(0, 1, below=True)
    eps = Setting()
    weight_decay = Setting()
    momentum = Setting()
    centered = Flag()
    maximize = Flag()
    _memory_names = ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(
        self,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
        groups: Iterable[Group] = (),
    ) -> None:
        super().__init__(
            groups,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def _initial_state(self, settings: Mapping[str, Any]) -> Mapping[str, float]:
        memory = {"square_avg": 0.0}
        if settings["centered"]:
            memory["grad_avg"] = 0.0
        if settings["momentum"]:
            memory["momentum_buffer"] = 0.0
        return memory

    def _update(self, part: Part, grads: Array) -> None:
        s, memory = part.settings, part.memory
        _core.rmsprop_step(
            part.params,
            grads,
            memory["square_avg"],
            memory["grad_avg"] if s["centered"] else None,
            memory["momentum_buffer"] if s["momentum"] else None,
            s["lr"],
            s["alpha"],
            s["eps"],
            s["weight_decay"],
            s["momentum"],
            s["maximize"],
        )
