"""`Position`: where a training is, and the sums of the epoch it is in."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from .accumulator import BatchResult
from .history import EpochMean


class Position:
    """Where a training is.

    Args:
        is_classification: Whether targets are classes.

    Attributes:
        epoch: The current epoch, starting at 1.
        batch: Number of completed batches of this epoch.
        step: Number of completed batches of the training.
        mean: Loss and accuracy of this epoch so far.
        skipped: Number of skipped steps of this epoch.
        lr: Learning rate of the last step.
    """

    def __init__(self, is_classification: bool) -> None:
        self.epoch, self.batch, self.step = 1, 0, 0
        self.lr = 0.0
        self._of_classes = is_classification
        self._begin()

    def _begin(self) -> None:
        self.batch, self.skipped = 0, 0
        self.mean = EpochMean(self._of_classes)
        self._seconds = 0.0
        self._began: float | None = None

    def add(self, result: BatchResult, lr: float) -> None:
        """Count a step."""
        self.batch += 1
        self.step += 1
        self.lr = lr
        self.mean.add(result)
        if result.weight == 0:
            self.skipped += 1

    def next_epoch(self) -> None:
        self.epoch += 1
        self._begin()

    def start_clock(self) -> None:
        self._began = time.perf_counter()

    def stop_clock(self) -> None:
        self._seconds, self._began = self.seconds, None

    @property
    def seconds(self) -> float:
        """Time for the steps of this epoch so far."""
        running = 0.0 if self._began is None else time.perf_counter() - self._began
        return self._seconds + running

    def state_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "step": self.step,
            "lr": self.lr,
            "skipped": self.skipped,
            "seconds": self.seconds,
            "mean": self.mean.state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.epoch, self.batch, self.step = (int(state[name]) for name in ("epoch", "batch", "step"))
        self.lr, self.skipped = float(state["lr"]), int(state["skipped"])
        self._seconds = float(state["seconds"])
        self.mean.load_state(state["mean"])
