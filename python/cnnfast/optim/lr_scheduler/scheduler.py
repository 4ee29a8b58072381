"""`Scheduler`: applies a schedule to an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..._checks import check_integer, check_number, type_of
from .schedule import Schedule, from_config

if TYPE_CHECKING:
    from ..optimizer import Optimizer

_INFINITY = float("inf")


class Scheduler:
    """Counts steps and epochs, and sets the optimizer's learning rates by a schedule.

    `fit` uses one for each training. In a custom training loop, call `after_step` after each step and
    `after_epoch` after each epoch. A learning rate set by hand applies to the next step, and all later rates
    are scaled by its ratio to the schedule's rate (if that is 0, it becomes the schedule's base rate).

    Args:
        optimizer: Its current rate, and those of its groups, are the base rates of the schedule.
        schedule: One of this module.
        epochs, steps_per_epoch: Length of the training, for a schedule whose length is None.

    Raises:
        TypeError, ValueError: Not an optimizer, not a schedule, or one of unknown length.

    Example:
        >>> from cnnfast import optim
        >>> optimizer = optim.SGD(lr=0.1)
        >>> scheduler = Scheduler(optimizer, optim.lr_scheduler.StepLR(step_size=1))
        >>> scheduler.after_epoch()
        >>> round(optimizer.lr, 4)
        0.01
        >>> scheduler.give_back()
        >>> optimizer.lr
        0.1
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedule: Schedule,
        *,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
    ) -> None:
        from ..optimizer import check_optimizer

        check_optimizer("Scheduler", optimizer)
        if not isinstance(schedule, Schedule):
            raise TypeError(f"Scheduler: schedule must be one of optim.lr_scheduler, got {type_of(schedule)}")
        if epochs is not None:
            epochs = check_integer("Scheduler", "epochs", epochs, 1)
        if steps_per_epoch is not None:
            steps_per_epoch = check_integer("Scheduler", "steps_per_epoch", steps_per_epoch, 1)
        steps = None if epochs is None or steps_per_epoch is None else epochs * steps_per_epoch
        self._optimizer = optimizer
        self._unplanned, self._schedule = schedule, schedule.planned(steps=steps, epochs=epochs)
        self._bases = optimizer.learning_rates()
        self._steps = self._epochs = 0
        self._metrics: list[float] = []
        self._now = self._schedule.given(self._metrics)
        self._set: list[float] | None = None  # the rates this scheduler set last
        self._apply()

    @property
    def schedule(self) -> Schedule:
        """The schedule, with its length filled in."""
        return self._schedule

    @property
    def steps(self) -> int:
        """Steps counted so far."""
        return self._steps

    @property
    def epochs(self) -> int:
        """Epochs counted so far."""
        return self._epochs

    def plan(self, *, steps: int, epochs: int) -> None:
        """Set the length of the training again, for a schedule whose length is None; applies from the next
        `after_step` or `after_epoch` on.
        """
        self._schedule = self._unplanned.planned(steps=steps, epochs=epochs)
        self._now = self._schedule.given(self._metrics)

    def after_step(self) -> None:
        """Call after each step: sets the learning rates of the next step."""
        self._steps += 1
        self._apply()

    def after_epoch(self, metric: float | None = None) -> None:
        """Call after each epoch: sets the learning rates of the next epoch.

        Args:
            metric: The metric that the schedule `watches`: the validation loss or accuracy.

        Raises:
            TypeError, ValueError: The schedule needs a metric and got none.
        """
        watched = self._schedule.watches
        if watched is not None:
            if metric is None:
                raise ValueError(f"Scheduler: after_epoch needs the validation {watched} for this schedule")
            self._metrics.append(float(metric))
            self._now = self._schedule.given(self._metrics)
        self._epochs += 1
        self._apply()

    def give_back(self) -> None:
        """Restores the rates from before the schedule, scaled by the changes made by hand."""
        self._take_over()
        self._optimizer.set_learning_rates(self._bases)

    def state_dict(self) -> dict[str, Any]:
        """The schedule and its progress, as plain data."""
        return {
            "schedule": self._schedule.to_config(),
            "bases": list(self._bases),
            "steps": self._steps,
            "epochs": self._epochs,
            "metrics": list(self._metrics),
            "set": self._set,
            "rates": self._optimizer.learning_rates(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from `state_dict()`, and set the optimizer's learning rates to those of that state.

        Raises:
            TypeError, ValueError: Not such a state, or of an optimizer with other groups.
        """
        if not isinstance(state, Mapping) or set(state) != set(self.state_dict()):
            raise ValueError("Scheduler: state must be what state_dict() returned")
        schedule = from_config(state["schedule"])
        bases = [check_number("Scheduler", "bases", base, 0, _INFINITY) for base in state["bases"]]
        if len(bases) != len(self._bases):
            raise ValueError(
                f"Scheduler: the state is of {len(bases)} learning rates, "
                f"the optimizer has {len(self._bases)}"
            )
        steps = check_integer("Scheduler", "steps", state["steps"], 0)
        epochs = check_integer("Scheduler", "epochs", state["epochs"], 0)
        metrics = [float(metric) for metric in state["metrics"]]
        rates, own = (
            [check_number("Scheduler", name, rate, 0, _INFINITY) for rate in state[name]]
            for name in ("rates", "set")
        )
        if {len(rates), len(own)} != {len(bases)}:
            raise ValueError(f"Scheduler: the state must have {len(bases)} rates")
        if schedule.watches is not None and len(metrics) != epochs:
            raise ValueError(f"Scheduler: the state has {epochs} epochs, but {len(metrics)} metrics")
        self._schedule, self._bases, self._metrics = schedule, bases, metrics
        self._steps, self._epochs, self._now = steps, epochs, schedule.given(metrics)
        self._optimizer.set_learning_rates(rates)
        self._set = own

    def _apply(self) -> None:
        self._take_over()
        now, step, epoch = self._now, self._steps, self._epochs
        self._optimizer.set_learning_rates([now.lr(base, step=step, epoch=epoch) for base in self._bases])
        self._set = self._optimizer.learning_rates()

    def _take_over(self) -> None:
        """Scales all following rates by the changes made by hand since this scheduler set them last."""
        found = self._optimizer.learning_rates()
        if self._set is None or found == self._set:
            return
        if len(found) != len(self._set):
            raise ValueError(
                f"Scheduler: the optimizer had {len(self._set)} learning rates and has {len(found)} now; "
                "create a new scheduler after loading other groups"
            )
        for i, (rate, own) in enumerate(zip(found, self._set, strict=True)):
            if rate != own:
                self._bases[i] = self._bases[i] * rate / own if own > 0 else rate
        self._set = found
