"""`TimeLimit`: ends a training after some time, whatever its schedule."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from ..._checks import check_number
from .callback import Callback, Context


class TimeLimit(Callback):
    """Ends the training after the step during which the time is over.

    The learning rate schedule is cut off there; `fit(time_limit=...)` fits it into the time instead.

    Args:
        seconds: From the start of the training, with validation; in a resumed training the time of all its
            parts. Above 0.

    Raises:
        TypeError, ValueError: A setting out of range.

    Example:
        >>> import cnnfast as cf
        >>> model, data = cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(128, seed=0)
        >>> cf.fit(model, data, 9, callbacks=[cf.TimeLimit(1e-9)], progress=False).stopped
        'time limit'
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = check_number("TimeLimit", "seconds", seconds, 0, math.inf)
        if self._seconds == 0:
            raise ValueError("TimeLimit: seconds must be above 0, got 0")
        self._began = time.perf_counter()

    def on_train_begin(self, context: Context) -> None:
        self._began = time.perf_counter()

    def on_batch_end(self, context: Context) -> None:
        if time.perf_counter() - self._began >= self._seconds:
            context.stop("time limit")

    def state_dict(self) -> dict[str, Any]:
        return {"elapsed": time.perf_counter() - self._began}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._began = time.perf_counter() - float(state["elapsed"])
