"""The idx reader on well-formed files; `hostile/test_idx_files.py` has the others."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from cnnfast.datasets import idx, read_idx
from cnnfast.errors import DataError

from tests.support.idx_files import idx_bytes, random_images


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", [(0,), (1,), (1000,), (5, 7), (3, 28, 28), (0, 28, 28), (2, 3, 5, 4)])
def test_reads_back_what_was_written(tmp_path: Path, shape: tuple[int, ...], packed: bool) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "file"  # no .gz: the content decides
    path.write_bytes(gzip.compress(idx_bytes(array)) if packed else idx_bytes(array))
    read = read_idx(path)
    assert read.dtype == np.uint8
    assert read.shape == shape
    assert read.flags.writeable
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, array)


def test_extents_are_big_endian(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 1, 2]) + bytes(range(256)) + b"\x07\x09")
    assert read_idx(path).tolist() == [*range(256), 7, 9]


def test_plain_file_named_gz_and_text_path(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(idx_bytes(random_images(2)))
    np.testing.assert_array_equal(read_idx(str(path), kind="images"), random_images(2))


def test_large_gzip_file_in_several_deflate_blocks(tmp_path: Path) -> None:
    images = random_images(3000)
    images[::2] = 0  # half of it compresses well
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(images), 6))
    np.testing.assert_array_equal(read_idx(path, kind="images"), images)


def test_extreme_compression_is_still_read(tmp_path: Path) -> None:
    images = np.zeros((20_000, 28, 28), np.uint8)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(images), 9))
    assert (
        path.stat().st_size * 1000 < images.size * 1.2
    )  # near deflate's limit, so the plausibility check is tight
    assert read_idx(path).sum() == 0


def test_kind_is_checked(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^read_idx: kind must be 'images', 'labels' or None, got 'photos'$"
    ):
        read_idx(tmp_path / "any", kind="photos")  # type: ignore[arg-type]


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")


@pytest.mark.parametrize("padding", [b"", b"\0" * 512], ids=["", "zeros"])
@pytest.mark.parametrize("members", [1, 3, 200, 70_000])
def test_gzip_files_of_several_members(members: int, padding: bytes, tmp_path: Path) -> None:
    """As `cat a.gz b.gz` and programs that compress in parallel make them."""
    content = np.random.default_rng(0).integers(0, 256, (100, 28, 28), dtype=np.uint8)
    raw = bytes((0, 0, 8, 3)) + np.array(content.shape, dtype=">u4").tobytes() + content.tobytes()
    size = -(-len(raw) // members)
    parts = [raw[start : start + size] for start in range(0, len(raw), size)]
    path = tmp_path / "images.gz"
    if members == 200:  # an empty member at the end is the mark of some of them
        parts.append(b"")
    if members == 70_000:  # cut members at any place
        parts = [raw[:1], raw[1:2], raw[2:17], raw[17:]]
    path.write_bytes(padding.join(gzip.compress(part) for part in parts) + padding)
    np.testing.assert_array_equal(read_idx(path), content)
    path.write_bytes(path.read_bytes()[: -len(padding) - 1])
    with pytest.raises(DataError, match="truncated: "):
        read_idx(path)


def test_a_gzip_file_of_endless_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "_MAX_MEMBERS", 100)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(b"") * 102)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert str(caught.value) == f"{path}: damaged gzip data (more than 100 members)"


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (tmp_path / "pipe", "~/pipe", tmp_path):
        with pytest.raises(DataError, match=r"not a file$"):
            read_idx(path)
