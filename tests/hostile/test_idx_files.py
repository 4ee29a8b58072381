"""Damaged and lying idx files: every one is refused with its name and the reason, and with little memory."""

from __future__ import annotations

import gzip
import os
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast.datasets import EMNIST, MNIST, read_idx
from cnnfast.errors import CnnfastError, DataError

from tests.support.idx_files import emnist_stems, idx_bytes, random_images, write_pair

LABELS = idx_bytes([3, 1, 2])
IMAGES = idx_bytes(random_images(2))
HUGE = struct.pack(">BBBBIII", 0, 0, 8, 3, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def refusal(path: Path, content: bytes, kind: Any = None) -> str:
    """What the reader says against a file with this content, without the file's name, which comes first."""
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path, kind=kind)
    assert isinstance(caught.value, CnnfastError)
    assert isinstance(caught.value, ValueError)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data-idx-ubyte"


WRONG_START = [
    (b"", None, "truncated: 0 bytes where an idx header has at least 8"),
    (b"\0\0\x08", None, "truncated: 3 bytes where an idx header has at least 8"),
    (
        b"PK\x03\x04zip",
        None,
        "not an idx file: it starts with 50 4b 03 04, an idx file of bytes with 00 00 08",
    ),
    (
        b"\0\x01\x08\x01" + bytes(8),
        None,
        "not an idx file: it starts with 00 01 08 01, an idx file of bytes with 00 00 08",
    ),
    (
        b"<!DOCTYPE html><html>not here any more</html>",
        None,
        "a web page, not an idx file; delete it and download the data again",
    ),
    (b"\0\0\x0d\x01" + bytes(8), None, "type byte 0x0d (float32); only 0x08 (unsigned bytes) is read"),
    (b"\0\0\x09\x01" + bytes(8), None, "type byte 0x09 (int8); only 0x08 (unsigned bytes) is read"),
    (b"\0\0\x07\x01" + bytes(8), None, "type byte 0x07 (unknown); only 0x08 (unsigned bytes) is read"),
    (LABELS, "images", "1 dimensions in the header, images have 3"),
    (IMAGES, "labels", "3 dimensions in the header, labels have 1"),
    (b"\0\0\x08\x00", None, "0 dimensions in the header, expected 1 to 4"),
    (b"\0\0\x08\xff" + bytes(4 * 255), None, "255 dimensions in the header, expected 1 to 4"),
    (IMAGES[:9], None, "truncated: 9 bytes where the header alone has 16"),
    (
        struct.pack(">BBBBIII", 0, 0, 8, 3, 5, 0, 28),
        "images",
        "an extent of 0 in the header: 5x0x28",
    ),
]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("content", "kind", "reason"), WRONG_START)
def test_wrong_header(path: Path, content: bytes, kind: Any, reason: str, packed: bool) -> None:
    assert refusal(path, gzip.compress(content) if packed else content, kind) == reason


def test_truncated_content_plain_and_packed(path: Path) -> None:
    reason = "truncated: 1567 bytes of content, the header promises 2x28x28 = 1568"
    assert refusal(path, IMAGES[:-1]) == reason
    assert refusal(path, gzip.compress(IMAGES[:-1])) == reason


def test_trailing_bytes_plain_and_packed(path: Path) -> None:
    assert refusal(path, LABELS + b"xy") == "2 trailing bytes after the 3 that the header promises (3)"
    trailing = "trailing bytes after the 3 that the header promises (3)"
    assert refusal(path, gzip.compress(LABELS + b"x")) == trailing
    assert refusal(path, gzip.compress(LABELS) + b"x") == trailing  # behind the gzip data
    assert refusal(path, gzip.compress(LABELS) + gzip.compress(b"x")) == trailing  # a second gzip member


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 200])
def test_gzip_data_cut_short(path: Path, cut: int) -> None:
    packed = gzip.compress(IMAGES)
    reason = refusal(path, packed[:-cut])
    if cut <= 8:
        assert reason == "truncated: the gzip data ends before its checksum"
    else:
        assert reason.startswith("truncated: ")
        assert reason.endswith("the header promises 2x28x28 = 1568")


def test_gzip_data_changed(path: Path) -> None:
    packed = bytearray(gzip.compress(IMAGES, 0))
    packed[-20] ^= 1  # one pixel; only the checksum can tell
    assert refusal(path, bytes(packed)).startswith("damaged gzip data (")
    assert "incorrect data check" in refusal(path, bytes(packed))
    assert refusal(path, b"\x1f\x8b\x08" + b"\xff" * 40).startswith("damaged gzip data (")


