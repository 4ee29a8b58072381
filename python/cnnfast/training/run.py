"""`Run`: the loop over epochs and steps of one call of `fit`. No arithmetic on images is done here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import NonFiniteError
from ..optim.lr_scheduler import Schedule, Scheduler
from .best import Best
from .history import EpochMean, EpochRecord, History
from .interrupt import Interrupt
from .order import epoch_order
from .progress import Progress
from .samples import Samples
from .trainer import Trainer
from .validation import Validation


@dataclass(frozen=True, eq=False)
class Settings:
    """Settings of a run.

    Args:
        epochs: Number of passes over the training samples.
        batches: Positions of each batch in the order of an epoch.
        order_seed: Seed of the order; None keeps that of the data.
        micro_batch: As in `Trainer.step`.
        schedule: None for a constant learning rate.
    """

    epochs: int
    batches: tuple[slice, ...]
    order_seed: int | None
    micro_batch: int | None
    schedule: Schedule | None


class Run:
    """State of one call of `fit`: history, best weights so far, schedule.

    Args:
        trainer: Performs the steps.
        part: Training samples.
        held: Validation samples, if any.
        settings: All other settings.
        on_epoch: Called with each epoch's record.
    """

    def __init__(
        self,
        trainer: Trainer,
        part: Samples,
        held: Samples | None,
        settings: Settings,
        on_epoch: Callable[[EpochRecord], object] | None,
    ) -> None:
        self._trainer, self._part, self._settings = trainer, part, settings
        self._validation = None if held is None else Validation(trainer.model, held, trainer.loss)
        self._on_epoch = on_epoch
        self._scheduler: Scheduler | None = None
        self._history = History()
        self._best = Best()
        self._interrupt = Interrupt()

    def train(self, display: Progress) -> History:
        history = self._history
        with self._interrupt, display:
            try:
                self._epochs(display)
            except KeyboardInterrupt:
                history.stopped = "interrupted"
            except NonFiniteError as error:
                history.stopped = "non-finite"
                error.history = history
                raise
            finally:
                if self._best.weights is not None:
                    self._trainer.model.flat_parameters[:] = self._best.weights
                    self._trainer.model.mark_changed()
                if self._scheduler is not None:
                    self._scheduler.give_back()
        if self._interrupt.requested:  # a signal during the last step is recorded too
            history.stopped = "interrupted"
        return history

    def _epochs(self, display: Progress) -> None:
        settings = self._settings
        if settings.schedule is not None:
            self._scheduler = Scheduler(
                self._trainer.optimizer,
                settings.schedule,
                epochs=settings.epochs,
                steps_per_epoch=len(settings.batches),
            )
        for epoch in range(1, settings.epochs + 1):
            record = self._one_epoch(epoch, display)
            if record is None:
                break
            self._history.epochs.append(record)
            display.epoch(record)
            if self._on_epoch is not None:
                self._on_epoch(record)

    def _one_epoch(self, epoch: int, display: Progress) -> EpochRecord | None:
        """Train one epoch; None if interrupted."""
        part, trainer = self._part, self._trainer
        trainer.epoch = epoch
        plan, x = trainer.model.prepare(part.x)
        order = epoch_order(part, self._settings.order_seed, epoch)
        mean = EpochMean(trainer.loss.is_classification)
        skipped = trainer.skipped
        began = time.perf_counter()
        for batch in self._settings.batches:
            if self._interrupt.requested:
                return None
            mean.add(trainer.step_checked(plan, x, part.y, order[batch], self._settings.micro_batch))
            if self._scheduler is not None:
                self._scheduler.after_step()
            display.batch(epoch, batch.stop, mean.loss, mean.accuracy)
        seconds = time.perf_counter() - began
        score: tuple[float, float | None] | None = None
        if self._validation is not None and (score := self._validate(epoch, self._validation)) is None:
            return None
        val_loss, val_accuracy = (None, None) if score is None else score
        if self._scheduler is not None:
            self._scheduler.after_epoch(
                val_loss if self._scheduler.schedule.watches == "loss" else val_accuracy
            )
        speed = len(order) / seconds
        skipped = trainer.skipped - skipped
        return EpochRecord(epoch, mean.loss, mean.accuracy, val_loss, val_accuracy, seconds, speed, skipped)

    def _validate(self, epoch: int, validation: Validation) -> tuple[float, float | None] | None:
        """Returns (loss, accuracy or None) and keeps the weights if they are the best so far; None if
        interrupted.
        """
        metrics = validation.measure(lambda: self._interrupt.requested)
        if metrics is None:
            return None
        loss, accuracy = metrics.loss, metrics.accuracy
        if self._best.offer(epoch, loss, accuracy, self._trainer.model.flat_parameters):
            self._history.best_epoch = epoch
        return loss, accuracy
