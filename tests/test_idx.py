"""The idx reader on well-formed files; `hostile/test_idx_files.py` has the others."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from cnnfast.datasets import read_idx

from .idx_files import idx_bytes, random_images


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
        ValueError, match=r"^read_idx: kind must be 'images', 'labels' or None, got 'pictures'$"
    ):
        read_idx(tmp_path / "any", kind="pictures")  # type: ignore[arg-type]


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")
