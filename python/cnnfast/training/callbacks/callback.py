"""`Callback`: methods that `fit` calls at certain moments, with a `Context` that shows the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._checks import type_of
from ...nn import Module
from ...optim import Optimizer
from ..history import History
from ..trainer import Trainer


class Context:
    """What a callback sees of the training, and how it ends it.

    Attributes:
        trainer, model, optimizer: As they are at this moment. In `on_epoch_end` the model has the weights
            that were validated: with an exponential moving average the averaged ones, and changes to them
            are not kept.
        history: The records so far.
        epochs: Number of epochs planned; None if only the time is limited.
        steps_per_epoch: Number of batches in an epoch.
        epoch: The current epoch, starting at 1.
        step: Number of completed steps in the whole training.
        metrics: Names in `logs` at the end of an epoch.
        logs: At the end of a batch its "loss", "accuracy" (of classes) and "lr"; at the end of an epoch the
            entries of its record, such as "val_loss"; otherwise empty.
        stop_reason: What `stop` was called with; None if the training goes on.
    """

    def __init__(
        self,
        trainer: Trainer,
        history: History,
        epochs: int | None,
        steps_per_epoch: int,
        metrics: tuple[str, ...],
    ) -> None:
        self.trainer, self.history = trainer, history
        self.epochs, self.steps_per_epoch, self.metrics = epochs, steps_per_epoch, metrics
        self.epoch, self.step = 1, 0
        self.logs: dict[str, float] = {}
        self.stop_reason: str | None = None

    @property
    def model(self) -> Module:
        return self.trainer.model

    @property
    def optimizer(self) -> Optimizer:
        return self.trainer.optimizer

    def stop(self, reason: str = "callback") -> None:
        """End the training after the current step; an epoch with at least one step is validated and recorded.

        Args:
            reason: `History.stopped` of the training.
        """
        if not isinstance(reason, str) or not reason:
            raise TypeError(f"stop: reason must be a text, got {type_of(reason)}")
        self.stop_reason = reason


class Callback:
    """Base class: override the moments you need; the others cost nothing.

    The learning rate, and any other setting of the optimizer, may be set at every moment and applies from the
    next step on; the rest of a schedule is scaled by the same factor. An exception ends the training.

    A training that is resumed from a checkpoint calls `on_train_begin`, then `load_state_dict` with what
    `state_dict` returned at the checkpoint, and continues with the next moment.

    Example:
        >>> import cnnfast as cf
        >>> class Halve(cf.Callback):
        ...     def on_epoch_end(self, context):
        ...         context.optimizer.lr *= 0.5
        ...         if context.logs["accuracy"] > 0.99:
        ...             context.stop("accurate")
        >>> model, data = cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(128, seed=0)
        >>> history = cf.fit(model, data, epochs=2, callbacks=[Halve()], progress=False)
        >>> [record.lr for record in history.epochs]
        [0.001, 0.0005]
    """

    def on_train_begin(self, context: Context) -> None:
        """Before the first epoch."""

    def on_train_end(self, context: Context) -> None:
        """After the training, however it ends; the model has its final weights."""

    def on_epoch_begin(self, context: Context) -> None:
        """Before the first step of an epoch."""

    def on_epoch_end(self, context: Context) -> None:
        """After the validation of an epoch."""

    def on_batch_begin(self, context: Context) -> None:
        """Before a step."""

    def on_batch_end(self, context: Context) -> None:
        """After a step, and after the schedule has set the learning rate of the next one."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep: data for JSON, and arrays of float32 or float64, by name."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""


def stateful(callbacks: Sequence[Callback]) -> list[Callback]:
    """The callbacks with a state of their own."""
    return [each for each in callbacks if type(each).state_dict is not Callback.state_dict]


def check_callbacks(who: str, values: object) -> tuple[Callback, ...]:
    """Raises TypeError for anything but a list of callbacks."""
    if isinstance(values, Callback) or not isinstance(values, list | tuple):
        raise TypeError(f"{who}: callbacks must be a list of Callback, got {type_of(values)}")
    for value in values:
        if isinstance(value, type) and issubclass(value, Callback):
            raise TypeError(
                f"{who}: callbacks must hold Callback, got the class {value.__name__}; "
                f"write {value.__name__}(...)"
            )
        if not isinstance(value, Callback):
            raise TypeError(f"{who}: callbacks must hold Callback, got {type_of(value)}")
        if sum(value is other for other in values) > 1:
            raise ValueError(f"{who}: callbacks hold the same {type(value).__name__} twice")
    return tuple(values)
