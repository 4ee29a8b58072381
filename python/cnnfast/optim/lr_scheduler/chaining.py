"""Combinations of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..._checks import type_of
from .schedule import Metric, Schedule


@dataclass(frozen=True)
class _Several(Schedule, registered=False):
    schedules: Sequence[Schedule]

    def __post_init__(self) -> None:
        who = type(self).__name__
        if not isinstance(self.schedules, tuple | list) or not self.schedules:
            raise TypeError(f"{who}: schedules must be a list of schedules, got {self.schedules!r}")
        for schedule in self.schedules:
            if not isinstance(schedule, Schedule):
                raise TypeError(f"{who}: schedules must hold schedules, got {type_of(schedule)}")
        object.__setattr__(self, "schedules", tuple(self.schedules))
        watched = {schedule.watches for schedule in self.schedules} - {None}
        if len(watched) > 1:
            raise ValueError(f"{who}: its schedules use different metrics, loss and accuracy")

    @property
    def watches(self) -> Metric | None:  # type: ignore[override]
        return next((s.watches for s in self.schedules if s.watches is not None), None)

    def given(self, metrics: Sequence[float]) -> Schedule:
        if self.watches is None:
            return self
        return replace(self, schedules=tuple(schedule.given(metrics) for schedule in self.schedules))


@dataclass(frozen=True)
class ChainedScheduler(_Several):
    """All at once: each schedule starts from the learning rate of the previous one.

    For schedules that multiply, which most do, this is the product of their factors, as in PyTorch. Schedules
    that count steps and ones that count epochs can be combined.

    Args:
        schedules: At least one.

    Raises:
        TypeError: Something that is not a schedule.
        ValueError: Two that use different validation metrics.

    Example:
        >>> from cnnfast.optim.lr_scheduler import LinearLR, ReduceLROnPlateau, StepLR
        >>> warm = ChainedScheduler([LinearLR(0.5, total_iters=2, by="step"), StepLR(1)])
        >>> [warm.lr(1.0, step=step, epoch=step // 2) for step in range(4)]
        [0.5, 0.75, 0.1, 0.1]
    """

    def lr(self, base: float, *, step: int = 0, epoch: int = 0) -> float:
        for schedule in self.schedules:
            base = schedule.lr(base, step=step, epoch=epoch)
        return base

    def planned(self, *, steps: int | None = None, epochs: int | None = None) -> Schedule:
        return ChainedScheduler(tuple(s.planned(steps=steps, epochs=epochs) for s in self.schedules))


@dataclass(frozen=True)
class SequentialLR(_Several):
    """One after the other: at each milestone the next schedule starts, counting from 0.

    Args:
        schedules: At least one, all counting the same thing ("epoch" or "step").
        milestones: Start of the second, third, … schedule, in epochs or steps; increasing, one less than the
            number of schedules.

    Raises:
        TypeError: Something that is not a schedule.
        ValueError: Another number of milestones, milestones that do not increase, or schedules that count
            different things or nothing (`ReduceLROnPlateau`): use a `ChainedScheduler` for those.

    Example:
        >>> from cnnfast.optim.lr_scheduler import CosineAnnealingLR, LinearLR
        >>> warm = SequentialLR([LinearLR(0.5, total_iters=2), CosineAnnealingLR()], milestones=[2])
        >>> [round(warm.planned(epochs=6).lr(1.0, epoch=epoch), 4) for epoch in range(6)]
        [0.5, 0.75, 1.0, 0.8536, 0.5, 0.1464]
    """

    milestones: Sequence[int]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_increasing("milestones", strictly=True)
        if len(self.milestones) != len(self.schedules) - 1:
            raise ValueError(
                f"SequentialLR: {len(self.schedules)} schedules need {len(self.schedules) - 1} milestones, "
                f"got {list(self.milestones)}"
            )
        if len({getattr(schedule, "by", None) for schedule in self.schedules}) != 1 or self.by is None:
            raise ValueError(
                "SequentialLR: its schedules must all count epochs, or all steps; "
                "ChainedScheduler accepts any combination"
            )

    @property
    def by(self) -> str | None:
        return getattr(self.schedules[0], "by", None)

    def lr(self, base: float, *, step: int = 0, epoch: int = 0) -> float:
        t = step if self.by == "step" else epoch
        position = bisect_right(self.milestones, t)
        t -= self.milestones[position - 1] if position else 0
        return self.schedules[position].lr(base, step=t, epoch=t)

    def planned(self, *, steps: int | None = None, epochs: int | None = None) -> Schedule:
        length = steps if self.by == "step" else epochs
        ends = [*self.milestones, None if length is None else max(length, *self.milestones, 1)]
        parts, began = [], 0
        for schedule, end in zip(self.schedules, ends, strict=True):
            part = None if end is None else max(end - began, 1)
            parts.append(schedule.planned(steps=part, epochs=part))
            began = end or 0
        return SequentialLR(tuple(parts), self.milestones)
