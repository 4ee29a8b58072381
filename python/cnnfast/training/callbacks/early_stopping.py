"""`EarlyStopping`: ends a training that does not improve any more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..._checks import check_integer, check_number
from ..best import Best
from .callback import Callback, Context
from .monitor import Mode, Monitor


class EarlyStopping(Callback):
    """Ends the training if a metric has not improved for some epochs, and restores the best weights.

    Without `monitor` it follows `fit`'s own criterion, the highest validation accuracy, then the lowest
    validation loss (in regression the loss), by which `fit` chooses the weights that the model ends with.

    Args:
        monitor: Name of a metric of the epoch, such as "val_loss", "loss" or "val_f1".
        patience: Number of epochs without improvement after which training ends, at least 1.
        min_delta: Smaller improvements do not count; needs `monitor`. At least 0.
        mode: "min" or "max": which values of the metric are better; "auto" knows by its name.
        restore_best: With `monitor`, the model ends with the weights of the best epoch by it, also if the
            training ends otherwise; `History.best_epoch` is that epoch. False leaves those of `fit`.

    Raises:
        TypeError, ValueError: A setting out of range; at the start of the training, an unknown metric.

    Source: Prechelt 1998, Early stopping, but when?

    Example:
        >>> import cnnfast as cf
        >>> model, data = cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(128, seed=0)
        >>> stopping = cf.EarlyStopping("loss", patience=1, min_delta=10.0)
        >>> cf.fit(model, data, epochs=9, callbacks=[stopping], progress=False).stopped
        'early stopping'
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: Mode = "auto",
        restore_best: bool = True,
    ) -> None:
        who = type(self).__name__
        self._monitor = Monitor(who, monitor, mode)
        self._patience = check_integer(who, "patience", patience, 1)
        self._min_delta = check_number(who, "min_delta", min_delta, 0, math.inf)
        if monitor is None and self._min_delta > 0:
            raise ValueError(f'{who}: min_delta needs a monitor, such as monitor="val_loss"')
        if not isinstance(restore_best, bool):
            raise TypeError(f"{who}: restore_best must be True or False, got {restore_best!r}")
        self._restore_best = restore_best
        self._reset()

    def _reset(self) -> None:
        #: Epochs since the last improvement, the score of that, and the best weights.
        self._waited, self._bar, self._best = 0, -math.inf, Best()

    def on_train_begin(self, context: Context) -> None:
        self._monitor.check(context)
        self._reset()

    def on_epoch_end(self, context: Context) -> None:
        if self._monitor.name is None:
            improved = context.history.best_epoch == context.epoch
        else:
            score = self._monitor.score(context)
            improved = score - self._bar > self._min_delta
            if improved:
                self._bar = score
            if self._restore_best:
                self._best.offer(context.epoch, (score,), context.model.flat_parameters)
        self._waited = 0 if improved else self._waited + 1
        if self._waited >= self._patience:
            context.stop("early stopping")

    def on_train_end(self, context: Context) -> None:
        if self._best.weights is not None:
            context.model.flat_parameters[:] = self._best.weights
            context.model.mark_changed()
            context.history.best_epoch = self._best.epoch
        self._best = Best()  # releases the weights

    def state_dict(self) -> dict[str, Any]:
        return {
            "monitor": self._monitor.name,
            "waited": self._waited,
            "bar": self._bar,
            **self._best.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if state["monitor"] != self._monitor.name:
            raise ValueError(
                f"EarlyStopping: monitor is {self._monitor.name!r}, "
                f"but was {state['monitor']!r} in the checkpoint"
            )
        self._waited, self._bar = int(state["waited"]), float(state["bar"])
        self._best.load_state_dict(state)
