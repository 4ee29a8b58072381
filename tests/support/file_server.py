"""A small HTTP server for the download tests: answers are correct, truncated or wrong, or ignore ranges."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves `files` by path.

    Attributes:
        files: Path without the leading slash -> content.
        ranges: Whether it honors Range requests.
        cut_after: Bytes after which each answer is cut off, although more were announced; None: never.
        content_type: The Content-Type of answers.
        announce_length: Whether answers have a Content-Length.
        content_range: Overrides the Content-Range of partial answers.
        requests: (path, Range header or None), in order.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.cut_after: int | None = None
        self.content_type = "application/octet-stream"
        self.announce_length = True
        self.content_range: str | None = None
        self.requests: list[tuple[str, str | None]] = []
        self.url = ""


@contextmanager
def running_server() -> Iterator[FileServer]:
    server = FileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            server.requests.append((self.path.lstrip("/"), wanted))
            content = server.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            start = 0
            match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            if match and server.ranges:
                start = int(match[1])
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                said = server.content_range or f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", said)
            else:
                self.send_response(200)
            self.send_header("Content-Type", server.content_type)
            if server.announce_length:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            self.wfile.write(body if server.cut_after is None else body[: server.cut_after])

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}/"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
