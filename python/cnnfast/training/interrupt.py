"""`Interrupt`: Ctrl-C becomes a question that a loop asks between two steps, so that none is cut in half."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType

#: What asks a program to end. Windows has no SIGHUP.
_ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupt:
    """While entered, the first signal sets `requested`; a second Ctrl-C raises KeyboardInterrupt as usual.

    The signals are those that would raise KeyboardInterrupt: SIGINT, and whichever of SIGTERM and SIGHUP the
    program has given the same handler (`signal.default_int_handler`). Those with another handler, or ignored
    (as under `nohup`), stay as they are; so do all outside of the main thread. An Interrupt within another
    sets `requested` of both, and begins as it finds the other.

    Example:
        >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
        >>> with Interrupt() as interrupt:
        ...     signal.raise_signal(signal.SIGINT)
        ...     interrupt.requested
        True
        >>> _ = signal.signal(signal.SIGINT, before)
    """

    def __init__(self) -> None:
        self.requested = False
        self._outer: Interrupt | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDINGS:
                handler = signal.getsignal(number)
                outer = getattr(handler, "__self__", None)
                if isinstance(outer, Interrupt):
                    self._outer = outer
                elif handler is not signal.default_int_handler:
                    continue
                self._before[number] = handler
                signal.signal(number, self._handle)
            if self._outer is not None and self._outer.requested:  # before the handlers were exchanged
                self.requested = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # a terminal that is closed sends SIGHUP twice: only a person who insists ends what is being saved
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if self._outer is not None:
            self._outer.requested = True


@contextlib.contextmanager
def ends_like_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt, unless they are ignored or have a handler."""
    changed = []
    if threading.current_thread() is threading.main_thread():
        for number in _ENDINGS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)
                changed.append(number)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)
