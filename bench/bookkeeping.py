"""The row of what a training does besides its steps: checkpoints, callbacks and a progress bar."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cnnfast import Callback, fit, optim
from cnnfast.benchmark.networks import LEARNING_RATE, Network
from cnnfast.benchmark.timing import Effort, Options, Row
from cnnfast.training.callbacks import CSVLogger, JSONLinesLogger

#: Images and epochs: MNIST's number, and the default of `fit`.
IMAGES, EPOCHS = 60_000, 5
QUICK_IMAGES, QUICK_EPOCHS = 1_000, 1
#: Rounds, since each takes some 20 seconds.
ROUNDS = 5


class Terminal(io.StringIO):
    """A stream that claims to be a terminal, so that the progress bar is drawn."""

    def isatty(self) -> bool:
        return True


class EveryBatch(Callback):
    """A callback that is called at each moment."""

    def on_batch_begin(self, context: Any) -> None:
        self.step = context.step

    def on_batch_end(self, context: Any) -> None:
        self.loss = context.logs["loss"]


def bookkeeping_rows(options: Options) -> Iterator[Row]:
    images, epochs = (QUICK_IMAGES, QUICK_EPOCHS) if options.quick else (IMAGES, EPOCHS)
    name = f"bookkeeping, {epochs} epoch{'s' if epochs > 1 else ''} of d4 over {images:,} images"
    if not options.includes(name):
        return
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (images, 28, 28), dtype=np.uint8), rng.integers(0, 10, images)
    candidates = {
        "steps alone": training(data, epochs, lambda folder: {"progress": False}),
        "with bookkeeping": training(data, epochs, bookkeeping),
    }
    effort = Effort(min(ROUNDS, options.effort.rounds), options.effort.sample)
    yield Row.measured(name, epochs * images, "images", candidates, effort)


def bookkeeping(folder: Path) -> dict[str, Any]:
    """A checkpoint after each epoch, two logs, a callback for each batch, and the bar."""
    logs = [CSVLogger(folder / "log.csv"), JSONLinesLogger(folder / "log.jsonl")]
    return {"checkpoint": folder / "checkpoints", "callbacks": [*logs, EveryBatch()], "progress": "auto"}


def training(data: Any, epochs: int, arguments: Callable[[Path], dict[str, Any]]) -> Callable[[], object]:
    """The same training at each call, with these further arguments of `fit`."""
    network = Network.shipped("d4")

    def train() -> None:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(Terminal()):
            optimizer = optim.Adam(lr=LEARNING_RATE)
            fit(network.build(), data, epochs=epochs, optimizer=optimizer, **arguments(Path(folder)))

    return train
