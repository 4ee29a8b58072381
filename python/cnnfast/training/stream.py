"""`Stream`: batches from an iterable or generator, instead of rows of arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np

from .._checks import check_integer, type_of
from .._core import Plan
from .._types import Array, Labels
from ..datasets import ImageDataset
from ..losses import Loss
from ..nn import Module
from .samples import Samples, as_samples

#: Batch as `Trainer.step_checked` takes it: plan, x, y, and a number for each row.
Batch = tuple[Plan, Array, Array, Labels]


def is_stream(data: object) -> bool:
    """Whether data are an iterable of batches, rather than a data set or a pair of arrays."""
    return hasattr(data, "__iter__") and not isinstance(
        data, ImageDataset | tuple | list | np.ndarray | str | bytes | dict | set
    )


class Stream:
    """The batches of `fit` from an iterable of pairs (x, y) or of data sets.

    An iterable that can be repeated, such as a data loader, begins again with each epoch if `steps` is None,
    else when it ends; an iterator, such as a generator, must last for all epochs.

    Args:
        data: The iterable.
        steps: Number of batches in an epoch; None takes the length of `data`.

    Raises:
        TypeError: `data` has no length and `steps` is None.
        ValueError: `data` is empty.
    """

    def __init__(self, data: Any, steps: object, model: Module, loss: Loss) -> None:
        self._data, self._model, self._loss = data, model, loss
        if steps is None and not isinstance(data, Sized):
            raise TypeError(f"fit: data is a {type_of(data)} without a length; set steps_per_epoch=...")
        self._restarts = steps is None
        given = len(data) if steps is None else steps
        self.steps = check_integer("fit", "steps_per_epoch", given, 1)
        self._iterator: Iterator[Any] = iter(data)
        self._taken = self._taken_before = 0
        #: The first batch, from which shapes and classes are known.
        self.first = self._checked(self._from_iterator())
        self._waiting: Samples | None = self.first

    def begin_epoch(self) -> None:
        """Begin a repeatable iterable again, unless its first batch is still to be used."""
        self._taken_before = self._taken
        if self._restarts and self._waiting is None:
            self._iterator = iter(self._data)

    @property
    def rows_of_epoch(self) -> int:
        """Number of rows so far in this epoch."""
        return self._taken - self._taken_before

    def next(self) -> Batch:
        """The next batch.

        Raises:
            TypeError, ValueError: It is no batch for this model, or there is none.
        """
        samples = self._checked(self._from_iterator()) if self._waiting is None else self._waiting
        self._waiting = None
        plan, x = self._model.prepare(samples.x)
        n = len(samples)
        self._taken += n
        return plan, x, samples.y, np.arange(self._taken - n, self._taken)

    def _checked(self, batch: Any) -> Samples:
        return as_samples("fit", batch, self._model, self._loss, None)

    def _from_iterator(self) -> Any:
        try:
            return next(self._iterator)
        except StopIteration:
            pass
        again = iter(self._data)
        if again is not self._iterator:  # not an iterator, which would return itself
            self._iterator = again
        try:
            return next(self._iterator)
        except StopIteration:
            raise ValueError(
                f"fit: data ended after {self._taken:,} rows; it must have steps_per_epoch batches for each "
                "epoch, or be an object that can be iterated over again"
            ) from None
