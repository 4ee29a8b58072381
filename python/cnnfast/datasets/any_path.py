"""`from_path`: a data set from whatever is at a path."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from .._files import expand
from ..errors import DataError
from .cifar import CIFAR10, CIFAR100, find_cifar, is_archive
from .idx_folder import find_idx, from_idx
from .image_dataset import ImageDataset
from .image_files import PARTS, class_folders
from .image_folder import ImageFolder, OnError
from .numpy_files import Part, from_npy, parts_in, read_part
from .pixel_csv import from_csv

#: The training part or all, and the test part if there is one.
Parts = tuple[ImageDataset, ImageDataset | None]
#: `ImageFolder` with some settings.
_Loader = Callable[..., ImageDataset]

_TRAIN = ("train", "training")
_TEST = ("test", "testing")
_VALIDATION = ("val", "valid", "validation")
_CSV = (".csv", ".tsv", ".txt", ".csv.gz")
#: The part of a .npz file to test with.
_TESTED: tuple[Part, ...] = ("test", "validation")
_NPY_PAIRS = (("images.npy", "labels.npy"), ("x.npy", "y.npy"), ("X.npy", "y.npy"))


def from_path(
    path: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    input_shape: tuple[int, ...] | None = None,
    on_error: OnError = "raise",
    lazy: bool = False,
) -> Parts:
    """Load the data set at a path, of any kind that this package reads, without further settings.

    A folder is one of: ``train`` and ``test``, or else ``val``, each with a folder of images for each class;
    a folder of images for each class (`ImageFolder`); idx files (`from_idx`); the files of CIFAR;
    ``images.npy`` and ``labels.npy`` (or ``x.npy`` and ``y.npy``). A file is one of: ``.npz``, ``.csv``,
    ``.csv.gz``, ``.tsv`` or ``.txt``, the images file of a pair of idx files, or an archive of CIFAR. The
    test part of a ``.npz`` file are its arrays ``x_test`` and ``y_test``, or else those for validation.

    Args:
        path: The folder or file.
        classes: Class names that the labels must be of, such as those of a model; None: those in the data.
        input_shape: (c, h, w) for the images of a folder, such as that of a model; None: as `ImageFolder`
            chooses it.
        on_error, lazy: As of `ImageFolder`, for a folder of images.

    Returns:
        (training part, test part); the test part is None if there is none.

    Raises:
        OSError: It cannot be opened.
        DataError: Another kind of file; or as the function that reads this kind.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "own.csv")
        ...     _ = file.write_text("a,0,0,0,0\\nb,9,9,9,9\\n")
        ...     from_path(file)
        (ImageDataset('own', 2 images of 1x2x2, 2 classes), None)
    """
    place = Path(expand(path))
    if place.is_dir():
        return _folder(place, classes, input_shape, partial(ImageFolder, on_error=on_error, lazy=lazy))
    name = place.name.lower()
    if name.endswith(".npz"):
        train = read_part(place, "train", classes)
        parts = parts_in(place)
        other = next((part for part in _TESTED if part in parts), None)
        return train, None if other is None else read_part(place, other, train.classes)
    if name.endswith(_CSV):
        return from_csv(place, classes=classes), None
    if "idx3" in name:
        return _idx(place, place.parent, classes)
    if place.is_file() and is_archive(place):
        cifar = CIFAR100 if "100" in name else CIFAR10
        return cifar(True, place), cifar(False, place)
    if not place.exists():
        raise FileNotFoundError(f"there is no file or folder {os.fspath(path)}")
    if name.endswith((".zip", ".rar", ".7z")):
        raise DataError(f"{os.fspath(path)}: an archive; unpack it and give the path of the folder")
    raise DataError(
        f"{os.fspath(path)}: not a folder of images, .csv, .npz or idx file (images-idx3-ubyte), or archive "
        "of CIFAR (.tar.gz), which are the kinds of data that can be read"
    )


def _folder(
    place: Path, classes: Sequence[str] | None, shape: tuple[int, ...] | None, load_images: _Loader
) -> Parts:
    if find_idx(place, True):
        return _idx(place, place, classes)
    for kind, load in ((10, CIFAR10), (100, CIFAR100)):
        if find_cifar(kind, True, place):
            return load(True, place), load(False, place) if find_cifar(kind, False, place) else None
    for images, labels in _NPY_PAIRS:
        if (place / images).is_file() and (place / labels).is_file():
            return from_npy(place / images, place / labels, classes=classes), None
    parts = _part_folders(place)
    if parts is None:
        return _images(place, classes, shape, load_images), None
    data = _images(parts["train"], classes, shape, load_images)
    test = parts.get("test", parts.get("validation"))
    if test is None:
        return data, None
    return data, _images(test, data.classes, data.input_shape, load_images)


def validation_part(
    path: str | os.PathLike[str], train: ImageDataset, *, on_error: OnError = "raise", lazy: bool = False
) -> ImageDataset | None:
    """The images that a folder or ``.npz`` file has for validation, if it has others for testing; else None.

    Args:
        path: A folder or file, as of `from_path`.
        train: Its training part, whose classes and shape of images are used.
        on_error, lazy: As of `ImageFolder`.

    Raises:
        OSError, DataError: As `from_path`.
    """
    place = Path(expand(path))
    if place.name.lower().endswith(".npz") and place.is_file():
        both = {"test", "validation"} <= parts_in(place)
        return read_part(place, "validation", train.classes) if both else None
    parts = _part_folders(place) if place.is_dir() else None
    if parts is None or not {"validation", "test"} <= set(parts):
        return None
    load = partial(ImageFolder, on_error=on_error, lazy=lazy)
    return _images(parts["validation"], train.classes, train.input_shape, load)


def _part_folders(place: Path) -> dict[str, Path] | None:
    """The folders of the parts "train", "test" and "validation"; None if the folders are those of classes."""
    names = {name.lower(): name for name in class_folders(place)}
    spelled = {"train": _TRAIN, "test": _TEST, "validation": _VALIDATION}
    found = {
        part: place / next(names[name] for name in known if name in names)
        for part, known in spelled.items()
        if any(name in names for name in known)
    }
    if "train" not in found or not set(names) <= PARTS or not class_folders(found["train"]):
        return None
    return found


def _images(
    place: Path, classes: Sequence[str] | None, shape: tuple[int, ...] | None, load: _Loader
) -> ImageDataset:
    if shape is None or len(shape) != 3:
        return load(place, classes=classes)
    return load(place, (shape[1], shape[2]), "RGB" if shape[0] == 3 else "L", classes=classes)


def _idx(place: Path, folder: Path, classes: Sequence[str] | None) -> Parts:
    train = from_idx(place, classes=classes)
    if place.is_dir():
        has_test = bool(find_idx(folder, False))
        return train, from_idx(folder, False, classes=train.classes) if has_test else None
    for part in ("t10k", "test"):
        test = place.with_name(place.name.replace("train", part, 1))
        if test != place and test.exists():
            return train, from_idx(test, False, classes=train.classes)
    return train, None
