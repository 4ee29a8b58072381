"""Servers that are not there, or serve something else than was published: refused, nothing left behind."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

import pytest
from cnnfast import datasets, errors
from cnnfast.datasets import checksums
from cnnfast.errors import DownloadError

from tests.support.fake_release import in_folder
from tests.support.file_server import FileServer
from tests.support.refusal import refused

pytest.importorskip("requests", reason="downloading needs the package requests")

PAGE = b"<html><body>moved</body></html>"


class TestRefusals:
    """Each failure is one sentence: why, and which file to put where."""

    def sentence(self, folder: Path, reason: str) -> str:
        files = ", ".join(f"{file.name} (40000 bytes)" for file in checksums.MNIST.files)
        return f"MNIST could not be downloaded ({reason}): put {files} into {folder} by hand"

    def refuse(self, root: Path, reason: str) -> None:
        with refused(DownloadError, self.sentence(root / "mnist", reason)):
            datasets.download("mnist", root=root, progress=False)
        assert not (root / "mnist" / "train-images-idx3-ubyte.gz").exists()

    def test_no_network(
        self, mnist: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        monkeypatch.setattr(checksums, "MNIST", checksums.MNIST._replace(addresses=(url,)))
        self.refuse(tmp_path, f"{url}train-images-idx3-ubyte.gz cannot be reached")
        assert issubclass(DownloadError, OSError)

    def test_wrong_content(self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path) -> None:
        name = "train-images-idx3-ubyte.gz"
        server.files[name] = bytes(40_000)
        expected = checksums.MNIST.files[0].sha256
        found = hashlib.sha256(bytes(40_000)).hexdigest()
        self.refuse(tmp_path, f"{server.url}{name}: sha256 is {found}, expected {expected}")
        assert in_folder(tmp_path / "mnist") == set()

    def test_wrong_md5_alone_is_enough(
        self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, *others = checksums.MNIST.files
        wrong = first._replace(md5="0" * 32)
        monkeypatch.setattr(checksums, "MNIST", checksums.MNIST._replace(files=(wrong, *others)))
        self.refuse(tmp_path, f"{server.url}{first.name}: md5 is {first.md5}, expected {'0' * 32}")

    def test_wrong_size(self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path) -> None:
        name = "train-images-idx3-ubyte.gz"
        server.files[name] = bytes(110)
        self.refuse(tmp_path, f"{server.url}{name} offers 110 bytes, expected 40000")

    def test_more_than_expected_without_saying_so(
        self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path
    ) -> None:
        name = "train-images-idx3-ubyte.gz"
        server.files[name] = bytes(1_000_000)
        server.announce_length = False
        self.refuse(tmp_path, f"{server.url}{name} sent more than the expected 40000 bytes")
        assert (tmp_path / "mnist" / f"{name}.part").stat().st_size <= 40_000

    def test_web_page(self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path) -> None:
        name = "train-images-idx3-ubyte.gz"
        server.files[name] = PAGE
        server.content_type = "text/html; charset=utf-8"
        self.refuse(tmp_path, f"{server.url}{name} answered with a web page in place of the file")
        assert in_folder(tmp_path / "mnist") == set()

    def test_not_found(self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path) -> None:
        server.files.clear()
        self.refuse(tmp_path, f"{server.url}train-images-idx3-ubyte.gz answered 404 Not Found")

    def test_other_bytes_than_asked_for(
        self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path
    ) -> None:
        name = "train-images-idx3-ubyte.gz"
        (tmp_path / "mnist").mkdir()
        (tmp_path / "mnist" / f"{name}.part").write_bytes(mnist[name][:100])
        server.content_range = "bytes 7-39999/40000"
        self.refuse(
            tmp_path, f"{server.url}{name} answered with another range than requested (bytes 7-39999/40000)"
        )

    def test_every_address_is_named(
        self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.files.clear()
        two = checksums.MNIST._replace(addresses=(f"{server.url}one/", f"{server.url}two/"))
        monkeypatch.setattr(checksums, "MNIST", two)
        name = "train-images-idx3-ubyte.gz"
        self.refuse(
            tmp_path,
            f"{server.url}one/{name} answered 404 Not Found; {server.url}two/{name} answered 404 Not Found",
        )

    def test_names_and_url(self, tmp_path: Path) -> None:
        with refused(ValueError, "download: 'glyphs' needs no files; it is drawn when loaded"):
            datasets.download("glyphs", root=tmp_path)
        with refused(
            ValueError,
            "download: name must be one of emnist, emnist-letters, emnist-letters-derived, emnist-balanced, "
            "emnist-byclass, emnist-bymerge, emnist-digits, emnist-mnist, mnist, fashion-mnist, cifar10, "
            "cifar100; got 'svhn'",
        ):
            datasets.download("svhn", root=tmp_path)
        with refused(ValueError, "download: url must start with http:// or https://, got 'ftp://x/'"):
            datasets.download("mnist", root=tmp_path, url="ftp://x/")
        assert in_folder(tmp_path) == set()

    def test_requests_not_installed(
        self, mnist: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "requests", None)
        with refused(
            errors.MissingDependencyError,
            'downloading needs the package requests: pip install "cnnfast[cli]"',
        ):
            datasets.download("mnist", root=tmp_path, progress=False)
