"""`Dispatch` calls the moments of all callbacks; only those that override a moment are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..history import EpochRecord
from .callback import Callback, Context

Moment = Callable[[Context], None]


class Dispatch:
    """The callbacks of one training.

    Attributes:
        batch_begin, batch_end: The methods to call around each step; usually none.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = callbacks
        self._begun: list[Callback] = []
        self._epoch_begin = _overriding(callbacks, "on_epoch_begin")
        self._epoch_end = _overriding(callbacks, "on_epoch_end")
        self.batch_begin = _overriding(callbacks, "on_batch_begin")
        self.batch_end = _overriding(callbacks, "on_batch_end")

    def train_begin(self, context: Context) -> None:
        for callback in self._callbacks:
            self._begun.append(callback)
            callback.on_train_begin(context)

    def train_end(self, context: Context) -> None:
        """Calls every callback that has begun, even if another one raises."""
        while self._begun:
            callback = self._begun.pop(0)
            try:
                callback.on_train_end(context)
            except BaseException:
                self.train_end(context)
                raise

    def epoch_begin(self, context: Context) -> None:
        for call in self._epoch_begin:
            call(context)

    def epoch_end(self, context: Context) -> None:
        for call in self._epoch_end:
            call(context)


class OnEpoch(Callback):
    """`fit(on_epoch=...)` as a callback."""

    def __init__(self, call: Callable[[EpochRecord], object]) -> None:
        self._call = call

    def on_epoch_end(self, context: Context) -> None:
        self._call(context.history.epochs[-1])


def _overriding(callbacks: Sequence[Callback], name: str) -> list[Moment]:
    """The methods of this name, without those of the base class."""
    base = getattr(Callback, name)
    methods = [getattr(callback, name) for callback in callbacks]
    return [method for method in methods if getattr(method, "__func__", method) is not base]
