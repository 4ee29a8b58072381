"""Optimisers over one flat parameter block, with PyTorch's arithmetic; a step is one call into the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from . import _core
from .border import FLOATS, Array, real_number, type_of, whole_number

_INFINITY = float("inf")


class Optimizer(ABC):
    """Settings, and what is remembered from step to step. One optimiser serves one model."""

    #: Names of the settings, in the order of the constructor.
    _settings: ClassVar[tuple[str, ...]]

    def __init__(self, lr: float) -> None:
        self.lr = lr
        self._steps = 0
        self._params: Array | None = None
        self._memory: dict[str, Array] = {}

    @property
    def lr(self) -> float:
        """Learning rate; may be set anew between steps."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = real_number(type(self).__name__, "lr", value, 0, _INFINITY)

    @property
    def steps(self) -> int:
        """Updates made so far."""
        return self._steps

    def bind(self, params: Array) -> None:
        """Serve this parameter block from now on; `Trainer` and `fit` call it.

        Raises:
            TypeError: Not a float32 or float64 array.
            ValueError: Not flat; or the optimiser serves another model already, or was loaded with the memory
                of one of another size.
        """
        who = type(self).__name__
        if self._params is params:
            return
        if not isinstance(params, np.ndarray) or params.dtype not in FLOATS:
            raise TypeError(f"{who}: params must be a float32 or float64 array, got {type_of(params)}")
        if params.ndim != 1 or not params.flags.c_contiguous or not params.flags.writeable:
            raise ValueError(f"{who}: params must be a flat, contiguous, writable array, got {params.shape}")
        if self._params is not None:
            raise ValueError(
                f"{who}: already serves another model (or a dtype it had before); make a new optimiser"
            )
        for name in self._memory_names():
            if name not in self._memory:
                self._memory[name] = np.zeros_like(params)
            _check_size(who, name, self._memory[name], params.size)
            self._memory[name] = self._memory[name].astype(params.dtype, copy=False)
        self._params = params

    def step(self, params: Array, grads: Array) -> None:
        """Change `params` in place, downhill along `grads` (arrays of one shape and dtype).

        Raises:
            ValueError: `params` is not what the optimiser serves, or `grads` does not match it.
        """
        if params is not self._params:
            self.bind(params)
        if grads.shape != params.shape or grads.dtype != params.dtype:
            raise ValueError(
                f"{type(self).__name__}: grads must be {params.dtype} of shape {params.shape}, "
                f"got {grads.dtype} of shape {grads.shape}"
            )
        self._update(params, grads)
        self._steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on later: type, settings, number of steps, copies of the memory."""
        return {
            "type": type(self).__name__,
            "settings": {name: getattr(self, name) for name in self._settings},
            "steps": self._steps,
            "memory": {name: value.copy() for name, value in self._memory.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over settings, steps and memory from `state_dict()` of an optimiser of the same type.

        Raises:
            ValueError: Of another type, incomplete, or of another size than the model served.
        """
        who = type(self).__name__
        if not isinstance(state, Mapping) or set(state) != {"type", "settings", "steps", "memory"}:
            raise ValueError(f"{who}: state must be what state_dict() returned")
        if state["type"] != who:
            raise ValueError(f"{who}: the state is of {state['type']}")
        twin = type(self)(**state["settings"])
        steps = whole_number(who, "steps", state["steps"], 0)
        names = twin._memory_names()
        given = set(state["memory"])
        if not given <= set(names) or (steps > 0 and given != set(names)):
            raise ValueError(f"{who}: the state must remember {sorted(names)}, got {sorted(state['memory'])}")
        memory = {name: np.array(value) for name, value in state["memory"].items()}
        if self._params is not None:
            for name in names:
                memory.setdefault(name, np.zeros_like(self._params))
                _check_size(who, name, memory[name], self._params.size)
                memory[name] = memory[name].astype(self._params.dtype, copy=False)
        for name in self._settings:
            setattr(self, name, getattr(twin, name))
        self._steps, self._memory = steps, memory

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self._settings)})"
        )

    @abstractmethod
    def _memory_names(self) -> tuple[str, ...]:
        """What is remembered for each parameter."""

    @abstractmethod
    def _update(self, params: Array, grads: Array) -> None: ...


