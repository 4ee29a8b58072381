"""The demo's server: what it answers, and to whom."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cnnfast import models
from cnnfast.demo import Server, Session
from cnnfast.errors import CnnfastError

from tests.demo.test_demo_session import seven
from tests.support.demo_server import serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(Session(models.pretrained("digits"), "digits", "mnist", {})) as running:
        yield running


def ask(
    server: Server, path: str, body: bytes | None = None, method: str | None = None, **headers: str
) -> tuple[int, Any, Any]:
    """(status, headers, body) of a request; `path` without the token."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    whole = path if path.startswith("/") else f"/{server.token}/{path}"
    connection.request(method or ("GET" if body is None else "POST"), whole, body, headers)
    reply = connection.getresponse()
    found = reply.status, reply.headers, reply.read()
    connection.close()
    return found


def error(server: Server, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    status, _, text = ask(server, path, body, **headers)
    return status, json.loads(text)["error"]


def test_it_listens_to_this_machine_only(server: Server) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    assert len(server.token) >= 20


def test_the_page_and_its_files(server: Server) -> None:
    status, headers, page = ask(server, "")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert b"unsafe" not in headers["Content-Security-Policy"].encode()
    for name in ("demo.js", "maps.js", "style.css", "demo.css"):
        assert f"static/{name}".encode() in page or name == "maps.js"
        assert ask(server, f"static/{name}")[0] == 200
    for name in (
        "static/server.py",
        "static/../server.py",
        "static/%2e%2e/server.py",
        "static/",
        "static/x.js",
    ):
        assert ask(server, name)[0] in (200, 404)
        assert b"import" not in ask(server, name)[2] or name == "static/"


def test_a_drawing_is_answered(server: Server) -> None:
    status, headers, body = ask(server, "drawing?w=280&h=280", seven().tobytes())
    assert (status, json.loads(body)["top"][0][0]) == (200, "7")
    assert headers["Cache-Control"] == "no-store"
    assert ask(server, f"explanation?drawing={json.loads(body)['drawing']}")[0] == 200
    assert error(server, "explanation")[0] == 400


def test_a_dot_is_no_character_yet(server: Server) -> None:
    status, _, body = ask(server, "drawing?w=100&h=100", b"\xff" * 10_000)
    assert (status, list(json.loads(body))) == (200, ["nothing"])


@pytest.mark.parametrize("host", ["example.com", "evil.127.0.0.1.nip.io", "127.0.0.1", ""])
def test_other_hosts_are_refused(server: Server, host: str) -> None:
    assert error(server, "about", Host=host)[0] == 403


@pytest.mark.parametrize("origin", ["http://example.com", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_pages_of_other_sites_are_refused(server: Server, origin: str) -> None:
    assert error(server, "command", b"{}", Origin=origin) == (403, "requests of other sites are not answered")


def test_the_page_itself_may_ask(server: Server) -> None:
    assert ask(server, "about", Origin=f"http://127.0.0.1:{server.port}")[0] == 200
    assert ask(server, "about", Host=f"localhost:{server.port}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/about", "/x/about", "//", "/%C3%A9/"])
def test_without_the_token_nothing_is_answered(server: Server, path: str) -> None:
    status, said = error(server, path)
    assert (status, said) == (404, "the address must be the one that cnnfast demo has printed")
    assert server.token not in said


def test_large_and_wrong_requests(server: Server) -> None:
    assert error(server, "teach", b"x" * 10_001)[0] == 413
    assert error(server, "drawing?w=280&h=280", b"x" * 100) == (
        400,
        "a drawing of 280x280 has 100 bytes; sizes are 8 to 1024",
    )
    assert error(server, "drawing?w=-1&h=99999999999999999999", b"x")[0] == 400
    for body in (b"", b"[]", b"{" * 5000, b"\xff", b'{"label": 3}'):
        assert error(server, "teach", body)[0] == 400
    assert error(server, "image", b"no image at all")[0] == 400
    assert error(server, "nothing")[0] == 404
    assert error(server, "command", b'{"action": "run"}') == (400, "no training was started")
    status, _, _ = ask(server, "about", method="DELETE")
    assert status == 501


def test_a_body_without_a_length_is_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        head = f"POST /{server.token}/teach HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        raw.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_closed_tab_does_no_harm(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    for part in (b"", b"GET /", f"GET /{server.token}/explanation HTTP/1.1\r\nHost: x".encode()):
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(part)
    assert ask(server, "about")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_two_tabs_at_once(server: Server) -> None:
    found: list[str] = []

    def draw() -> None:
        for _ in range(3):
            body = ask(server, "drawing?w=280&h=280", seven().tobytes())[2]
            found.append(json.loads(body)["top"][0][0])

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["7"] * 9


def test_a_fault_is_told_and_the_demo_goes_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.session, "about", lambda: 1 / 0)
    assert error(server, "about") == (500, "ZeroDivisionError: division by zero")
    assert ask(server, "learning")[0] == 200


def test_a_port_in_use(server: Server) -> None:
    with pytest.raises(CnnfastError, match=rf"--port {server.port}: .*; another port, or none"):
        Server(server.session, server.port)
