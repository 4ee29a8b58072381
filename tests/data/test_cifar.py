"""`CIFAR10` and `CIFAR100` from binary files and pickles, small ones in the authors' layout."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast.datasets import CIFAR10, CIFAR100
from cnnfast.errors import DataError

from tests.support.refusal import refused

ROWS = np.random.default_rng(0).integers(0, 256, (2, 3072), dtype=np.uint8)


def python2_pickle(batch: dict[bytes, Any]) -> bytes:
    """As Python 2 wrote them: protocol 2, its strings without encoding."""
    array, labels = batch[b"data"], batch[b"labels"]
    parts = [
        b"\x80\x02}q\x01(U\x04data",
        b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05",
        b"(K\x01K%cM" % array.shape[0] + array.shape[1].to_bytes(2, "little") + b"\x86",
        b"cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07",
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
        b"\x89T" + array.size.to_bytes(4, "little") + array.tobytes() + b"tb",
        b"U\x06labels](" + b"".join(b"K%c" % label for label in labels) + b"eu.",
    ]
    return b"".join(parts)


def write_ten(folder: Path, form: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        labels = [i, 9]
        batch: dict[Any, Any] = {b"data": ROWS, b"labels": labels}
        if form == "bin":
            rows = np.concatenate([np.array([labels], np.uint8).T, ROWS], axis=1)
            (folder / f"{name}.bin").write_bytes(rows.tobytes())
        elif form == "python2":
            (folder / name).write_bytes(python2_pickle(batch))
        else:
            (folder / name).write_bytes(pickle.dumps({"data": ROWS, "labels": labels}, protocol=3))


@pytest.mark.parametrize(
    ("place", "form"),
    [
        ("cifar-10-batches-py", "python2"),
        ("cifar10/cifar-10-batches-py", "python3"),
        ("cifar-10-batches-bin", "bin"),
        ("", "bin"),
    ],
)
def test_cifar10(tmp_path: Path, place: str, form: str) -> None:
    write_ten(tmp_path / place, form)
    train, test = CIFAR10(root=tmp_path), CIFAR10(train=False, root=tmp_path)
    np.testing.assert_array_equal(train.images, np.tile(ROWS.reshape(2, 3, 32, 32), (5, 1, 1, 1)))
    assert train.labels.tolist() == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]
    assert test.labels.tolist() == [5, 9]
    assert (train.name, test.name, train.classes[3]) == ("cifar10/train", "cifar10/test", "cat")


@pytest.mark.parametrize("form", ["pickle", "bin"])
def test_cifar100_has_the_fine_classes(tmp_path: Path, form: str) -> None:
    if form == "bin":
        rows = np.concatenate([np.array([[1, 99], [2, 0]], np.uint8), ROWS], axis=1)
        (tmp_path / "train.bin").write_bytes(rows.tobytes())
    else:
        batch = {"data": ROWS, "fine_labels": [99, 0], "coarse_labels": [1, 2]}
        (tmp_path / "train").write_bytes(pickle.dumps(batch, 4))
    data = CIFAR100(root=tmp_path)
    assert data.labels.tolist() == [99, 0]
    assert (data.classes[0], data.classes[99], len(data.classes)) == ("apple", "worm", 100)


def test_what_is_missing_or_damaged(tmp_path: Path) -> None:
    with refused(
        DataError,
        f"CIFAR10: no data_batch_1, data_batch_1.bin or cifar-10-python.tar.gz in {tmp_path} or its folder "
        "cifar10; run 'cnnfast data download cifar10', or put the authors' archive there by hand",
    ):
        CIFAR10(root=tmp_path)
    path = tmp_path / "test_batch.bin"
    path.write_bytes(bytes(3072))
    with refused(DataError, f"{path}: 3072 bytes, which is not a multiple of 3073, the size of an image"):
        CIFAR10(train=False, root=tmp_path)
    path.write_bytes(b"\x0a" + bytes(3072))
    with refused(DataError, f"{path}: label 10 at row 0 is outside of 0 .. 9"):
        CIFAR10(train=False, root=tmp_path)
