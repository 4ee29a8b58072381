"""`blank_parameters`: building modules without initializing them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_BLANK = ContextVar("blank", default=False)


@contextmanager
def blank_parameters() -> Iterator[None]:
    """Context in which modules are built with all parameters zero.

    Nothing is initialized, and the memory of the parameters is not used before they are read or written: for
    counting the parameters of large networks, or if they are loaded from a file right after. Explicit calls
    of `initialize` are not affected.

    Example:
        >>> from cnnfast import nn
        >>> with nn.blank_parameters():
        ...     layer = nn.Linear(30_000, 10_000)
        >>> layer.num_parameters()
        300010000
    """
    token = _BLANK.set(True)
    try:
        yield
    finally:
        _BLANK.reset(token)


def is_blank() -> bool:
    """Whether a module that is built now gets no initial values."""
    return _BLANK.get()
