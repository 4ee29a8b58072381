"""`Adam` and `AdamW`: adaptive step sizes from running means of the gradient and its square."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .. import _core
from .._types import Array
from .group import Group
from .optimizer import Optimizer
from .parts import Part
from .setting import Flag, Pair, Setting


class Adam(Optimizer):
    """Adam: adaptive step sizes from running means of the gradient and of its square.

    g = grad + weight_decay * p; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
    p = p - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps), t starting at 1. With `amsgrad` the
    largest v so far replaces v.

    Args:
        lr: Learning rate, at least 0.
        betas: Decay rates of the two means, each at least 0 and below 1.
        eps: Added to the divisor, at least 0.
        weight_decay: L2 penalty, at least 0; see `AdamW` for decoupled weight decay.
        amsgrad: Use the maximum of v so far.
        maximize: Maximize the objective instead of minimizing it, by a step along the gradient.
        groups: Parameters with other settings.

    Raises:
        TypeError, ValueError: A setting that is not a number, or out of range.

    Source: Kingma and Ba 2014, arXiv:1412.6980; AMSGrad: Reddi et al. 2018, arXiv:1904.09237.

    Example:
        >>> Adam(lr=1e-3)
        Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False, maximize=False)
    """

    betas = Pair(0, 1, below=True)
    eps = Setting()
    weight_decay = Setting()
    amsgrad = Flag()
    maximize = Flag()
    _memory_names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    _decoupled: ClassVar[bool] = False

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        groups: Iterable[Group] = (),
    ) -> None:
        super().__init__(
            groups,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
        )

    def _initial_state(self, settings: Mapping[str, Any]) -> Mapping[str, float]:
        names = self._memory_names if settings["amsgrad"] else self._memory_names[:2]
        return dict.fromkeys(names, 0.0)

    def _update(self, part: Part, grads: Array) -> None:
        s, memory = part.settings, part.memory
        beta1, beta2 = s["betas"]
        _core.adam_step(
            part.params,
            grads,
            memory["exp_avg"],
            memory["exp_avg_sq"],
            part.steps,
            s["lr"],
            beta1,
            beta2,
            s["eps"],
            s["weight_decay"],
            self._decoupled,
            memory["max_exp_avg_sq"] if s["amsgrad"] else None,
            s["maximize"],
        )


class AdamW(Adam):
    """Adam with decoupled weight decay: p = p - lr * weight_decay * p first, without changing the gradient.

    Args, Raises: As `Adam`.

    Source: Loshchilov and Hutter 2017, arXiv:1711.05101.

    Example:
        >>> AdamW(lr=1e-3).weight_decay
        0.01
    """

    _decoupled = True

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        groups: Iterable[Group] = (),
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, amsgrad, maximize=maximize, groups=groups)
