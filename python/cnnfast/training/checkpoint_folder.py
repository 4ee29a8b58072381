"""`CheckpointFolder`: the files of a training's checkpoints, of which the last are kept."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .._checks import check_integer, check_number, type_of, warn_caller
from .._files import check_writable, expand, naming
from .._locks import acquire, release
from ..errors import CheckpointError

_NAME = re.compile(r"step-(\d{9,})\.safetensors")
_LOCK = "training.lock"
_DAY = 24 * 60


class CheckpointFolder:
    """A folder of checkpoints, `step-000001200.safetensors` after 1200 steps.

    Args:
        folder: Its path; `create` creates it.
        keep: Number of checkpoints to keep, at least 1.
        every_minutes: Time between two checkpoints within an epoch, above 0.

    Raises:
        TypeError, ValueError: A setting out of range.
        NotADirectoryError: It is a file.
    """

    def __init__(self, folder: object, keep: object, every_minutes: object) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise TypeError(f"fit: checkpoint must be the name of a folder, got {type_of(folder)}")
        self._keep = check_integer("fit", "keep", keep, 1)
        minutes = check_number("fit", "every_minutes", every_minutes, 0, _DAY)
        if minutes == 0:
            raise ValueError("fit: every_minutes must be above 0, got 0")
        self._seconds = 60 * minutes
        self.path = Path(expand(folder))
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(f"fit: checkpoint: {self.path} is a file, not a folder")
        self._last = time.perf_counter()

    def files(self) -> list[tuple[int, Path]]:
        """(steps, file) of all checkpoints, in the order of their steps."""
        if not self.path.exists():
            return []
        matches = ((_NAME.fullmatch(path.name), path) for path in self.path.iterdir())
        return sorted((int(match[1]), path) for match, path in matches if match is not None)

    def create(self, size: int) -> None:
        """Create the folder. Raises OSError if it or a file of this size could not be written."""
        with naming(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        check_writable("fit", self.path / f"step-{0:09}.safetensors", size)

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Context manager: no other training uses the folder, which is created.

        Raises:
            CheckpointError: Another one does; names its process.
        """
        lock = self.path / _LOCK
        with naming(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                handle = acquire(lock)
            except BlockingIOError:
                text = "unknown"
                with contextlib.suppress(OSError):
                    text = lock.read_text(errors="replace")[:200].strip()
                raise CheckpointError(
                    f"fit: checkpoint: {self.path} is in use by another training ({text}); "
                    "wait until it has ended, or use another folder"
                ) from None
        try:
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, f"process {os.getpid()} on {platform.node()}\n".encode())
            yield
        finally:
            release(handle, lock)

    @property
    def is_due(self) -> bool:
        """Whether it is time for a checkpoint within an epoch."""
        return time.perf_counter() - self._last >= self._seconds

    def save(self, step: int, write: Callable[[Path], None]) -> None:
        """Write the checkpoint after `step` steps, and remove old ones."""
        self._last = time.perf_counter()
        if self._written(f"step-{step:09}.safetensors", write):
            for _, path in self.files()[: -self._keep]:
                path.unlink(missing_ok=True)

    def save_best(self, write: Callable[[Path], None]) -> None:
        """Write the model file of the best epoch."""
        self._written("best.safetensors", write)

    def _written(self, name: str, write: Callable[[Path], None]) -> bool:
        """Whether the file could be written. If not, for example as the disk is full, there is a warning:
        training goes on, and earlier files are kept.
        """
        try:
            write(self.path / name)
        except OSError as error:
            warn_caller(f"fit: {self.path / name} could not be written: {error.strerror or error}")
            return False
        return True
