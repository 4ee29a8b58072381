"""`History`: the record of a training run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from .accumulator import BatchResult

from .._json import plain

#: Values of `History.stopped` of a training that did not go as far as it was meant to.
INCOMPLETE = ("running", "interrupted", "non-finite")


@dataclass(frozen=True)
class EpochRecord:
    """One pass over the training data.

    Args:
        epoch: Starts at 1.
        loss: Mean over the training images (or positions of a map of classes), each before the update of its
            batch, weighted as the loss defines.
        accuracy: Fraction of correct predictions before the update, of labels that are not ignored, 0 to 1;
            None if targets are not classes.
        val_loss: Mean over the validation images after the epoch; None without validation.
        val_accuracy: Fraction of correct predictions, of labels that are not ignored; None without validation
            or classes.
        seconds: Time for the training steps, without validation.
        images_per_second: Training images per second of that time.
        skipped_steps: Number of batches in which all rows are ignored; they change nothing.
        lr: Learning rate of the last step.
        val_seconds: Time for the validation; None without.
        val_metrics: The metrics of the validation that were asked for by name.
    """

    epoch: int
    loss: float
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    images_per_second: float
    skipped_steps: int = 0
    lr: float | None = None
    val_seconds: float | None = None
    val_metrics: dict[str, float] = field(default_factory=dict, hash=False)

    def logs(self) -> dict[str, float]:
        """The metrics by name, for callbacks; those of `val_metrics` begin with "val_"."""
        named = {f"val_{name}": value for name, value in self.val_metrics.items()}
        values = {
            "loss": self.loss,
            "accuracy": self.accuracy,
            "val_loss": self.val_loss,
            "val_accuracy": self.val_accuracy,
            **named,
            "lr": self.lr,
            "seconds": self.seconds,
            "val_seconds": self.val_seconds,
            "images_per_second": self.images_per_second,
            "skipped_steps": self.skipped_steps,
        }
        return {name: value for name, value in values.items() if value is not None}

    def text(self, epochs: int | None = None) -> str:
        """One line; `epochs` is the number of epochs planned, if known."""
        return "  ".join(self.parts(epochs))

    def parts(self, epochs: int | None = None) -> list[str]:
        """The items of `text`, for lines of another length."""
        parts = [f"epoch {self.epoch}" if epochs is None else f"epoch {self.epoch}/{epochs}"]
        parts += [f"loss {self.loss:.4f}"]
        if self.accuracy is not None:
            parts += [f"accuracy {self.accuracy:.2%}"]
        if self.val_loss is not None:
            parts += [f"validation loss {self.val_loss:.4f}"]
        if self.val_accuracy is not None:
            parts += [f"validation accuracy {self.val_accuracy:.2%}"]
        parts += [f"{name} {value:.4g}" for name, value in self.val_metrics.items()]
        if self.skipped_steps:
            parts += [f"{self.skipped_steps} steps skipped"]
        return [*parts, f"{self.images_per_second:,.0f} images/s", f"{self.seconds:.1f} s"]

    def __str__(self) -> str:
        return self.text()


class EpochMean:
    """Running weighted means of loss and accuracy, as of one batch with all rows so far."""

    def __init__(self, is_classification: bool) -> None:
        self._of_classes = is_classification
        self._loss, self._weight, self._correct, self._counted = 0.0, 0.0, 0, 0

    def add(self, batch: BatchResult) -> None:
        if batch.weight > 0:
            self._loss += batch.loss * batch.weight
        self._weight += batch.weight
        self._correct += batch.correct
        self._counted += batch.counted

    def state(self) -> list[float]:
        """The sums, for a checkpoint."""
        return [self._loss, self._weight, self._correct, self._counted]

    def load_state(self, state: Sequence[float]) -> None:
        """Continue from `state()`."""
        loss, weight, correct, counted = state
        self._loss, self._weight = float(loss), float(weight)
        self._correct, self._counted = int(correct), int(counted)

    @property
    def loss(self) -> float:
        """The mean loss; NaN if all rows are ignored."""
        return self._loss / self._weight if self._weight > 0 else math.nan

    @property
    def accuracy(self) -> float | None:
        """The fraction of correct predictions; None if targets are not classes."""
        if not self._of_classes:
            return None
        return self._correct / self._counted if self._counted > 0 else math.nan


@dataclass
class StepHistory:
    """Every step of a training, in order.

    Args:
        loss: Mean loss of the batch before its update; NaN if all rows are ignored.
        lr: The learning rate of the step.
    """

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)


@dataclass
class History:
    """Result of `fit`.

    Args:
        epochs: One record for each completed epoch.
        stopped: "finished"; "interrupted" by Ctrl-C; "non-finite" in the history of a `NonFiniteError`;
            "time limit"; "early stopping", or another reason for which a callback ended the training; and
            "running" until then.
        best_epoch: The epoch whose weights the model has, the best by validation; None without validation.
        steps: Loss and learning rate of every step, with `fit(history_steps=True)`.

    Example:
        >>> history = History([EpochRecord(1, 0.5, 0.8, None, None, 2.0, 500.0)])
        >>> print(history)
        epoch 1  loss 0.5000  accuracy 80.00%  500 images/s  2.0 s
        >>> history.to_dict()["epochs"][0]["loss"]
        0.5
    """

    epochs: list[EpochRecord] = field(default_factory=list)
    stopped: str = "finished"
    best_epoch: int | None = None
    steps: StepHistory | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the training went as far as it was meant to."""
        return self.stopped not in INCOMPLETE

    def to_dict(self) -> dict[str, Any]:
        """A dict for JSON; see `Evaluation.to_dict` on values that are not finite."""
        values = asdict(self)
        if self.steps is None:
            del values["steps"]
        return plain(values)

    def plot(self, *, figure: Figure | SubFigure | None = None) -> Figure:
        """Draw the learning curves; see `cnnfast.plot.history`."""
        from ..plot.history import history

        return history(self, figure=figure)

    def __str__(self) -> str:
        lines = [str(record) for record in self.epochs]
        if self.best_epoch is not None:
            lines.append(f"weights of epoch {self.best_epoch}, the best by validation")
        if self.stopped != "finished":
            lines.append(f"stopped: {self.stopped}")
        return "\n".join(lines)
