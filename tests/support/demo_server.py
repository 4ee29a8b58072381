"""A running server of the demo."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from cnnfast.demo import Server, Session


@contextlib.contextmanager
def serving(session: Session) -> Iterator[Server]:
    """Context manager: a server of the session, in a thread."""
    server = Server(session)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
        server.close()
