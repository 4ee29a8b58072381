"""`TensorBoard`: metrics of each epoch, or of each step, for TensorBoard."""

from __future__ import annotations

import os
from typing import Any

from ..._checks import check_integer
from ...errors import require
from .callback import Callback, Context


class TensorBoard(Callback):
    """Writes metrics for TensorBoard, by the package tensorboardX.

    Args:
        folder: Where to write event files; created if it does not exist.
        every: Write loss, accuracy and learning rate of every n-th step as well; 0 writes epochs only.

    Raises:
        MissingDependencyError: tensorboardX is not installed.
        TypeError, ValueError: A setting out of range.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int = 0) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise TypeError(f"TensorBoard: folder must be the name of a folder, got {folder!r}")
        self._folder, self._every = os.fspath(folder), check_integer("TensorBoard", "every", every, 0)
        self._package = require("tensorboardX", "writing for TensorBoard")
        self._writer: Any = None
        if self._every > 0:  # otherwise steps cost nothing
            self.on_batch_end = self._write_step  # type: ignore[method-assign]

    def on_train_begin(self, context: Context) -> None:
        self._writer = self._package.SummaryWriter(os.path.expanduser(self._folder))

    def on_epoch_end(self, context: Context) -> None:
        self._write("epoch", context.epoch, context.logs)
        self._writer.flush()

    def on_train_end(self, context: Context) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write_step(self, context: Context) -> None:
        if context.step % self._every == 0:
            self._write("step", context.step, context.logs)

    def _write(self, unit: str, number: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"{unit}/{name}", value, number)
