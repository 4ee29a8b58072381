"""`CIFAR10` and `CIFAR100`, from the authors' binary files or Python pickles, which are read without running
code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._files import open_regular
from ..errors import DataError
from . import literal_pickle
from .idx_dataset import data_home
from .image_dataset import ImageDataset

_PIXELS = 3 * 32 * 32
_OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FINE_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel
can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur
dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion
lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree
pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea
seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table
tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman
worm
"""
_FINE = tuple(_FINE_NAMES.split())
_FOLDERS = {
    10: ("cifar10", "cifar-10", "cifar-10-batches-py", "cifar-10-batches-bin"),
    100: ("cifar100", "cifar-100", "cifar-100-python", "cifar-100-binary"),
}
_TEN_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
_PARTS = {
    (10, True): (_TEN_TRAIN, tuple(f"{name}.bin" for name in _TEN_TRAIN)),
    (10, False): (("test_batch",), ("test_batch.bin",)),
    (100, True): (("train",), ("train.bin",)),
    (100, False): (("test",), ("test.bin",)),
}


def CIFAR10(train: bool = True, root: str | os.PathLike[str] | None = None) -> ImageDataset:
    """Load CIFAR-10: color images of 32x32 in ten classes, 50,000 for training, 10,000 for testing.

    Args:
        train: The training part, else the test part.
        root: Folder that holds ``cifar-10-batches-py`` or ``cifar-10-batches-bin``, directly or in a folder
            ``cifar10``; or that folder itself. Default as in `data_home`.

    Returns:
        An `ImageDataset`: images uint8 (n, 3, 32, 32), labels int64 (n,).

    Raises:
        DataError: A file is missing or damaged, or a pickle that holds anything but the data.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Example:
        >>> from cnnfast import datasets
        >>> datasets.CIFAR10().classes[3]  # doctest: +SKIP
        'cat'
    """
    return _load(10, train, root, _OBJECTS)


def CIFAR100(train: bool = True, root: str | os.PathLike[str] | None = None) -> ImageDataset:
    """Load CIFAR-100: color images of 32x32 in 100 classes, 50,000 for training, 10,000 for testing.

    Args:
        train: The training part, else the test part.
        root: Folder that holds ``cifar-100-python`` or ``cifar-100-binary``, directly or in a folder
            ``cifar100``; or that folder itself. Default as in `data_home`.

    Returns:
        An `ImageDataset`: images uint8 (n, 3, 32, 32), labels int64 (n,), the 100 fine classes.

    Raises:
        DataError: As `CIFAR10`.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Example:
        >>> from cnnfast import datasets
        >>> datasets.CIFAR100().classes[0]  # doctest: +SKIP
        'apple'
    """
    return _load(100, train, root, _FINE)


def find_cifar(kind: int, train: bool, root: Path) -> list[Path] | None:
    """The files of a part of CIFAR-10 or CIFAR-100 in `root` or its usual folders; None if there are none."""
    folders = [root, *(root / name for name in _FOLDERS[kind])]
    folders += [root / _FOLDERS[kind][0] / name for name in _FOLDERS[kind][2:]]
    for folder in folders:
        for names in _PARTS[kind, train]:
            paths = [folder / name for name in names]
            if all(path.is_file() for path in paths):
                return paths
    return None


def _load(
    kind: int, train: bool, root: str | os.PathLike[str] | None, classes: tuple[str, ...]
) -> ImageDataset:
    home, part = data_home(root), "train" if train else "test"
    paths = find_cifar(kind, train, home)
    if paths is None:
        pickles, binaries = _PARTS[kind, train]
        raise DataError(
            f"CIFAR{kind}: neither {pickles[0]} nor {binaries[0]} is in {home} or its folder "
            f"{_FOLDERS[kind][2]} or {_FOLDERS[kind][3]}; unpack the authors' archive there"
        )
    parts = [_read(path, kind) for path in paths]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    description = f"CIFAR-{kind}: color images of objects and animals."
    return ImageDataset(images, labels, classes, f"cifar{kind}/{part}", description)


def _read(path: Path, kind: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    with open_regular(f"CIFAR{kind}", path) as file:
        content = file.read()
    pixels, labels = _binary(path, content, kind) if path.suffix == ".bin" else _pickle(path, content, kind)
    wrong = np.flatnonzero((labels < 0) | (labels >= kind))
    if wrong.size:
        raise DataError(f"{path}: label {labels[wrong[0]]} at row {wrong[0]} is outside of 0 .. {kind - 1}")
    return pixels.reshape(-1, 3, 32, 32), labels


def _binary(path: Path, content: bytes, kind: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Each row: the label (in CIFAR-100 after that of the superclass), then red, green and blue."""
    n_labels = 1 if kind == 10 else 2
    size = n_labels + _PIXELS
    if not content or len(content) % size:
        raise DataError(
            f"{path}: {len(content)} bytes, which is not a multiple of {size}, the size of an image"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, size)
    return rows[:, n_labels:], rows[:, n_labels - 1].astype(np.int64)


def _pickle(path: Path, content: bytes, kind: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    try:
        found = literal_pickle.load(content)
    except literal_pickle.UnsafePickle as error:
        raise DataError(f"{path}: not the pickle of a CIFAR batch: {error}") from None
    key = "labels" if kind == 10 else "fine_labels"
    data: Any = found.get(b"data", found.get("data"))
    labels: Any = found.get(key.encode(), found.get(key))
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != _PIXELS:
        raise DataError(f"{path}: not the pickle of a CIFAR batch: 'data' is not an array (n, {_PIXELS})")
    if not isinstance(labels, list) or not all(type(label) is int and abs(label) < 2**31 for label in labels):
        raise DataError(f"{path}: not the pickle of a CIFAR batch: {key!r} is not a list of integers")
    if len(labels) != len(data):
        raise DataError(f"{path}: {len(data)} images, but {len(labels)} labels")
    return data, np.array(labels, np.int64)
