"""Replacements for the published data sets: small random files on a test server, with their checksums."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cnnfast.datasets import checksums, transfer
from cnnfast.datasets.checksums import RemoteFile, Source

from tests.support.file_server import FileServer


def random_bytes(name: str, size: int) -> bytes:
    return np.random.default_rng(sum(name.encode())).bytes(size)


def described(name: str, content: bytes) -> RemoteFile:
    sha256, md5 = hashlib.sha256(content).hexdigest(), hashlib.md5(content).hexdigest()
    return RemoteFile(name, len(content), sha256, md5)


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return stream.getvalue()


def in_folder(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fake_mnist(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """MNIST, as far as `download` knows, is four small files of this server."""
    files = {file.name: random_bytes(file.name, 40_000) for file in checksums.MNIST.files}
    server.files.update(files)
    described_files = tuple(described(name, content) for name, content in files.items())
    monkeypatch.setattr(checksums, "MNIST", Source("MNIST", "mnist", (server.url,), described_files))
    monkeypatch.setattr(transfer, "_CHUNK", 4096)
    return files


def fake_emnist(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """EMNIST is a small zip file of this server."""
    files = {file.name: random_bytes(file.name, 3000) for file in checksums.EMNIST.files}
    set_archive(server, monkeypatch, files, {f"gzip/{name}": content for name, content in files.items()})
    return files


def set_archive(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], members: dict[str, bytes]
) -> None:
    """Serve a zip file of `members`, in which `files` are said to be published."""
    whole = zipped(members)
    server.files["gzip.zip"] = whole
    source = Source(
        "EMNIST",
        "emnist",
        (server.url,),
        tuple(described(name, content) for name, content in files.items()),
        RemoteFile("gzip.zip", len(whole), md5=hashlib.md5(whole).hexdigest()),
    )
    monkeypatch.setattr(checksums, "EMNIST", source)
