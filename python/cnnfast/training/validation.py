"""`Validation`: loss and metrics of the model after an epoch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..losses import IGNORED, CrossEntropy, Loss
from ..nn import Module
from .metrics import Metrics, measure, metrics_for
from .samples import Samples

#: Images at a time.
_BATCH = 1024


class Validation:
    """Evaluates a model on the validation samples.

    Args:
        model: As it is when `measure` is called.
        held: The samples.
        loss: The loss of the training; for class targets, validation uses the unweighted cross entropy.
    """

    def __init__(self, model: Module, held: Samples, loss: Loss) -> None:
        self._model, self._held = model, held
        if held.y.dtype == np.int64:
            loss = CrossEntropy(ignore_index=getattr(loss, "ignore_index", IGNORED))
        self._loss = loss

    def measure(self, stop: Callable[[], bool]) -> Metrics | None:
        """The metrics; None if `stop` returned True between two batches."""
        model, held = self._model, self._held
        outputs = model.plan_for(held.x.shape[1:]).output_shape[0]
        metrics = metrics_for(model.task_for("fit", outputs), model.output_kind, self._loss)
        return metrics if measure(model, held, metrics, _BATCH, stop) else None
