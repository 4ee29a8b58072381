"""`BestCheckpoint`: writes the best model to a file while training."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from ..._files import check_writable
from ...nn import serialization
from .callback import Callback, Context
from .monitor import Mode, Monitor


class BestCheckpoint(Callback):
    """Writes a model file after each epoch that is the best so far.

    The file is written atomically, and `cnnfast.load` reads it. Its metadata has the history so far.

    Args:
        path: The file; its folder must exist, and a file from before is replaced.
        monitor: Name of a metric of the epoch; None is `fit`'s own criterion, as in `EarlyStopping`.
        mode: "min" or "max": which values of the metric are better; "auto" knows by its name.

    Raises:
        TypeError, ValueError: A setting out of range; at the start of the training, an unknown metric.
        OSError: The file cannot be written; also checked at the start of the training.

    Example:
        >>> import tempfile
        >>> import cnnfast as cf
        >>> path = tempfile.mkdtemp() + "/best.safetensors"
        >>> model, data = cf.models.hello_dl_letters(seed=0), cf.datasets.glyphs(128, seed=0)
        >>> best = cf.BestCheckpoint(path)
        >>> history = cf.fit(model, data, epochs=2, validation=0.5, callbacks=[best], progress=False)
        >>> bool((cf.load(path).flat_parameters == model.flat_parameters).all())
        True
    """

    def __init__(self, path: str | os.PathLike[str], monitor: str | None = None, mode: Mode = "auto") -> None:
        who = type(self).__name__
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"{who}: path must be the name of a file, got {path!r}")
        self._path, self._monitor = path, Monitor(who, monitor, mode)
        self._score = -math.inf

    def on_train_begin(self, context: Context) -> None:
        self._monitor.check(context)
        check_writable(type(self).__name__, self._path, context.model.flat_parameters.nbytes)
        self._score = -math.inf

    def on_epoch_end(self, context: Context) -> None:
        if self._monitor.name is None:
            if context.history.best_epoch != context.epoch:
                return
        else:
            score = self._monitor.score(context)
            if score <= self._score:
                return
            self._score = score
        serialization.save(context.model, self._path, training=context.history.to_dict())

    def state_dict(self) -> dict[str, Any]:
        return {"score": self._score}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._score = float(state["score"])
