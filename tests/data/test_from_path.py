"""`from_path`: every kind of data is recognized, with its test part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cnnfast.datasets import ImageDataset, from_path
from cnnfast.datasets.any_path import validation_part
from cnnfast.errors import DataError

from tests.data.test_cifar import write_ten
from tests.support.idx_files import random_images, write_pair
from tests.support.image_folders import two_classes
from tests.support.refusal import refused

IMAGES, LABELS = random_images(4), np.array([3, 5, 3, 5])


def make(kind: str, folder: Path) -> Path:
    """Data of a kind in `folder`, and its path."""
    if kind == "folder":
        return two_classes(folder)
    if kind == "parts":
        two_classes(folder / "Train")
        two_classes(folder / "val", 1, "RGB", (30, 20))
        return folder
    if kind == "idx":
        for stem, n in (("train", 4), ("t10k", 2)):
            names = f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"
            write_pair(folder / "MNIST" / "raw", names, IMAGES[:n], LABELS[:n])
        return folder
    if kind == "idx file":
        return make("idx", folder) / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    if kind == "cifar":
        write_ten(folder / "cifar-10-batches-bin", "bin")
        return folder / "cifar-10-batches-bin"
    if kind == "npz":
        np.savez(folder / "own.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:1], y_test=LABELS[:1])
        return folder / "own.npz"
    if kind == "npy":
        np.save(folder / "x.npy", IMAGES)
        np.save(folder / "y.npy", LABELS)
        return folder
    path = folder / "own.csv"
    np.savetxt(path, np.c_[LABELS, IMAGES.reshape(4, -1)], "%d", ",")
    return path


def test_the_part_for_validation(tmp_path: Path) -> None:
    make("parts", tmp_path)
    train, test = from_path(tmp_path)
    assert test is not None
    assert validation_part(tmp_path, train) is None  # it is the test part
    two_classes(tmp_path / "test", 2)
    found = validation_part(tmp_path, train)
    assert found is not None
    assert (len(found), found.input_shape, found.classes) == (2, train.input_shape, train.classes)
    test = from_path(tmp_path)[1]
    assert test is not None
    assert len(test) == 4
    assert validation_part(tmp_path / "Train", train) is None
    (tmp_path / "val" / "bird").mkdir()
    (tmp_path / "val" / "dog" / "000.png").rename(tmp_path / "val" / "bird" / "000.png")
    with pytest.raises(DataError, match="bird"):
        validation_part(tmp_path, train)


@pytest.mark.parametrize("names", [("x_val", "y_val"), ("X_valid", "y_valid"), ("val_images", "val_labels")])
def test_the_part_of_an_npz_file_for_validation(tmp_path: Path, names: tuple[str, str]) -> None:
    path = tmp_path / "own.npz"
    arrays = {"x_train": IMAGES, "y_train": LABELS, names[0]: IMAGES[:3], names[1]: LABELS[:3]}
    np.savez(path, **arrays)
    train, test = from_path(path)
    assert test is not None
    assert len(test) == 3
    assert validation_part(path, train) is None  # it is the test part
    np.savez(path, **arrays, x_test=IMAGES[:1], y_test=LABELS[:1])
    train, test = from_path(path)
    found = validation_part(path, train)
    assert test is not None
    assert found is not None
    assert (len(test), found.labels.tolist(), found.classes) == (1, [0, 1, 0], train.classes)
    np.savez(path, **{**arrays, names[1]: LABELS[:3] + 1}, x_test=IMAGES[:1], y_test=LABELS[:1])
    with pytest.raises(DataError, match="label"):
        validation_part(path, train)


@pytest.mark.parametrize(
    ("kind", "train", "test"),
    [
        ("folder", (6, 1, 8, 8), None),
        ("parts", (6, 1, 8, 8), (2, 1, 8, 8)),
        ("idx", (4, 1, 28, 28), (2, 1, 28, 28)),
        ("idx file", (4, 1, 28, 28), (2, 1, 28, 28)),
        ("cifar", (10, 3, 32, 32), (2, 3, 32, 32)),
        ("npz", (4, 1, 28, 28), (1, 1, 28, 28)),
        ("npy", (4, 1, 28, 28), None),
        ("csv", (4, 1, 28, 28), None),
    ],
)
def test_kinds(tmp_path: Path, kind: str, train: tuple[int, ...], test: tuple[int, ...] | None) -> None:
    def extents(data: ImageDataset | None) -> tuple[int, ...] | None:
        return None if data is None else (len(data), *data.input_shape)

    first, second = from_path(make(kind, tmp_path))
    assert (extents(first), extents(second)) == (train, test)
    assert second is None or second.classes == first.classes


def test_others(tmp_path: Path) -> None:
    path = tmp_path / "thesis.pdf"
    with refused(FileNotFoundError, f"there is no file or folder {path}"):
        from_path(path)
    path.write_bytes(b"")
    with refused(
        DataError,
        f"{path}: not a folder of images, .csv, .npz or idx file (images-idx3-ubyte), or archive "
        "of CIFAR (.tar.gz), which are the kinds of data that can be read",
    ):
        from_path(path)
    archive = tmp_path / "pets.ZIP"
    archive.write_bytes(b"PK")
    with refused(DataError, f"{archive}: an archive; unpack it and give the path of the folder"):
        from_path(archive)
    (tmp_path / "x.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"x\.npz is not a readable \.npz file"):
        from_path(tmp_path / "x.npz")
