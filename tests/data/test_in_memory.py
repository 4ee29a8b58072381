"""Readers of data files take their content too: bytes, or a binary file object."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast.datasets import from_csv, from_idx, from_npy, from_npz, read_idx
from cnnfast.errors import DataError

from tests.support.idx_files import idx_bytes, random_images
from tests.support.refusal import refused

IMAGES, LABELS = random_images(4), [3, 5, 3, 5]


def saved(save: Callable[..., None], *arrays: Any, **named: Any) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


class Pipe(io.RawIOBase):
    """A file that cannot be rewound, and returns a little at a time."""

    def __init__(self, content: bytes) -> None:
        self._rest = content

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        part, self._rest = self._rest[:1000], self._rest[1000:]
        return part


FORMS: list[Callable[[bytes], Any]] = [bytes, bytearray, memoryview, io.BytesIO, Pipe]


@pytest.mark.parametrize("form", FORMS)
def test_every_reader(form: Callable[[bytes], Any]) -> None:
    rows = "".join(
        f"{label},{','.join(map(str, row))}\n" for label, row in zip(LABELS, pixels(), strict=True)
    )
    idx_labels = gzip.compress(idx_bytes(LABELS))
    for data in (
        from_idx(form(idx_bytes(IMAGES)), labels=form(idx_labels)),
        from_idx(form(gzip.compress(idx_bytes(IMAGES))), labels=form(idx_labels)),
        from_npy(form(saved(np.save, IMAGES)), form(saved(np.save, LABELS))),
        from_npz(form(saved(np.savez_compressed, x=IMAGES, y=LABELS))),
        from_csv(form(rows.encode())),
    ):
        np.testing.assert_array_equal(data.images, IMAGES)
        assert data.images.flags.writeable
        assert (data.labels.tolist(), data.classes, data.name) == ([0, 1, 0, 1], ("3", "5"), "memory")
    assert read_idx(form(idx_bytes(LABELS)), kind="labels").tolist() == LABELS


def pixels() -> list[list[int]]:
    flat: list[list[int]] = IMAGES.reshape(4, -1).tolist()
    return flat


def test_open_files_stay_open_and_name_the_data(tmp_path: Path) -> None:
    path = tmp_path / "emnist-own.csv"
    path.write_text("1,0,10,20,30\n2,0,0,0,0\n")
    with path.open("rb") as file:
        data = from_csv(file)
        assert not file.closed
    assert data.name == "emnist-own"
    assert data.images[0].tolist() == [[0, 20], [10, 30]]  # transposed, as its name is that of EMNIST
    path.write_text("1,300\n2,0\n")
    with path.open("rb") as file, pytest.raises(DataError, match=f"row 0 of {path} has the pixel '300'"):
        from_csv(file)


def test_idx_files_of_any_name(tmp_path: Path) -> None:
    images, labels = tmp_path / "a.bin", tmp_path / "b.bin"
    images.write_bytes(idx_bytes(IMAGES))
    labels.write_bytes(idx_bytes(LABELS[:3]))
    with refused(DataError, f"{images} holds 4 images, but b.bin 3 labels"):
        from_idx(images, labels=labels)
    labels.write_bytes(idx_bytes(LABELS))
    assert from_idx(images, labels=labels).name == "a"


def test_what_is_refused() -> None:
    with refused(TypeError, "from_idx: labels is required with images in memory"):
        from_idx(idx_bytes(IMAGES))
    text = "the file object gives str; open it in binary mode: open(path, 'rb')"
    with refused(TypeError, f"from_csv: {text}"):
        from_csv(io.StringIO("1,2\n"))  # type: ignore[arg-type]
    with refused(
        TypeError, "from_npz: need a path, the content of the file as bytes, or a binary file object, got int"
    ):
        from_npz(3)  # type: ignore[arg-type]
    with refused(DataError, "the data in memory: truncated: 2 bytes where an idx header has at least 8"):
        read_idx(b"\0\0")
