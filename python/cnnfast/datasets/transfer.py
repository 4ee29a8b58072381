"""Downloads one published file over HTTP, with resuming; accepted only if its size and checksums match.

The bytes are written to ``<name>.part`` beside the target and renamed when complete and verified. Only one
process at a time writes there. HTTP itself is done by `requests`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .._files import naming
from .._locks import acquire
from .._text import redacted
from ..errors import DownloadError, require
from .checksums import RemoteFile

#: Called with (file name, bytes so far, total bytes).
Report = Callable[[str, int, int], None]

_CHUNK = 1 << 18
_ATTEMPTS = 5
_TIMEOUT = (15, 60)  # seconds to connect, and to wait for the next bytes


class TransferError(Exception):
    """Why a download from one URL failed; `download` collects the reasons in a `DownloadError`."""


class _ConnectionLost(Exception):
    """The connection ended early; the bytes received are in the .part file."""


def fetch(file: RemoteFile, url: str, target: Path, report: Report) -> None:
    """Download `url` to `target`, continuing an earlier ``.part`` file if the server can.

    A broken connection is resumed up to four times, as long as each attempt receives data.

    Raises:
        TransferError: The server cannot be reached, or serves something else than `file`.
        DownloadError: Another process is downloading the same file.
        OSError: The disk is full, or the folder is not writeable; names the file.
        KeyboardInterrupt: As usual; the bytes received are kept for the next call.
    """
    part = target.with_name(f"{target.name}.part")
    with _only_writer(part, target), naming(target):
        resumed = part.stat().st_size > 0
        while True:
            _complete(file, url, part, report)
            wrong = mismatch(part, file)
            if wrong is None:
                os.replace(part, target)
                return
            os.truncate(part, 0)
            if not resumed:
                raise TransferError(f"{redacted(url)}: {wrong}")
            resumed = False  # the resumed part may have been wrong: retry from the start


def mismatch(path: Path, file: RemoteFile) -> str | None:
    """What is wrong with the file at `path`, or None if it is the published one."""
    size = path.stat().st_size
    if size != file.size:
        return f"{size} bytes, expected {file.size}"
    for algorithm, expected in (("sha256", file.sha256), ("md5", file.md5)):
        if expected is not None:
            # md5 as published, to detect damage; where a sha256 is known, it is checked too
            digest = hashlib.new(algorithm, usedforsecurity=False)
            with path.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
            if digest.hexdigest() != expected:
                return f"{algorithm} is {digest.hexdigest()}, expected {expected}"
    return None


@contextlib.contextmanager
def _only_writer(part: Path, target: Path) -> Iterator[None]:
    """Creates the part file and locks it against other processes, if the system supports locks."""
    if os.name == "nt":  # where an open file cannot be renamed
        part.touch()
        yield
        return
    try:
        handle = acquire(part)
    except BlockingIOError:
        text = f"{target}: another process is downloading it; wait until it has ended"
        raise DownloadError(text) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if part.stat().st_size == 0:
                part.unlink()
        os.close(handle)


def _complete(file: RemoteFile, url: str, part: Path, report: Report) -> None:
    """Extend `part` until it has the published size."""
    for attempt in range(1, _ATTEMPTS + 1):
        before = part.stat().st_size
        if before == file.size:
            return
        try:
            _request(file, url, part, before, report)
        except _ConnectionLost as reason:
            received = part.stat().st_size
            if attempt == _ATTEMPTS or received <= before:
                kept = f"; {received} of {file.size} bytes are kept for the next attempt" if received else ""
                raise TransferError(f"{redacted(url)} {reason}{kept}") from None


def _request(file: RemoteFile, url: str, part: Path, before: int, report: Report) -> None:
    requests = require("requests", "downloading")
    headers = {"Accept-Encoding": "identity"}
    if before:
        headers["Range"] = f"bytes={before}-"
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT)
    except requests.exceptions.Timeout:
        raise _ConnectionLost(f"did not answer within {_TIMEOUT[0]} seconds") from None
    except requests.exceptions.ConnectionError:
        raise _ConnectionLost("cannot be reached") from None
    except requests.exceptions.RequestException as error:
        raise TransferError(redacted(f"{url}: {error}")) from None
    with response:
        if before and response.status_code == 416:  # the server's file is shorter: restart
            os.truncate(part, 0)
            _request(file, url, part, 0, report)
            return
        start = _check_response(response, redacted(url), file, before)
        _append(response, part, start, file, redacted(url), report)


def _check_response(response: Any, url: str, file: RemoteFile, before: int) -> int:
    """The position the response starts at: `before`, or 0 if the server does not support ranges."""
    if response.status_code not in (200, 206):
        raise TransferError(f"{url} answered {response.status_code} {response.reason}")
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise TransferError(f"{url} answered with a web page in place of the file")
    start = 0
    if response.status_code == 206:
        content_range = response.headers.get("Content-Range", "")
        if not content_range.startswith(f"bytes {before}-"):
            raise TransferError(
                f"{url} answered with another range than requested ({content_range or 'no Content-Range'})"
            )
        start = before
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and start + int(length) != file.size:
        raise TransferError(f"{url} offers {start + int(length)} bytes, expected {file.size}")
    return start


def _append(response: Any, part: Path, start: int, file: RemoteFile, url: str, report: Report) -> None:
    done = start
    report(file.name, done, file.size)
    with part.open("r+b" if start else "wb") as stream:
        stream.seek(start)
        for chunk in _chunks(response):
            done += len(chunk)
            if done > file.size:
                raise TransferError(f"{url} sent more than the expected {file.size} bytes")
            stream.write(chunk)
            report(file.name, done, file.size)
    if done < file.size:
        raise _ConnectionLost(f"broke off after {done} of {file.size} bytes")


def _chunks(response: Any) -> Iterator[bytes]:
    """The raw bytes, without decoding any Content-Encoding: the .gz file itself is wanted."""
    urllib3 = require("urllib3", "downloading")
    try:
        yield from response.raw.stream(_CHUNK, decode_content=False)
    except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError):
        return  # the caller counts the bytes received
