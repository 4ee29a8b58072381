"""`Monitor`: the metric that a callback watches, and whether smaller or larger is better."""

from __future__ import annotations

import math
from typing import Literal

from ..._checks import type_of
from ..._names import did_you_mean
from .callback import Context

Mode = Literal["auto", "min", "max"]

#: Parts of names of metrics that are better if larger.
_LARGER = ("accuracy", "top", "precision", "recall", "f1", "exact_match", "r2", "images_per_second")


class Monitor:
    """A metric by its name in `Context.logs`.

    Args:
        who: Start of error messages.
        name: None is `fit`'s own criterion: validation accuracy, then validation loss.
        mode: "min", "max", or "auto": by the name.
    """

    def __init__(self, who: str, name: str | None, mode: Mode) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{who}: monitor must be the name of a metric, got {type_of(name)}")
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'{who}: mode must be "auto", "min" or "max", got {mode!r}')
        self._who, self.name = who, name
        larger = name is not None and any(part in name for part in _LARGER)
        self._sign = 1.0 if mode == "max" or (mode == "auto" and larger) else -1.0

    def check(self, context: Context) -> None:
        """Raises ValueError if the training does not have the metric."""
        if self.name is None:
            if "val_loss" not in context.metrics:
                raise ValueError(
                    f'{self._who}: needs validation data (fit(validation=...)), or monitor="loss"'
                )
        elif self.name not in context.metrics:
            raise ValueError(
                f"{self._who}: there is no metric {self.name!r}; there are {', '.join(context.metrics)}"
                f"{did_you_mean(self.name, context.metrics)}"
            )

    def score(self, context: Context) -> float:
        """The value of the named metric with the sign that makes larger better; NaN becomes -inf."""
        assert self.name is not None
        value = context.logs[self.name] * self._sign
        return -math.inf if math.isnan(value) else value
