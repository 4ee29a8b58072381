"""Schedules of limited length: warm-up, and polynomial decay."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from .schedule import Curve, Unit


@dataclass(frozen=True)
class ConstantLR(Curve):
    """lr = base * factor for `total_iters` epochs, then base.

    Args:
        factor: At least 0 and at most 1.
        total_iters: Number of epochs (or steps), at least 1.
        by: What t counts, "epoch" or "step".

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Example:
        >>> [ConstantLR(factor=0.5, total_iters=1).lr(1.0, epoch=epoch) for epoch in range(2)]
        [0.5, 1.0]
    """

    factor: float = 1 / 3
    total_iters: int = 5
    _: KW_ONLY
    by: Unit = "epoch"

    def __post_init__(self) -> None:
        self._check_number("factor", 0, 1)
        self._check_integer("total_iters", 1)
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        return base * self.factor if t < self.total_iters else base


@dataclass(frozen=True)
class LinearLR(Curve):
    """Warm-up (or cool-down): base times a factor that changes linearly from `start_factor` to `end_factor`
    in `total_iters` epochs, and is constant afterwards.

    Args:
        start_factor: Above 0 and at most 1.
        end_factor: At least 0 and at most 1.
        total_iters: Number of epochs (or steps), at least 1.
        by: What t counts, "epoch" or "step".

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Source: Goyal et al. 2017, Accurate, large minibatch SGD, arXiv:1706.02677, section 2.2.

    Example:
        >>> [LinearLR(0.25, total_iters=3, by="step").lr(1.0, step=step) for step in range(5)]
        [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    start_factor: float = 1 / 3
    end_factor: float = 1.0
    total_iters: int = 5
    _: KW_ONLY
    by: Unit = "epoch"

    def __post_init__(self) -> None:
        self._check_number("start_factor", 0, 1)
        if self.start_factor == 0:
            raise ValueError("LinearLR: start_factor must be above 0 and at most 1, got 0")
        self._check_number("end_factor", 0, 1)
        self._check_integer("total_iters", 1)
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        done = min(t, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)


@dataclass(frozen=True)
class PolynomialLR(Curve):
    """lr = base * (1 - t / total_iters)^power, and 0 after `total_iters`.

    Args:
        total_iters: Number of epochs (or steps), at least 1; None uses the length of the training.
        power: At least 0.
        by: What t counts, "epoch" or "step".

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Example:
        >>> [PolynomialLR(total_iters=4).lr(1.0, epoch=epoch) for epoch in range(6)]
        [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    total_iters: int | None = None
    power: float = 1.0
    _: KW_ONLY
    by: Unit = "epoch"
    _length: ClassVar[str] = "total_iters"

    def __post_init__(self) -> None:
        if self.total_iters is not None:
            self._check_integer("total_iters", 1)
        self._check_number("power")
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        assert self.total_iters is not None
        return float(base * (1 - min(t, self.total_iters) / self.total_iters) ** self.power)
