"""`Pace`: ends a training after a time, and fits its learning rate schedule into that time."""

from __future__ import annotations

import math
import time

from ..optim.lr_scheduler import Scheduler

#: The length of the training is estimated again whenever its progress has grown by this.
_PROGRESS = 1e-3
#: Steps of a training whose length is unknown before its first step.
_UNKNOWN = 10**9


class Pace:
    """Measures the progress of a training of limited time: the fraction of its time that has passed, or of
    its epochs if that is more.

    A schedule whose length is None is planned for `steps / progress` steps. So it goes through all of its
    rates in the given time, however fast the steps are, and steps that it counts itself (such as a warm-up of
    100 steps) remain steps.

    Args:
        limit: Seconds, with validation.
        epochs: Maximum number of epochs; None is unlimited.
        steps_per_epoch: Number of batches in an epoch.
    """

    def __init__(self, limit: float, epochs: int | None, steps_per_epoch: int) -> None:
        self._limit, self._steps_per_epoch = limit, steps_per_epoch
        self._most = None if epochs is None else epochs * steps_per_epoch
        #: Time of a validation, which the training needs at its end.
        self._reserve = 0.0
        self._progress = self._planned = 0.0
        self._began = time.perf_counter()

    def start(self, elapsed: float = 0.0) -> None:
        """Start the clock; `elapsed` seconds have passed before."""
        self._began = time.perf_counter() - elapsed

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._began

    def reserve(self, seconds: float) -> None:
        """Plan with a validation of this length at the end."""
        self._reserve = max(self._reserve, seconds)

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.elapsed + self._reserve >= self._limit

    def plan(self, step: int, scheduler: Scheduler | None) -> None:
        """Plan a schedule after `step` steps."""
        rest = self._limit - self._reserve
        passed = self.elapsed / rest if rest > 0 else 1.0
        done = 0.0 if self._most is None else step / self._most
        self._progress = min(1.0, max(self._progress, passed, done))
        if scheduler is None or (step > 0 and self._progress - self._planned < _PROGRESS):
            return
        self._planned = self._progress
        total = _UNKNOWN if step == 0 else max(step, round(step / max(self._progress, 1e-9)))
        if self._most is not None:
            total = min(total, self._most)
        scheduler.plan(steps=total, epochs=math.ceil(total / self._steps_per_epoch))
