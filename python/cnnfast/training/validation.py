"""`Validation`: loss and metrics of the model after an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..losses import IGNORED, CrossEntropy, Loss
from ..nn import Module
from .metrics import Metrics, measure, metrics_for
from .named_metrics import check_metrics, named
from .samples import Samples

#: Images at a time.
_BATCH = 1024


class Validation:
    """Evaluates a model on the validation samples.

    Args:
        model: As it is when `measure` is called.
        held: The samples.
        loss: The loss of the training; for class targets, validation uses the unweighted cross entropy.
        metrics: Names of metrics to compute.

    Raises:
        TypeError, ValueError: Metrics that the model's task does not have.
    """

    def __init__(self, model: Module, held: Samples, loss: Loss, metrics: Sequence[str] = ()) -> None:
        self._model, self._held = model, held
        outputs = model.plan_for(held.x.shape[1:]).output_shape[0]
        self._task = model.task_for("fit", outputs)
        self._metrics = check_metrics("fit", metrics, self._task, outputs)
        if held.y.dtype == np.int64:
            loss = CrossEntropy(ignore_index=getattr(loss, "ignore_index", IGNORED))
        self._loss = loss

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its results in the records of epochs."""
        accuracy = () if self._task == "regression" else ("val_accuracy",)
        return ("val_loss", *accuracy, *(f"val_{name}" for name in self._metrics))

    def named(self, found: Metrics) -> dict[str, float]:
        """The metrics that were asked for."""
        return {name: named(name, found, self._task) for name in self._metrics}

    def measure(self, stop: Callable[[], bool]) -> Metrics | None:
        """The metrics; None if `stop` returned True between two batches."""
        model, held = self._model, self._held
        metrics = metrics_for(self._task, model.output_kind, self._loss)
        return metrics if measure(model, held, metrics, _BATCH, stop) else None


def metric_names(of_classes: bool, validation: Validation | None) -> tuple[str, ...]:
    """Names in `EpochRecord.logs`, for targets that are classes or not."""
    accuracy = ("accuracy",) if of_classes else ()
    validated, timed = ((), ()) if validation is None else (validation.names, ("val_seconds",))
    return ("loss", *accuracy, *validated, "lr", "seconds", *timed, "images_per_second", "skipped_steps")
