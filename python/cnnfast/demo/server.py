"""The server: one address of this machine only, a random token in every path, and no page of others may ask.

`http.server` of the standard library serves as well as a framework here: a handful of routes, one user, and
no package to install before the demo runs.
"""

from __future__ import annotations

import hmac
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .._json import to_json
from ..errors import CnnfastError, MissingDependencyError
from .routes import HTML, ROUTES, Reply
from .session import Session

HOST = "127.0.0.1"
#: Seconds after which a connection without a request is closed.
TIMEOUT = 30
_TYPES = {"html": HTML, "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}


class Server:
    """Listens on a port of this machine.

    Args:
        session: What the page shows and changes.
        port: Port; 0 takes a free one.

    Raises:
        CnnfastError: The port is in use or not permitted.
    """

    def __init__(self, session: Session, port: int = 0) -> None:
        self.session = session
        self.token = secrets.token_urlsafe(16)
        try:
            self._http = _Http((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CnnfastError(f"--port {port}: {reason}; another port, or none, takes a free one") from None
        self._http.owner = self

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The address of the page, with the token."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    def serve(self) -> None:
        """Answers requests until `stop` or Ctrl-C."""
        self._http.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """Ends `serve`, from another thread."""
        self._http.shutdown()

    def close(self) -> None:
        """Closes the port and ends a training."""
        self._http.server_close()
        self.session.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False  # a port in use is an error on every system
    owner: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A tab that was closed in the middle of a reply is no event worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "cnnfast", ""
    timeout = TIMEOUT
    server: _Http

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests have the token in their path."""

    # ---------------------------------------------------------------- a request

    def _answer(self, method: str) -> None:
        refusal = self._refusal(method)
        if refusal is not None:
            self.close_connection = True  # the body was not read
            self._error(*refusal)
            return
        address = urlsplit(self.path)
        path = address.path.split("/", 2)[2]
        if method == "GET" and (path == "" or path.startswith("static/")):
            self._static(path.removeprefix("static/") or "demo.html")
            return
        route = ROUTES.get((method, path))
        if route is None:
            self.close_connection = True
            self._error(404, f"there is no {path[:80]!r}")
            return
        body = b"" if method == "GET" else self._body(route.limit)
        if body is None:
            return
        try:
            self._send(route.run(self.server.owner.session, dict(parse_qsl(address.query)), body))
        except MissingDependencyError as error:
            self._error(501, str(error))
        except (CnnfastError, ValueError, TypeError, OSError) as error:
            self._error(400, str(error))
        except Exception as error:  # a fault of ours: the page says so, and the demo goes on
            self._error(500, f"{type(error).__name__}: {error}")

    def _refusal(self, method: str) -> tuple[int, str] | None:
        """Why a request is not answered: it was not made by the page.

        A page of another site can send requests to this port, but neither with this Host (a name of its own
        that it lets point here is another one), nor without its own Origin, nor with the token.
        """
        owner = self.server.owner
        hosts = [f"{name}:{owner.port}" for name in (HOST, "localhost")]
        if self.headers.get("Host") not in hosts:
            return 403, "only requests to this machine by its own address are answered"
        origin = self.headers.get("Origin")
        if origin is not None and origin not in [f"http://{host}" for host in hosts]:
            return 403, "requests of other sites are not answered"
        if (
            method == "POST"
            and origin is None
            and self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin"
        ):
            return 403, "requests of other sites are not answered"
        token = self.path.split("/", 2)[1:2]
        if self.path.count("/") < 2 or not hmac.compare_digest(token[0].encode(), owner.token.encode()):
            return 404, "the address must be the one that cnnfast demo has printed"
        return None

    def _body(self, limit: int) -> bytes | None:
        """The body; None if it was refused."""
        text = self.headers.get("Content-Length", "")
        length = int(text) if text.isdecimal() and len(text) < 12 else -1
        if length < 0 or length > limit or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._error(
                413,
                f"a request may have up to {limit:,} bytes, with a Content-Length; got {text[:20] or 'none'}",
            )
            return None
        return self.rfile.read(length)

    # ---------------------------------------------------------------- a reply

    def _static(self, name: str) -> None:
        """A file of the page, or one that it shares with the explain page."""
        for package in (__package__, "cnnfast.explanation"):
            for file in files(package).joinpath("static").iterdir():
                if file.name == name and name.rpartition(".")[2] in _TYPES:
                    self._send(Reply(file.read_bytes(), _TYPES[name.rpartition(".")[2]]))
                    return
        self._error(404, f"there is no file {name[:80]!r}")

    def _error(self, status: int, text: str) -> None:
        self._send(Reply(to_json({"error": text}).encode()), status)

    def _send(self, reply: Reply, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.filename:
            self.send_header("Content-Disposition", f'attachment; filename="{reply.filename}"')
        for name, value in {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": _policy(reply),
        }.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)


def _policy(reply: Reply) -> str:
    """What the page may load: nothing from other addresses."""
    code = "'unsafe-inline' data:" if reply.is_whole else "'self'"
    style = "'unsafe-inline'" if reply.is_whole else "'self'"
    return (
        f"default-src 'none'; script-src {code}; style-src {style}; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
