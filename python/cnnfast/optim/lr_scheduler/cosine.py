"""Cosine schedules: annealing, with restarts, and one cycle."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

from .schedule import Curve, Unit


@dataclass(frozen=True)
class CosineAnnealingLR(Curve):
    """lr = eta_min + (base - eta_min) * (1 + cos(pi * t / T_max)) / 2: decay along half a cosine.

    After `T_max` it rises again, as in PyTorch.

    Args:
        T_max: Epochs (or steps) from base to `eta_min`, at least 1; None uses the length of the training.
        eta_min: Minimum learning rate, at least 0.
        by: What t counts, "epoch" or "step".

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Source: Loshchilov and Hutter 2016, arXiv:1608.03983, without restarts.

    Example:
        >>> [round(CosineAnnealingLR(T_max=4).lr(1.0, epoch=epoch), 4) for epoch in range(5)]
        [1.0, 0.8536, 0.5, 0.1464, 0.0]
    """

    T_max: int | None = None
    eta_min: float = 0.0
    _: KW_ONLY
    by: Unit = "epoch"
    _length: ClassVar[str] = "T_max"

    def __post_init__(self) -> None:
        if self.T_max is not None:
            self._check_integer("T_max", 1)
        self._check_number("eta_min")
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        assert self.T_max is not None
        return _between(self.eta_min, base, t / self.T_max)


@dataclass(frozen=True)
class CosineAnnealingWarmRestarts(Curve):
    """Repeated decay along half a cosine, each from base to `eta_min`.

    Args:
        T_0: Epochs (or steps) of the first cycle, at least 1.
        T_mult: Length of each cycle divided by that of the previous one, at least 1.
        eta_min: Minimum learning rate, at least 0.
        by: What t counts, "epoch" or "step".

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Source: Loshchilov and Hutter 2016, arXiv:1608.03983.

    Example:
        >>> [round(CosineAnnealingWarmRestarts(2, 2).lr(1.0, epoch=epoch), 2) for epoch in range(7)]
        [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0]
    """

    T_0: int
    T_mult: int = 1
    eta_min: float = 0.0
    _: KW_ONLY
    by: Unit = "epoch"

    def __post_init__(self) -> None:
        self._check_integer("T_0", 1)
        self._check_integer("T_mult", 1)
        self._check_number("eta_min")
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        length = self.T_0
        if self.T_mult == 1:
            t %= length
        while t >= length:
            t -= length
            length *= self.T_mult
        return _between(self.eta_min, base, t / length)


@dataclass(frozen=True)
class OneCycleLR(Curve):
    """Rises from max_lr / div_factor to max_lr, then decays to max_lr / div_factor / final_div_factor.

    Args:
        max_lr: Maximum learning rate, above 0; None uses the optimizer's and those of its groups.
        total_steps: Length of the cycle, at least 1; None uses the length of the training. Afterwards the
            rate is constant.
        pct_start: Fraction of the cycle in which the rate rises, 0 to 1.
        anneal_strategy: "cos" or "linear".
        div_factor, final_div_factor: Above 0.
        three_phase: Decay to the initial rate in the same number of steps as the rise, then to the final
            rate.
        by: "step" or "epoch".

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Source: Smith and Topin 2017, Super-convergence, arXiv:1708.07120. PyTorch's can change the momentum too
    (`cycle_momentum`); this one does not.

    Example:
        >>> cycle = OneCycleLR(total_steps=5, pct_start=0.6, anneal_strategy="linear", div_factor=4)
        >>> [round(cycle.lr(1.0, step=step), 4) for step in range(5)]
        [0.25, 0.625, 1.0, 0.5, 0.0]
    """

    max_lr: float | None = None
    total_steps: int | None = None
    _: KW_ONLY
    pct_start: float = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    three_phase: bool = False
    by: Unit = "step"
    _length: ClassVar[str] = "total_steps"

    def __post_init__(self) -> None:
        if self.total_steps is not None:
            self._check_integer("total_steps", 1)
        self._check_number("pct_start", 0, 1)
        self._check_choice("anneal_strategy", "cos", "linear")
        for name in ("max_lr", "div_factor", "final_div_factor"):
            if name == "max_lr" and self.max_lr is None:
                continue
            self._check_number(name)
            if getattr(self, name) == 0:
                raise ValueError(f"OneCycleLR: {name} must be above 0, got 0")
        if not isinstance(self.three_phase, bool):
            raise TypeError(f"OneCycleLR: three_phase must be True or False, got {self.three_phase!r}")
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        assert self.total_steps is not None
        top = base if self.max_lr is None else self.max_lr
        first = top / self.div_factor
        rates, ends = [first, top, first / self.final_div_factor], [self.total_steps - 1.0]
        if self.three_phase:
            rates.insert(2, first)
            ends.insert(0, 2 * self.pct_start * self.total_steps - 2)
        ends.insert(0, self.pct_start * self.total_steps - 1)
        t = min(t, self.total_steps - 1)
        phase = next((i for i, end in enumerate(ends) if t <= end), len(ends) - 1)
        start, stop = rates[phase : phase + 2]
        began, end = ([0.0, *ends])[phase : phase + 2]
        done = (t - began) / (end - began) if end != began else 1.0
        return _between(stop, start, done) if self.anneal_strategy == "cos" else start + (stop - start) * done


def _between(low: float, high: float, done: float) -> float:
    """Half a cosine from `high` (done = 0) to `low` (done = 1)."""
    return low + (high - low) * (1 + math.cos(math.pi * done)) / 2