class SGD(Optimizer):
    """Stochastic gradient descent.

    g = grad + weight_decay * p; with momentum: b = momentum * b + (1 - dampening) * g (the first b is g), and
    g becomes b, or g + momentum * b with Nesterov; p = p - lr * g.

    Args:
        lr: Learning rate, at least 0.
        momentum: Share of the last direction that is kept, at least 0.
        dampening: Share of the gradient that is left out of the direction, 0 to 1.
        nesterov: Look ahead along the direction; needs momentum and no dampening.
        weight_decay: Pull towards 0, at least 0.

    Raises:
        TypeError, ValueError: A setting that is no number, or out of range.

    Source: Sutskever et al. 2013, On the importance of initialization and momentum in deep learning.

    Example:
        >>> import numpy as np
        >>> params = np.array([1.0, 2.0])
        >>> SGD(lr=0.5).step(params, np.array([1.0, -1.0]))
        >>> params
        array([0.5, 2.5])
    """

    _settings = ("lr", "momentum", "dampening", "nesterov", "weight_decay")

    def __init__(
        self,
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(lr)
        self.momentum = real_number("SGD", "momentum", momentum, 0, _INFINITY)
        self.dampening = real_number("SGD", "dampening", dampening, 0, 1)
        self.weight_decay = real_number("SGD", "weight_decay", weight_decay, 0, _INFINITY)
        self.nesterov = bool(nesterov)
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError(
                "SGD: nesterov needs momentum above 0 and dampening 0, "
                f"got momentum={self.momentum:g}, dampening={self.dampening:g}"
            )

    def _memory_names(self) -> tuple[str, ...]:
        return ("momentum_buffer",) if self.momentum else ()

    def _update(self, params: Array, grads: Array) -> None:
        buffer = self._memory.get("momentum_buffer")
        first = self._steps == 0
        if self.momentum and buffer is None:  # momentum was set after the first steps
            buffer = self._memory["momentum_buffer"] = np.zeros_like(params)
            first = True
        _core.sgd_step(
            params,
            grads,
            buffer if self.momentum else None,
            self._lr,
            self.momentum,
            self.dampening,
            self.nesterov,
            self.weight_decay,
            first,
        )


class Adam(Optimizer):
    """Adam: each parameter has its own step, from running means of its gradient and of the square of it.

    g = grad + weight_decay * p; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
    p = p - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps), t counting from 1.

    Args:
        lr: Learning rate, at least 0.
        betas: Memory of the two means, each at least 0 and below 1.
        eps: Keeps the division finite, at least 0.
        weight_decay: Pull towards 0, at least 0, through the gradient; see `AdamW` for the other way.

    Raises:
        TypeError, ValueError: A setting that is no number, or out of range.

    Source: Kingma and Ba 2014, arXiv:1412.6980.

    Example:
        >>> Adam(lr=1e-3)
        Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0)
    """

    _settings = ("lr", "betas", "eps", "weight_decay")
    _decoupled: ClassVar[bool] = False

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(lr)
        who = type(self).__name__
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"{who}: betas must be a pair of numbers, got {betas!r}")
        first, second = (real_number(who, "betas", beta, 0, 1, below=True) for beta in betas)
        self.betas = (first, second)
        self.eps = real_number(who, "eps", eps, 0, _INFINITY)
        self.weight_decay = real_number(who, "weight_decay", weight_decay, 0, _INFINITY)

    def _memory_names(self) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _update(self, params: Array, grads: Array) -> None:
        _core.adam_step(
            params,
            grads,
            self._memory["exp_avg"],
            self._memory["exp_avg_sq"],
            self._steps + 1,
            self._lr,
            *self.betas,
            self.eps,
            self.weight_decay,
            self._decoupled,
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
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)


def _check_size(who: str, name: str, value: Array, size: int) -> None:
    if value.shape != (size,):
        raise ValueError(f"{who}: {name} is of shape {value.shape}, but the model has {size} parameters")
