"""`from_idx`: a pair of idx files by any of their usual names."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from .._files import expand
from ..errors import DataError
from .idx import read_idx
from .idx_dataset import upright
from .image_dataset import ImageDataset
from .labeling import as_classes
from .sources import Source, is_emnist, name_of, stem_of

_WHO = "from_idx"
#: "train-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte", "emnist-letters-test-images-idx3-ubyte".
_IMAGES = re.compile(r"((?:.*[-_.])?)(train|test|t10k)([-_.])images([-_.])idx3([-_.])ubyte(?:\.gz)?")
_TRAIN = {"train": True, "test": False, "t10k": False}
#: Where torchvision and others put them.
_FOLDERS = ("", "raw", "MNIST/raw", "FashionMNIST/raw", "EMNIST/raw")


def from_idx(
    path: Source,
    train: bool = True,
    *,
    labels: Source | None = None,
    classes: Sequence[str] | None = None,
    transposed: bool | None = None,
) -> ImageDataset:
    """Load images and labels from idx files, the format of MNIST, under any of their usual names.

    Args:
        path: A folder with ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte`` (or
            ``t10k-...`` and ``test-...`` for testing), with a dot in place of a hyphen, with a prefix, with
            .gz or without, directly or in a folder ``raw`` or ``MNIST/raw``; or the images file itself; or
            its content, as bytes or a binary file object.
        train: The training part, else the test part; of a file it must be the part in its name.
        labels: The labels file, of any name, or its content; then `path` is an images file of any name, or
            its content, and `train` is not used. None: the file beside the images file.
        classes: Class names: a label in the file is one of them, or else its number from 0. None: the
            distinct labels, sorted.
        transposed: Transpose the images. None: for files whose names begin with "emnist".

    Raises:
        DataError: No such files, several such files, damaged ones, or different counts.

    Example:
        >>> from cnnfast import datasets
        >>> datasets.from_idx("MNIST/raw").classes[9]  # doctest: +SKIP
        '9'
    """
    if labels is None:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"{_WHO}: labels is required with images in memory")
        path = _file(Path(expand(path)), train)
        labels = _labels_of(path)
    images, values = read_idx(path, kind="images"), read_idx(labels, kind="labels")
    name = name_of(path)
    if len(images) != len(values):
        other = os.path.basename(name_of(labels))
        raise DataError(f"{name} holds {len(images)} images, but {other} {len(values)} labels")
    numbers, names = as_classes(_WHO, name_of(labels), values, classes)
    if is_emnist(path) if transposed is None else transposed:
        images = upright(images)
    stem = stem_of(path).partition("-images")[0]
    return ImageDataset(images, numbers, names, stem, f"Images from {os.path.basename(name)}.")


def find_idx(folder: Path, train: bool) -> list[Path]:
    """The images files of a part in `folder` or its usual folders; one of those with and without .gz."""
    for place in _FOLDERS:
        if not (folder / place).is_dir():
            continue
        found: dict[str, Path] = {}
        for path in sorted((folder / place).iterdir()):
            match = _IMAGES.fullmatch(path.name)
            if match is not None and _TRAIN[match[2]] is train:
                found.setdefault(path.name.removesuffix(".gz"), path)
        if found:
            return list(found.values())
    return []


def _file(path: Path, train: bool) -> Path:
    if not path.is_dir():
        match = _IMAGES.fullmatch(path.name)
        if path.exists() and match is None:
            raise DataError(f"{_WHO}: {path}: not named like an images file, such as train-images-idx3-ubyte")
        if match is not None and _TRAIN[match[2]] is not train:
            raise DataError(f"{_WHO}: {path} is of the {match[2]} part; pass train={not train}")
        return path
    found = find_idx(path, train)
    if not found:
        part = "train" if train else "t10k"
        raise DataError(f"{_WHO}: {path} has no idx files such as {part}-images-idx3-ubyte")
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise DataError(f"{_WHO}: {path} has several data sets ({names}); give the images file")
    return found[0]


def _labels_of(images_file: Path) -> Path:
    match = _IMAGES.fullmatch(images_file.name)
    assert match is not None
    stem = f"{match[1]}{match[2]}{match[3]}labels{match[4]}idx1{match[5]}ubyte"
    for path in (images_file.with_name(stem), images_file.with_name(f"{stem}.gz")):
        if path.is_file():
            return path
    raise DataError(f"{_WHO}: there is no {stem} beside {images_file}")
