"""`Adam` and `AdamW`: a step of its own for each parameter, from running means."""

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
    """Adam: each parameter has its own step, from running means of its gradient and of the square of it.

    g = grad + weight_decay * p; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
    p = p - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps), t counting from 1. With `amsgrad` the
    largest v so far stands in place of v.

    Args:
        lr: Learning rate, at least 0.
        betas: Memory of the two means, each at least 0 and below 1.
        eps: Keeps the division finite, at least 0.
        weight_decay: Pull towards 0, at least 0, through the gradient; see `AdamW` for the other way.
        amsgrad: Never let a step grow because v has shrunk.
        groups: Parameters with settings of their own.

    Raises:
        TypeError, ValueError: A setting that is no number, or out of range.

    Source: Kingma and Ba 2014, arXiv:1412.6980; AMSGrad: Reddi et al. 2018, arXiv:1904.09237.

    Example:
        >>> Adam(lr=1e-3)
        Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0, amsgrad=False)
    """

    betas = Pair(0, 1, below=True)
    eps = Setting()
    weight_decay = Setting()
    amsgrad = Flag()
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
        groups: Iterable[Group] = (),
    ) -> None:
        super().__init__(groups, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)

    def _first_memory(self, settings: Mapping[str, Any]) -> Mapping[str, float]:
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
        )


class AdamW(Adam):
    """Adam with decoupled weight decay: p = p - lr * weight_decay * p first, the gradient stays as it is.

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
        groups: Iterable[Group] = (),
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, amsgrad, groups=groups)
