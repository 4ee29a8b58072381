"""Zip files that lead outside, lie about sizes, or are none at all: refused, with nothing unpacked."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from pathlib import Path

import pytest
from cnnfast.datasets.archive import unpack
from cnnfast.datasets.checksums import RemoteFile
from cnnfast.errors import DownloadError

CONTENT = b"the published bytes" * 100
WANTED = RemoteFile("x-ubyte.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def archive(folder: Path, *members: tuple[str, bytes]) -> Path:
    path = folder / "inside" / "gzip.zip"
    path.parent.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names given twice
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in members:
                info = zipfile.ZipInfo(name)
                info.filename = info.orig_filename = name  # as it is, not as ZipInfo would clean it
                target.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def refusal(path: Path) -> str:
    before = {p: p.stat().st_size for p in path.parent.parent.rglob("*")}
    with pytest.raises(DownloadError) as caught:
        unpack(path, [WANTED], path.parent)
    assert {p: p.stat().st_size for p in path.parent.parent.rglob("*")} == before
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith("; nothing was unpacked")
    return text.removeprefix(f"{path}: ").removesuffix("; nothing was unpacked")


@pytest.mark.parametrize(
    "name",
    [
        "../x-ubyte.gz",
        "gzip/../../x-ubyte.gz",
        "/etc/x-ubyte.gz",
        "..\\x-ubyte.gz",
        "C:\\x-ubyte.gz",
        "C:x-ubyte.gz",
        "\\\\host\\share\\x-ubyte.gz",
    ],
)
def test_path_traversal(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path, (name, CONTENT))
    assert refusal(path) == f"member {name!r} leads out of the archive"


def test_traversal_in_a_member_nobody_wants(tmp_path: Path) -> None:
    path = archive(tmp_path, ("gzip/x-ubyte.gz", CONTENT), ("../../evil", b"!"))
    assert refusal(path) == "member '../../evil' leads out of the archive"
    assert not (tmp_path / "evil").exists()


def test_missing_and_doubled_members(tmp_path: Path) -> None:
    assert refusal(archive(tmp_path, ("gzip/y-ubyte.gz", CONTENT))) == "no member is called x-ubyte.gz"
    assert refusal(archive(tmp_path, ("x-ubyte.gz/", b""))) == "no member is called x-ubyte.gz"
    twice = archive(tmp_path, ("a/x-ubyte.gz", CONTENT), ("b/x-ubyte.gz", CONTENT))
    assert refusal(twice) == "two members are called x-ubyte.gz"


def test_size_and_hash_of_a_member(tmp_path: Path) -> None:
    bomb = archive(tmp_path, ("x-ubyte.gz", bytes(50_000_000)))
    assert refusal(bomb) == "member x-ubyte.gz has 50000000 bytes, expected 1900"
    other = bytes(len(CONTENT))
    found = hashlib.sha256(other).hexdigest()
    assert refusal(archive(tmp_path, ("x-ubyte.gz", other))) == (
        f"member x-ubyte.gz: sha256 is {found}, expected {WANTED.sha256}"
    )


def test_member_longer_than_its_directory_entry_says(tmp_path: Path) -> None:
    path = archive(tmp_path, ("x-ubyte.gz", bytes(5_000_000)))
    content = path.read_bytes()
    lying = content.replace((5_000_000).to_bytes(4, "little"), len(CONTENT).to_bytes(4, "little"))
    assert lying != content
    path.write_bytes(lying)
    assert "x-ubyte.gz" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"", b"<html>gone</html>", b"PK\x03\x04", b"PK\x05\x06" + bytes(18) + b"x" * 30]
)
def test_not_a_zip_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "inside" / "gzip.zip"
    path.parent.mkdir()
    path.write_bytes(content)
    if content.startswith(b"PK\x05\x06"):
        assert refusal(path) == "no member is called x-ubyte.gz"  # empty, with a comment
    else:
        assert refusal(path) == "not a readable zip file (File is not a zip file)"


def test_damaged_zip_files(tmp_path: Path) -> None:
    """Every single changed byte is refused with a `DownloadError`, or did not touch the wanted member."""
    whole = archive(tmp_path, ("gzip/x-ubyte.gz", CONTENT)).read_bytes()
    path = tmp_path / "inside" / "gzip.zip"
    reasons: list[str] = []
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x41
        path.write_bytes(bytes(damaged))
        try:
            unpack(path, [WANTED], path.parent)
        except DownloadError as error:
            reasons.append(str(error))
            assert {p.name for p in path.parent.iterdir()} == {"gzip.zip"}
        else:
            assert (path.parent / WANTED.name).read_bytes() == CONTENT
            (path.parent / WANTED.name).unlink()
    assert len(reasons) > len(whole) // 2
    assert all(reason.startswith(f"{path}: ") for reason in reasons)


def test_truncated_zip_file(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        target.writestr("x-ubyte.gz", CONTENT)
    path = tmp_path / "inside" / "gzip.zip"
    path.parent.mkdir()
    path.write_bytes(stream.getvalue()[:-30])
    assert refusal(path) == "not a readable zip file (File is not a zip file)"
