"""Progress display of `fit` on stderr: a bar on a terminal, a line for each epoch elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from .. import _terminal
from .._stderr import Stderr, console
from ..errors import MissingDependencyError, require
from .history import EpochRecord

if TYPE_CHECKING:
    import rich.progress

Setting = bool | Literal["auto"]

#: Seconds between two updates of the bar: drawing takes one or two milliseconds in which no step runs.
_REDRAW = 0.5
#: Width of the bar in columns.
_BAR = 16


class Progress:
    """Base class; shows nothing.

    Args:
        epochs: Number of epochs; None if only the time is limited.
        images: Number of training images.
        time_limit: Seconds that the training may take, if it is limited.
    """

    def __init__(self, epochs: int | None, images: int, time_limit: float | None = None) -> None:
        self._epochs, self._images, self._limit = epochs, images, time_limit
        self._began = time.perf_counter()
        self._before, self._elapsed = 0, 0.0

    def __enter__(self) -> Progress:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def resume(self, epoch: int, done: int, elapsed: float) -> None:
        """Called before the first step of a resumed training, with the images done in its epoch and the time
        of its earlier parts."""
        self._before, self._elapsed = (epoch - 1) * self._images + done, elapsed

    def batch(self, epoch: int, done: int, loss: float, accuracy: float | None) -> None:
        """Called after each step with the images done in this epoch, their mean loss and accuracy (of
        classes)."""

    def epoch(self, record: EpochRecord) -> None:
        """Called after each epoch."""

    def _left(self, epoch: int, done: int) -> str:
        """Estimated time left, from the average speed so far."""
        return _clock(self._rest(epoch, done))

    def _fraction(self, epoch: int, done: int) -> float:
        """The completed fraction of the training."""
        past = self._elapsed + time.perf_counter() - self._began
        return past / (past + self._rest(epoch, done))

    def _rest(self, epoch: int, done: int) -> float:
        """Seconds left."""
        now = time.perf_counter() - self._began
        rests = [] if self._limit is None else [self._limit - self._elapsed - now]
        if self._epochs is not None:
            past = (epoch - 1) * self._images + done
            rests.append(now / max(past - self._before, 1) * (self._epochs * self._images - past))
        return max(0.0, min(rests))


class Lines(Progress):
    """A line for each epoch."""

    def __init__(self, epochs: int | None, images: int, time_limit: float | None = None) -> None:
        super().__init__(epochs, images, time_limit)
        self._stderr = Stderr()

    def epoch(self, record: EpochRecord) -> None:
        parts = record.parts(self._epochs)
        if self._epochs is None or record.epoch < self._epochs:
            parts.append(f"{self._left(record.epoch, self._images)} left")
        narrow = self._stderr.isatty()  # a file gets exactly one line per epoch
        line = _terminal.packed(parts, room=_terminal.width(sys.stderr)) if narrow else "  ".join(parts)
        self._stderr.write(f"{line}\n")
        self._stderr.flush()


class Bar(Progress):
    """A progress bar for the whole training with the current epoch's loss, accuracy, images/s, and time
    left."""

    def __enter__(self) -> Progress:
        columns, screen = require("rich.progress", "a progress bar"), console()
        self._bar: rich.progress.Progress = columns.Progress(
            columns.TextColumn("{task.description}"),
            columns.BarColumn(bar_width=_BAR),
            columns.TaskProgressColumn(),
            columns.TextColumn("{task.fields[state]}"),
            console=screen,
            auto_refresh=False,
            transient=screen.is_terminal,
        )
        self._task = self._bar.add_task(self._name(1), total=1.0, state="")
        self._stack = ExitStack()
        self._stack.enter_context(self._bar)
        self._drawn, self._epoch_began, self._running = 0.0, 0.0, 0
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def batch(self, epoch: int, done: int, loss: float, accuracy: float | None) -> None:
        now = time.perf_counter()
        if epoch != self._running:
            self._running, self._epoch_began = epoch, now
        if now - self._drawn < _REDRAW:
            return
        self._drawn = now
        speed = done / (now - self._epoch_began) if now > self._epoch_began else 0.0
        right = [] if accuracy is None else [f"accuracy {accuracy:.2%}"]
        left = f"{self._left(epoch, done)} left"
        completed, description = self._fraction(epoch, done), self._name(epoch)
        room = self._bar.console.width - len(f"{description} 100% ") - _BAR - 2
        parts = [left, f"loss {loss:.4f}", *right, f"{speed:,.0f} images/s"]
        state = _terminal.packed(parts, room=room).splitlines()[0]
        self._bar.update(self._task, completed=completed, description=description, state=state, refresh=True)

    def epoch(self, record: EpochRecord) -> None:
        completed = self._fraction(record.epoch, self._images)
        line = _terminal.packed(record.parts(self._epochs), room=self._bar.console.width)
        self._bar.console.print(line, highlight=False, soft_wrap=True)
        self._bar.update(self._task, completed=completed, state="", refresh=True)

    def _name(self, epoch: int) -> str:
        return f"epoch {epoch}" if self._epochs is None else f"epoch {epoch}/{self._epochs}"


def display_for(
    setting: Setting, epochs: int | None, images: int, time_limit: float | None = None
) -> Progress:
    """The display for `fit`'s argument `progress`.

    Args:
        setting: "auto" is a bar if stderr is a terminal and rich is installed, otherwise lines; True is
            always a bar (e.g. in a notebook); False is nothing.
        epochs, images, time_limit: As in `Progress`.

    Raises:
        ValueError: Another setting.
        MissingDependencyError: True, but rich is not installed.
    """
    if setting not in ("auto", True, False) or not isinstance(setting, bool | str):
        raise ValueError(f'fit: progress must be "auto", True or False, got {setting!r}')
    if setting is False:
        return Progress(epochs, images, time_limit)
    if setting == "auto" and not (Stderr().isatty() and _has_rich()):
        return Lines(epochs, images, time_limit)
    require("rich.progress", "a progress bar")
    return Bar(epochs, images, time_limit)


def _has_rich() -> bool:
    try:
        require("rich.progress", "a progress bar")
    except MissingDependencyError:
        return False
    return True


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
