"""`RunState`: what a training is at, and the record of an epoch. A checkpoint holds this state."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import replace

from ..optim.lr_scheduler import Scheduler
from .average import WeightAverage
from .best import Best
from .callbacks.callback import Callback, Context
from .history import EpochRecord, History, StepHistory
from .interrupt import Interrupt
from .pace import Pace
from .position import Position
from .settings import Settings
from .stream import Stream
from .trainer import Trainer
from .validation import Validation, metric_names


class RunState:
    """State of one call of `fit`; the arguments are those of `Run`."""

    def __init__(
        self,
        trainer: Trainer,
        validation: Validation | None,
        settings: Settings,
        callbacks: Sequence[Callback],
        stream: Stream | None,
    ) -> None:
        self.trainer, self.settings, self.callbacks = trainer, settings, callbacks
        self._validation, self._stream = validation, stream
        self.history = History(stopped="running", steps=StepHistory() if settings.history_steps else None)
        self.position, self.best = Position(trainer.loss.is_classification), Best()
        self.average = None if settings.ema is None else WeightAverage(trainer.model, settings.ema)
        self.scheduler: Scheduler | None = None
        per_epoch = len(settings.batches)
        limit = settings.time_limit
        self.pace = None if limit is None else Pace(limit, settings.epochs, per_epoch)
        names = metric_names(trainer.loss.is_classification, validation)
        self.context = Context(trainer, self.history, settings.epochs, per_epoch, names)
        self._interrupt = Interrupt()

    def _record(self) -> EpochRecord | None:
        """Validate and record the epoch; None if interrupted."""
        position, history = self.position, self.history
        record = EpochRecord(
            position.epoch,
            position.mean.loss,
            position.mean.accuracy,
            None,
            None,
            position.seconds,
            self._images_done() / position.seconds,
            position.skipped,
            position.lr,
        )
        if self._validation is not None:
            validated = self._validate(record, self._validation)
            if validated is None:
                return None
            record = validated
        if self.scheduler is not None:
            is_loss = self.scheduler.schedule.watches == "loss"
            self.scheduler.after_epoch(record.val_loss if is_loss else record.val_accuracy)
        history.epochs.append(record)
        return record

    def _validate(self, record: EpochRecord, validation: Validation) -> EpochRecord | None:
        """The record with the results of the validation; keeps the weights if they are the best so far."""
        began = time.perf_counter()
        found = validation.measure(lambda: self._interrupt.requested)
        if found is None:
            return None
        seconds = time.perf_counter() - began
        if self.pace is not None:
            self.pace.reserve(seconds)
        accuracy = -math.inf if found.accuracy is None or math.isnan(found.accuracy) else found.accuracy
        score = (accuracy, -found.loss if math.isfinite(found.loss) else -math.inf)
        if self.best.offer(record.epoch, score, self.trainer.model.flat_parameters):
            self.history.best_epoch = record.epoch
        return replace(
            record,
            val_loss=found.loss,
            val_accuracy=found.accuracy,
            val_seconds=seconds,
            val_metrics=validation.named(found),
        )

    def _images_done(self) -> int:
        """Number of images of the epoch so far."""
        if self._stream is not None:
            return self._stream.rows_of_epoch
        batch = self.position.batch
        return self.settings.batches[batch - 1].stop if batch > 0 else 0

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        """Context manager: the model has the averaged weights, if there are any."""
        return contextlib.nullcontext() if self.average is None else self.average.applied()
