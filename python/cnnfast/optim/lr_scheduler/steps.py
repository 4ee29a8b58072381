"""Schedules that multiply the learning rate by a factor, periodically or at milestones."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from .schedule import Curve, Unit


@dataclass(frozen=True)
class StepLR(Curve):
    """lr = base * gamma^floor(t / step_size): multiplied by gamma every `step_size` epochs.

    Args:
        step_size: Epochs (or steps) between two reductions, at least 1.
        gamma: Factor of each, at least 0.
        by: What t counts, "epoch" or "step".

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Example:
        >>> [StepLR(step_size=2).lr(1.0, epoch=epoch) for epoch in range(4)]
        [1.0, 1.0, 0.1, 0.1]
    """

    step_size: int
    gamma: float = 0.1
    _: KW_ONLY
    by: Unit = "epoch"

    def __post_init__(self) -> None:
        self._check_integer("step_size", 1)
        self._check_number("gamma")
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        return base * self.gamma ** (t // self.step_size)


@dataclass(frozen=True)
class MultiStepLR(Curve):
    """lr = base * gamma^(number of milestones reached).

    Args:
        milestones: Epochs (or steps) after which the rate is multiplied by gamma, increasing; duplicates
            count twice.
        gamma: Factor of each, at least 0.
        by: What t counts, "epoch" or "step".

    Raises:
        TypeError, ValueError: A setting that is out of range, milestones that do not increase.

    Example:
        >>> [MultiStepLR([1, 3], gamma=0.5).lr(1.0, epoch=epoch) for epoch in range(4)]
        [1.0, 0.5, 0.5, 0.25]
    """

    milestones: Sequence[int]
    gamma: float = 0.1
    _: KW_ONLY
    by: Unit = "epoch"

    def __post_init__(self) -> None:
        self._check_increasing("milestones", strictly=False)
        self._check_number("gamma")
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        return float(base * self.gamma ** bisect_right(self.milestones, t))


@dataclass(frozen=True)
class ExponentialLR(Curve):
    """lr = base * gamma^t.

    Args:
        gamma: Factor of each epoch (or step), at least 0.
        by: What t counts, "epoch" or "step".

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Example:
        >>> [ExponentialLR(gamma=0.5).lr(1.0, epoch=epoch) for epoch in range(3)]
        [1.0, 0.5, 0.25]
    """

    gamma: float
    _: KW_ONLY
    by: Unit = "epoch"

    def __post_init__(self) -> None:
        self._check_number("gamma")
        self._check_unit()

    def _at(self, base: float, t: int) -> float:
        return float(base * self.gamma**t)
