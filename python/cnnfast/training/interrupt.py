"""`Interrupt`: turns Ctrl-C into a flag that a loop checks between steps, so that no step is interrupted."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType

#: Signals that terminate a program. SIGBREAK (Ctrl-Break, a closed console) is that of Windows, which has no
#: SIGHUP.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_ENDINGS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))


class Interrupt:
    """Context manager: the first signal sets `requested`; a second Ctrl-C raises KeyboardInterrupt as usual.

    It handles the signals that would raise KeyboardInterrupt: SIGINT, and SIGTERM and SIGHUP if their handler
    is `signal.default_int_handler`. Signals with another handler, or ignored ones (as under `nohup`), are not
    changed, nor are any outside of the main thread. A nested Interrupt sets `requested` of both, and inherits
    the state of the outer one.

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
            if self._outer is not None and self._outer.requested:  # before the handlers were set
                self.requested = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # a closing terminal sends SIGHUP twice: only a second Ctrl-C interrupts saving
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        if self._outer is not None:
            self._outer.requested = True


@contextlib.contextmanager
def ends_like_ctrl_c() -> Iterator[None]:
    """Context manager: SIGTERM and SIGHUP raise KeyboardInterrupt, unless they are ignored or have a
    handler."""
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
