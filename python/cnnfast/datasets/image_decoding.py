"""Decodes image files to arrays of one size, on a few threads: Pillow releases the GIL while it decodes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from .._checks import ieee_arithmetic
from ..errors import DataError

if TYPE_CHECKING:
    from concurrent.futures import Future

Mode = Literal["L", "RGB"]
Pixels = npt.NDArray[np.uint8]

#: Files of a task, and tasks that are decoded in advance; more would keep as many images in memory.
_FILES, _TASKS = 16, 16
_MAX_THREADS = 8
#: Side of the images if they have different sizes, or larger ones than the second number.
DEFAULT_SIDE, MAX_SIDE = 64, 96
#: Pillow's modes without colors.
_GRAY = ("1", "L", "LA", "La", "I", "F")

_T = TypeVar("_T")


class Form(NamedTuple):
    """Height, width and mode of the images of a data set."""

    height: int
    width: int
    mode: Mode

    @property
    def shape(self) -> tuple[int, ...]:
        """(h, w) for "L", (3, h, w) for "RGB"."""
        size = (self.height, self.width)
        return size if self.mode == "L" else (3, *size)


def decoded(paths: Sequence[str], form: Form) -> Generator[Pixels | DataError, None, None]:
    """For each file its pixels, or why it is not readable; in their order. Threads decode the next files in
    advance, until the generator is closed.
    """

    from ..vision import reading, sources  # late: imported with Pillow, and only by those who read files

    def decode(path: str) -> Pixels:
        return reading.to_pixels(sources.upright(path, "image"), (form.height, form.width), form.mode)

    return _each(ieee_arithmetic(decode), paths)


def choose_form(paths: Sequence[str], size: tuple[int, int] | None, mode: Mode | None) -> Form:
    """The form of a data set: `size` and `mode` where they are given.

    Otherwise the size of the images if all have the same, of at most 96 pixels a side, else 64x64; "L" if no
    image has colors, else "RGB". Files that are not readable do not count.
    """
    if size is None or mode is None:
        from ..vision import sources

        headers = [found for found in _each(sources.mode_and_size, paths) if not isinstance(found, DataError)]
        sizes = {found for _, found in headers}
        if size is None:
            same = sizes.pop() if len(sizes) == 1 else None
            size = same if same and max(same) <= MAX_SIDE else (DEFAULT_SIDE, DEFAULT_SIDE)
        if mode is None:
            gray = all(found in _GRAY or found.startswith("I;16") for found, _ in headers)
            mode = "L" if gray else "RGB"
    return Form(*size, mode)


def refusal(error: DataError) -> DataError:
    """The error for a file that is not readable."""
    return DataError(f'ImageFolder: {error}; on_error="skip" leaves such files out')


def _each(function: Callable[[str], _T], paths: Sequence[str]) -> Generator[_T | DataError, None, None]:
    def result(path: str) -> _T | DataError:
        try:
            return function(path)
        except DataError as error:
            return DataError(f"{path}: {error}".replace(f"{path}: {path}: ", f"{path}: "))
        except OSError as error:
            return DataError(f"{path}: {error.strerror or error}")

    from concurrent.futures import ThreadPoolExecutor  # late: slow to import

    from ..vision import sources

    threads = ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1), "cnnfast-decoding")
    running: deque[Future[list[_T | DataError]]] = deque()
    try:
        with sources.without_warnings:  # once, as the filters belong to the process
            for start in range(0, len(paths), _FILES):
                task = paths[start : start + _FILES]
                running.append(threads.submit(lambda task: [result(path) for path in task], task))
                if len(running) == _TASKS:
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