def test_any_single_changed_byte_of_a_gzip_file_is_noticed_or_harmless(path: Path) -> None:
    packed = gzip.compress(LABELS)
    reasons: list[str] = []
    for position in range(len(packed)):
        changed = bytearray(packed)
        changed[position] ^= 0x10
        path.write_bytes(bytes(changed))
        try:
            read = read_idx(path)
        except DataError as error:
            reasons.append(str(error))
        else:
            assert read.tolist() == [3, 1, 2]  # a byte of the gzip header that means nothing, like the time
    assert len(reasons) > len(packed) // 2
    assert all(reason.startswith(f"{path}: ") for reason in reasons)


def test_absurd_extents_are_refused_without_memory(path: Path) -> None:
    n = 0xFFFFFFFF**3
    tracemalloc.start()
    plain = refusal(path, HUGE + b"few")
    packed_content = gzip.compress(HUGE + b"few")
    packed = refusal(path, packed_content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert plain == (
        f"truncated: 3 bytes of content, the header promises 4294967295x4294967295x4294967295 = {n}"
    )
    assert packed == (
        f"header promises 4294967295x4294967295x4294967295 = {n} bytes, but a gzip file of "
        f"{len(packed_content)} bytes holds at most {1032 * len(packed_content)}"
    )
    assert peak < 1_000_000


def test_plausible_lie_in_a_gzip_header_costs_no_memory(path: Path) -> None:
    content = np.random.default_rng(0).bytes(
        20_000
    )  # does not compress, so up to 20 MB would pass the first check
    promised = 1000 * len(content)
    tracemalloc.start()
    reason = refusal(path, gzip.compress(struct.pack(">BBBBI", 0, 0, 8, 1, promised) + content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reason == f"truncated: 20000 bytes of content, the header promises {promised} = {promised}"
    assert peak < 1_000_000


def test_decompression_bomb_is_not_inflated(path: Path) -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = squeeze.compress(LABELS)
    for _ in range(64):
        bomb += squeeze.compress(bytes(1 << 20))
    bomb += squeeze.flush()
    tracemalloc.start()
    reason = refusal(path, bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reason == "trailing bytes after the 3 that the header promises (3)"
    assert peak < 2_000_000


def test_folder_and_pipe_are_not_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not a file$"):
        read_idx(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")  # opening it would wait for a writer for ever
        with pytest.raises(DataError, match=r"not a file$"):
            read_idx(tmp_path / "pipe")


class TestPairs:
    """Files that are fine by themselves but not together."""

    def test_count_mismatch(self, tmp_path: Path) -> None:
        stems = emnist_stems("digits", "train")
        write_pair(tmp_path / "emnist", stems, random_images(3), [1, 2])
        with pytest.raises(DataError) as caught:
            EMNIST("digits", root=tmp_path)
        images = tmp_path / "emnist" / f"{stems[0]}.gz"
        assert str(caught.value) == f"{images} holds 3 images, but {stems[1]}.gz 2 labels"

    @pytest.mark.parametrize(
        ("split", "labels", "reason"),
        [
            ("letters", [1, 26, 27], "label 27 at position 2 is outside of 1 .. 26"),
            ("letters", [1, 0, 3], "label 0 at position 1 is outside of 1 .. 26"),
            ("balanced", [0, 46, 47], "label 47 at position 2 is outside of 0 .. 46"),
            ("byclass", [62, 0, 0], "label 62 at position 0 is outside of 0 .. 61"),
            ("mnist", [0, 9, 10], "label 10 at position 2 is outside of 0 .. 9"),
        ],
    )
    def test_labels_out_of_range(self, tmp_path: Path, split: str, labels: list[int], reason: str) -> None:
        stems = emnist_stems(split, "train")
        write_pair(tmp_path / "emnist", stems, random_images(3), labels)
        with pytest.raises(DataError) as caught:
            EMNIST(split, root=tmp_path)
        assert str(caught.value) == f"{tmp_path / 'emnist' / stems[1]}.gz: {reason}"

    def test_images_of_another_size(self, tmp_path: Path) -> None:
        stems = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
        write_pair(tmp_path / "mnist", stems, np.zeros((2, 32, 30), np.uint8), [0, 1], packed=False)
        with pytest.raises(DataError) as caught:
            MNIST(root=tmp_path)
        assert str(caught.value) == f"{tmp_path / 'mnist' / stems[0]}: images of 32x30, expected 28x28"

    def test_labels_and_images_exchanged(self, tmp_path: Path) -> None:
        stems = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
        write_pair(tmp_path / "mnist", (stems[1], stems[0]), random_images(2), [0, 1])
        with pytest.raises(
            DataError, match=r"train-labels-idx1-ubyte\.gz: 3 dimensions in the header, labels have 1$"
        ):
            MNIST(root=tmp_path)
