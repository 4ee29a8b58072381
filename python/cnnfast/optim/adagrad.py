"""`Adagrad`: gradients divided by the square root of the sum of their squares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import _core
from .._types import Array
from .group import Group
from .optimizer import Optimizer
from .parts import Part
from .setting import Flag, Setting


class Adagrad(Optimizer):
    """Adagrad: the gradient divided by the square root of the sum of all its squares so far.

    g = grad + weight_decay * p; v = v + g^2; p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(v) + eps),
    t starts at 1.

    Args:
        lr: Learning rate, at least 0.
        lr_decay: Decay of the learning rate with the steps, at least 0.
        weight_decay: L2 penalty, at least 0.
        initial_accumulator_value: Initial value of v, at least 0.
        eps: Added to the divisor, at least 0.
        maximize: Maximize the objective instead of minimizing it, by a step along the gradient.
        groups: Parameters with other settings.

    Raises:
        TypeError, ValueError: A setting that is not a number, or out of range.

    Source: Duchi, Hazan and Singer 2011, Adaptive subgradient methods, JMLR 12:2121.

    Example:
        >>> import numpy as np
        >>> params, optimizer = np.zeros(1), Adagrad(lr=1.0)
        >>> for grad in (3.0, 4.0):
        ...     optimizer.step(params, np.array([grad]))
        >>> params.round(6)  # -3/3 - 4/5
        array([-1.8])
    """

    lr_decay = Setting()
    weight_decay = Setting()
    initial_accumulator_value = Setting()
    eps = Setting()
    maximize = Flag()
    _memory_names = ("sum",)

    def __init__(
        self,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        groups: Iterable[Group] = (),
    ) -> None:
        super().__init__(
            groups,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    def _initial_state(self, settings: Mapping[str, Any]) -> Mapping[str, float]:
        return {"sum": settings["initial_accumulator_value"]}

    def _update(self, part: Part, grads: Array) -> None:
        s = part.settings
        rate = s["lr"] / (1 + (part.steps - 1) * s["lr_decay"])
        _core.adagrad_step(
            part.params, grads, part.memory["sum"], rate, s["eps"], s["weight_decay"], s["maximize"]
        )
