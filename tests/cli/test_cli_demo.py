"""`cnnfast demo`: what it prints, and how it ends."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cnnfast.cli import main

from tests.support.command import error_of


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_it_serves_until_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cnnfast", "demo", "digits", "--no-browser", "--root", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        url = urlsplit(running.stdout.readline().strip())
        assert url.port is not None
        connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=10)
        connection.request("GET", url.path)
        assert b"cnnfast demo" in connection.getresponse().read()
        connection.close()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=10)
    assert running.returncode == 0
    assert err == "Ctrl-C ends the demo\n"


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = error_of(capsys, "demo", "digits", "--no-browser", "--port", str(port))
    assert said.startswith(f"--port {port}: ")
    assert error_of(capsys, "demo", "none") == "load: there is no file none"
    assert main(["demo", "--port", "70000"]) == 2
    assert "'70000' is not an integer from 0 to 65535" in capsys.readouterr().err
