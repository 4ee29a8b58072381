"""`SGD`: stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import _core
from .._types import Array
from .group import Group
from .optimizer import Optimizer
from .parts import Part
from .setting import Flag, Setting


class SGD(Optimizer):
    """Stochastic gradient descent.

    g = grad + weight_decay * p; with momentum: b = momentum * b + (1 - dampening) * g (b = g in the first
    step), and g becomes b, or g + momentum * b with Nesterov; p = p - lr * g.

    Args:
        lr: Learning rate, at least 0.
        momentum: Momentum factor, at least 0.
        dampening: Dampening of the momentum, 0 to 1.
        weight_decay: L2 penalty, at least 0.
        nesterov: Use Nesterov momentum; needs momentum and no dampening.
        maximize: Maximize the objective instead of minimizing it, by a step along the gradient.
        groups: Parameters with other settings.

    Raises:
        TypeError, ValueError: A setting that is not a number, or out of range.

    Source: Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.

    Example:
        >>> import numpy as np
        >>> params = np.array([1.0, 2.0])
        >>> SGD(lr=0.5).step(params, np.array([1.0, -1.0]))
        >>> params
        array([0.5, 2.5])
    """

    momentum = Setting()
    dampening = Setting(0, 1)
    weight_decay = Setting()
    nesterov = Flag()
    maximize = Flag()
    _memory_names = ("momentum_buffer",)

    def __init__(
        self,
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        groups: Iterable[Group] = (),
    ) -> None:
        super().__init__(
            groups,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    @classmethod
    def _check_combination(cls, who: str, settings: dict[str, Any]) -> dict[str, Any]:
        momentum, dampening = settings["momentum"], settings["dampening"]
        if settings["nesterov"] and (momentum == 0 or dampening != 0):
            raise ValueError(
                f"{who}: nesterov needs momentum above 0 and dampening 0, "
                f"got momentum={momentum:g}, dampening={dampening:g}"
            )
        return settings

    def _initial_state(self, settings: Mapping[str, Any]) -> Mapping[str, float]:
        return {"momentum_buffer": 0.0} if settings["momentum"] else {}

    def _counts(self, settings: Mapping[str, Any]) -> bool:
        return bool(settings["momentum"])  # momentum starts at the first step that has one

    def _update(self, part: Part, grads: Array) -> None:
        s = part.settings
        _core.sgd_step(
            part.params,
            grads,
            part.memory["momentum_buffer"] if s["momentum"] else None,
            s["lr"],
            s["momentum"],
            s["dampening"],
            s["nesterov"],
            s["weight_decay"],
            part.steps == 1,
            s["maximize"],
        )
