"""`ReduceLROnPlateau`: reduces the learning rate when validation stops improving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal

from .schedule import Metric, Schedule


@dataclass(frozen=True)
class ReduceLROnPlateau(Schedule):
    """Multiplies the learning rate by `factor` when a validation metric has stopped improving.

    Better is below best * (1 - threshold), for "max" above best * (1 + threshold); with "abs" below
    best - threshold, above best + threshold. NaN is not better.

    Args:
        mode: "min" uses the validation loss, "max" the validation accuracy.
        factor: Factor of the learning rate, at least 0 and below 1.
        patience: Allowed number of epochs without improvement, at least 0: the next one reduces the rate.
        threshold: At least 0.
        threshold_mode: "rel" or "abs".
        cooldown: Number of epochs to ignore after a reduction, at least 0.
        min_lr: Minimum learning rate, at least 0.
        eps: Smaller changes of the rate are skipped, at least 0.
        reductions: Number of reductions so far; set by a `Scheduler`.

    Raises:
        TypeError, ValueError: A setting that is out of range.

    Source: PyTorch's rules; used before, e.g. by He et al. 2015, arXiv:1512.03385, section 3.4: divided by 10
    when the error plateaus.

    Example:
        >>> schedule = ReduceLROnPlateau(patience=1)
        >>> [round(schedule.given([3.0, 2.0, 2.0, 2.0][:n]).lr(1.0), 4) for n in range(5)]
        [1.0, 1.0, 1.0, 1.0, 0.1]
    """

    mode: Literal["min", "max"] = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: int = 0
    min_lr: float = 0.0
    eps: float = 1e-8
    _: KW_ONLY
    reductions: int = 0

    def __post_init__(self) -> None:
        self._check_choice("mode", "min", "max")
        self._check_number("factor", 0, 1, below=True)
        self._check_integer("patience", 0)
        self._check_number("threshold")
        self._check_choice("threshold_mode", "rel", "abs")
        self._check_integer("cooldown", 0)
        self._check_number("min_lr")
        self._check_number("eps")
        self._check_integer("reductions", 0)

    @property
    def watches(self) -> Metric:  # type: ignore[override]
        return "loss" if self.mode == "min" else "accuracy"

    def lr(self, base: float, *, step: int = 0, epoch: int = 0) -> float:
        rate = base
        for _ in range(self.reductions):
            lower = max(rate * self.factor, self.min_lr)
            if rate - lower > self.eps:
                rate = lower
        return rate

    def given(self, metrics: Sequence[float]) -> Schedule:
        best = float("inf") if self.mode == "min" else -float("inf")
        reductions = bad = cooldown = 0
        for metric in metrics:
            if self._better(metric, best):
                best, bad = metric, 0
            else:
                bad += 1
            if cooldown > 0:
                cooldown, bad = cooldown - 1, 0
            if bad > self.patience:
                reductions, cooldown, bad = reductions + 1, self.cooldown, 0
        return replace(self, reductions=reductions)

    def _better(self, metric: float, best: float) -> bool:
        margin = self.threshold if self.mode == "max" else -self.threshold
        bar = best * (1 + margin) if self.threshold_mode == "rel" else best + margin
        return metric > bar if self.mode == "max" else metric < bar
