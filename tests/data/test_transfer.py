"""Downloads that break off and are taken up again, from a server on this machine."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cnnfast.datasets import checksums, transfer
from cnnfast.datasets.checksums import RemoteFile
from cnnfast.errors import DownloadError

from tests.support.fake_release import in_folder
from tests.support.file_server import FileServer

pytest.importorskip("requests", reason="downloading needs the package requests")

#: A file as published, and its content.
One = tuple[RemoteFile, bytes]


class TestResuming:
    NAME = "train-images-idx3-ubyte.gz"

    @pytest.fixture
    def one(self, mnist: dict[str, bytes]) -> One:
        return checksums.MNIST.files[0], mnist[self.NAME]

    def fetch(self, server: FileServer, file: RemoteFile, folder: Path) -> Path:
        target = folder / file.name
        transfer.fetch(file, server.url + file.name, target, lambda name, done, total: None)
        assert not target.with_name(f"{file.name}.part").exists()
        return target

    def test_a_connection_that_breaks_off_is_taken_up_again(
        self, server: FileServer, one: One, tmp_path: Path
    ) -> None:
        file, content = one
        server.cut_after = 15_000
        assert self.fetch(server, file, tmp_path).read_bytes() == content
        assert [wanted for _, wanted in server.requests] == [None, "bytes=15000-", "bytes=30000-"]

    def test_continues_an_earlier_part(self, server: FileServer, one: One, tmp_path: Path) -> None:
        file, content = one
        part = tmp_path / f"{file.name}.part"
        part.write_bytes(content[:12_345])
        assert self.fetch(server, file, tmp_path).read_bytes() == content
        assert server.requests == [(file.name, "bytes=12345-")]

    def test_whole_part_needs_no_request(self, server: FileServer, one: One, tmp_path: Path) -> None:
        file, content = one
        (tmp_path / f"{file.name}.part").write_bytes(content)
        assert self.fetch(server, file, tmp_path).read_bytes() == content
        assert server.requests == []

    def test_interrupted_then_run_again(self, server: FileServer, one: One, tmp_path: Path) -> None:
        """Ctrl-C leaves the part that came; the next call fetches only the rest."""
        file, content = one

        def interrupt(name: str, done: int, total: int) -> None:
            assert (name, total) == (file.name, len(content))
            if done > 10_000:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            transfer.fetch(file, server.url + file.name, tmp_path / file.name, interrupt)
        assert in_folder(tmp_path) == {f"{file.name}.part"}
        kept = (tmp_path / f"{file.name}.part").stat().st_size
        assert 10_000 < kept < len(content)
        assert self.fetch(server, file, tmp_path).read_bytes() == content
        assert server.requests[-1] == (file.name, f"bytes={kept}-")

    def test_server_without_ranges_starts_again(self, server: FileServer, one: One, tmp_path: Path) -> None:
        file, content = one
        server.ranges = False
        (tmp_path / f"{file.name}.part").write_bytes(b"x" * 5000)
        assert self.fetch(server, file, tmp_path).read_bytes() == content

    def test_part_of_something_else_is_dropped(self, server: FileServer, one: One, tmp_path: Path) -> None:
        file, content = one
        (tmp_path / f"{file.name}.part").write_bytes(b"x" * 5000)
        assert self.fetch(server, file, tmp_path).read_bytes() == content
        assert [wanted for _, wanted in server.requests] == ["bytes=5000-", None]
        (tmp_path / f"{file.name}.part").write_bytes(b"x" * 50_000)  # longer than the file
        assert self.fetch(server, file, tmp_path).read_bytes() == content

    def test_server_whose_file_is_shorter_than_the_part(
        self, server: FileServer, one: One, tmp_path: Path
    ) -> None:
        file, content = one
        server.files[file.name] = content[:20_000]
        (tmp_path / f"{file.name}.part").write_bytes(content[:30_000])
        with pytest.raises(transfer.TransferError, match=r"offers 20000 bytes, expected 40000$"):
            self.fetch(server, file, tmp_path)
        assert [wanted for _, wanted in server.requests] == ["bytes=30000-", None]

    def test_two_at_once(self, server: FileServer, one: One, tmp_path: Path) -> None:
        fcntl = pytest.importorskip("fcntl", reason="this system has no locks of this kind")
        file, content = one
        part = tmp_path / f"{file.name}.part"
        part.write_bytes(content[:100])
        with part.open("rb") as other:  # locks belong to open files, not to processes
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(DownloadError) as caught:
                self.fetch(server, file, tmp_path)
        assert str(caught.value) == (
            f"{tmp_path / file.name}: another process is downloading it; wait until it has ended"
        )
        assert part.read_bytes() == content[:100]
        assert server.requests == []
        assert self.fetch(server, file, tmp_path).read_bytes() == content

    def test_another_that_ends_in_between(
        self, server: FileServer, one: One, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fcntl = pytest.importorskip("fcntl", reason="this system has no locks of this kind")
        file, content = one
        target, part = tmp_path / file.name, tmp_path / f"{file.name}.part"
        part.write_bytes(content)
        flock, asked = fcntl.flock, []

        def ended_before(handle: int, operation: int) -> None:
            asked.append(handle)
            if len(asked) == 1:
                part.rename(target)
            flock(handle, operation)

        monkeypatch.setattr(fcntl, "flock", ended_before)
        inode = part.stat().st_ino
        assert self.fetch(server, file, tmp_path).read_bytes() == content
        assert len(asked) == 2
        assert target.stat().st_ino != inode

    def test_what_cannot_be_reached_leaves_nothing(self, one: One, tmp_path: Path) -> None:
        file, _ = one
        for url in ("http://127.0.0.1:9/me:secret@", "http://me:secret@127.0.0.1:9/a?token=secret"):
            with pytest.raises(transfer.TransferError) as caught:
                transfer.fetch(file, url, tmp_path / file.name, lambda name, done, total: None)
            assert "cannot be reached" in str(caught.value)
        assert str(caught.value) == "http://***@127.0.0.1:9/a?*** cannot be reached"
        assert in_folder(tmp_path) == set()

    def test_a_full_disk_names_the_file(
        self, server: FileServer, one: One, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, _ = one

        def full(response: object) -> Iterator[bytes]:
            yield b"some"
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(transfer, "_chunks", full)
        with pytest.raises(OSError, match=re.escape(f"{os.strerror(errno.ENOSPC)}: {str(tmp_path)!r}"[:-1])):
            self.fetch(server, file, tmp_path)

    def test_gives_up_when_nothing_more_comes(self, server: FileServer, one: One, tmp_path: Path) -> None:
        file, content = one
        server.cut_after = 9000
        (tmp_path / f"{file.name}.part").write_bytes(content[:100])
        server.ranges = False  # so every attempt ends at the same place
        with pytest.raises(transfer.TransferError) as caught:
            self.fetch(server, file, tmp_path)
        assert str(caught.value) == (
            f"{server.url}{file.name} broke off after 9000 of 40000 bytes; "
            "9000 of 40000 bytes are kept for the next attempt"
        )
        assert len(server.requests) == 2
        assert (tmp_path / f"{file.name}.part").read_bytes() == content[:9000]
