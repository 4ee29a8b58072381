"""Archives of CIFAR that lead outside, lie about sizes, or are none at all: nothing is written, memory is
limited."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from cnnfast.datasets import CIFAR10, tar_members
from cnnfast.datasets.tar_members import read_members
from cnnfast.errors import DataError

from tests.support.refusal import refused

WANTED = "folder/file"


def member(name: str, size: int = 3, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


def archive(*members: tuple[tarfile.TarInfo, bytes], end: bytes = bytes(1024)) -> bytes:
    """A .tar.gz file of headers and contents, as they are."""
    parts = [
        info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512) for info, content in members
    ]
    return gzip.compress(b"".join(parts) + end, 1)


def test_plain_members() -> None:
    content = archive((member("./folder/file"), b"abc"), (member("other"), b"xyz"))
    assert read_members("read", content, [WANTED, "none"]) == {WANTED: b"abc"}


@pytest.mark.parametrize(
    "name", ["../folder/file", "/folder/file", "file", "x/../folder/file", "folder\\file"]
)
def test_other_paths_are_not_read(name: str) -> None:
    assert read_members("read", archive((member(name), b"abc")), [WANTED]) == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_not_followed(tmp_path: Path, kind: bytes) -> None:
    secret = tmp_path / "secret"
    secret.write_text("abc")
    assert read_members("read", archive((member(WANTED, 0, kind, str(secret)), b"")), [WANTED]) == {}
    with refused(DataError, "the data in memory: no member is called cifar-10-batches-py/test_batch"):
        CIFAR10(train=False, root=archive((member("cifar-10-batches-py/test_batch", 0, kind, "/x"), b"")))
    assert {path.name for path in tmp_path.iterdir()} == {"secret"}


def test_two_members_of_one_name() -> None:
    content = archive((member(WANTED), b"abc"), (member(WANTED), b"xyz"))
    with refused(DataError, f"the data in memory: two members are called {WANTED}"):
        read_members("read", content, [WANTED])


@pytest.mark.parametrize("size", [4000, 1 << 40, -512])
def test_sizes_that_lie(size: int) -> None:
    content = archive((member(WANTED, size), b"abc"))
    with pytest.raises(DataError, match=r"^the data in memory: not a readable \.tar\.gz file \("):
        read_members("read", content, [WANTED])


@pytest.mark.parametrize("name", [WANTED, "other"])
def test_bombs_are_not_unpacked(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(tar_members, "_MOST_BYTES", 4_000_000)
    content = archive((member(name, 50_000_000), bytes(50_000_000)))
    tracemalloc.start()
    with refused(DataError, "the data in memory: more than 4 million bytes when unpacked"):
        read_members("read", content, [WANTED])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_bombs_in_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_members, "_MOST_BYTES", 4_000_000)
    content = archive((member("pax", 50_000_000, tarfile.XHDTYPE), bytes(50_000_000)))
    with refused(DataError, "the data in memory: more than 4 million bytes when unpacked"):
        read_members("read", content, [WANTED])
    with refused(DataError, "the data in memory: more than 1000 members"):
        read_members("read", archive(*[(member("a", 0), b"")] * 1001), [WANTED])
    nested = archive(*[(member("././@LongLink", 2, tarfile.GNUTYPE_LONGNAME), b"a\0")] * 3000)
    with pytest.raises(DataError, match="not a readable"):
        read_members("read", nested, [WANTED])


def test_sparse_members_are_not_read() -> None:
    sparse = member(WANTED, 0, tarfile.GNUTYPE_SPARSE)
    buffer = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    buffer[483:495] = b"77777777777\0"  # 8 GB, none of them in the file
    buffer[148:156] = b"%06o\0 " % (256 + sum(buffer[:148]) + sum(buffer[156:512]))
    assert read_members("read", gzip.compress(bytes(buffer) + bytes(1024)), [WANTED]) == {}


def test_every_cut_and_changed_byte() -> None:
    random = np.random.default_rng(0)
    whole = archive((member(WANTED, 700), random.bytes(700)))
    for cut in range(0, len(whole), 7):
        with pytest.raises(DataError):
            read_members("read", whole[:cut], [WANTED])
    for place in range(10, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        with pytest.raises(DataError):
            read_members("read", bytes(changed), [WANTED])


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", gzip.compress(b"<html>" * 500), gzip.compress(b"")],
    ids=["empty", "page", "packed page", "packed empty"],
)
def test_other_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"^{path}: (not a readable \.tar\.gz file|no member is called) "):
        CIFAR10(root=path)
    with pytest.raises(DataError):
        CIFAR10(root=io.BytesIO(content))
