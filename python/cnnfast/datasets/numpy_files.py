"""`from_npz` and `from_npy`: images and labels in NumPy's files, without pickle."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .._files import expand, open_regular
from ..errors import DataError
from .image_dataset import ImageDataset
from .labeling import as_classes, as_images
from .sources import Source, name_of, opened, stem_of

_PAIRS = (("x", "y"), ("X", "y"), ("images", "labels"), ("data", "labels"), ("arr_0", "arr_1"))
Part = Literal["train", "test", "validation"]

#: Names of the arrays of each part, in the order in which they are looked for.
_KEYS: dict[Part, tuple[tuple[str, str], ...]] = {
    "train": (("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"), *_PAIRS),
    "test": (("x_test", "y_test"), ("X_test", "y_test"), ("test_images", "test_labels")),
    "validation": (
        ("x_val", "y_val"),
        ("X_val", "y_val"),
        ("val_images", "val_labels"),
        ("x_valid", "y_valid"),
        ("X_valid", "y_valid"),
    ),
}
#: What NumPy and zipfile raise for damaged files.
_DAMAGE = (ValueError, TypeError, EOFError, MemoryError, OSError, OverflowError, RuntimeError, KeyError)
_DAMAGE += (SyntaxError, NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile)  # type: ignore[assignment]


def from_npz(path: Source, train: bool = True, *, classes: Sequence[str] | None = None) -> ImageDataset:
    """Load images and labels from a ``.npz`` file. Arrays of objects are refused, as reading them runs code.

    Args:
        path: The file; or its content, as bytes or a binary file object.
        train: Read the arrays ``x_train`` and ``y_train`` (or ``X_train``, ``train_images`` and
            ``train_labels``), else ``x`` and ``y`` (or ``X``, ``images`` and ``labels``, ``data`` and
            ``labels``, ``arr_0`` and ``arr_1``). False: ``x_test`` and ``y_test`` (or ``X_test``,
            ``test_images`` and ``test_labels``).
        classes: Class names: a label in the file is one of them, or else its number from 0. None: the
            distinct labels, sorted.

    Shapes:
        images: (n, h, w), (n, c, h, w), (n, h, w, c), or (n, h*w) of square images; integers 0 .. 255, or
        floats 0 .. 1, which are multiplied by 255. labels: (n,) or (n, 1), integers or names.

    Raises:
        OSError: The file cannot be opened.
        DataError: Damaged, other arrays, one class, or a label that is not in `classes`.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> np.savez(file, x=np.zeros((4, 28, 28), np.uint8), y=np.array([3, 5, 3, 5]))
        >>> from_npz(file.getvalue())
        ImageDataset('memory', 4 images of 1x28x28, 2 classes)
    """
    return read_part(path, "train" if train else "test", classes)


def read_part(path: Source, part: Part, classes: Sequence[str] | None) -> ImageDataset:
    """`from_npz` of any part."""
    name = name_of(path)
    pairs = _KEYS[part]
    with opened("from_npz", path) as file:
        try:
            archive: Any = np.load(file, allow_pickle=False)
            if not hasattr(archive, "files"):
                raise DataError(f"from_npz: {name} is one array; use from_npy for .npy files")
            found = list(archive.files)
            pair = next((pair for pair in pairs if set(pair) <= set(found)), None)
            if pair is not None:
                images, labels = (archive[key] for key in pair)
        except DataError:
            raise
        except _DAMAGE as error:
            reason = " ".join(str(error).split())
            raise DataError(f"from_npz: {name} is not a readable .npz file ({reason})") from None
    if pair is None:
        wanted = " or ".join(f"{x!r} and {y!r}" for x, y in pairs)
        raise DataError(f"from_npz: {name} holds {', '.join(map(repr, found)) or 'no arrays'}; need {wanted}")
    return _dataset("from_npz", path, name, images, labels, classes)


def from_npy(images: Source, labels: Source, *, classes: Sequence[str] | None = None) -> ImageDataset:
    """Load images and labels from two ``.npy`` files. uint8 images (n, h, w) or (n, c, h, w) in a file are
    mapped into memory instead of read, so that they may be larger than it.

    Args:
        images, labels: The files; or their content, as bytes or binary file objects. Shapes and types as in
            `from_npz`.
        classes: As in `from_npz`.

    Raises:
        OSError: A file cannot be opened.
        DataError: Damaged, other arrays, one class, or a label that is not in `classes`.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     images, labels = pathlib.Path(folder, "images.npy"), pathlib.Path(folder, "labels.npy")
        ...     np.save(images, np.zeros((2, 28, 28), np.uint8))
        ...     np.save(labels, ["cat", "dog"])
        ...     from_npy(images, labels)
        ImageDataset('images', 2 images of 1x28x28, 2 classes)
    """
    pixels, values = _array(images, mapped=True), _array(labels, mapped=False)
    return _dataset("from_npy", images, name_of(images), pixels, values, classes)


def parts_in(path: str | os.PathLike[str]) -> set[Part]:
    """The parts that a ``.npz`` file has arrays for."""
    with open_regular("from_npz", path) as file, zipfile.ZipFile(file) as archive:
        names = {name.removesuffix(".npy") for name in archive.namelist()}
    return {part for part, pairs in _KEYS.items() if any(set(pair) <= names for pair in pairs)}


def _array(source: Source, *, mapped: bool) -> npt.NDArray[Any]:
    name = name_of(source)
    with opened("from_npy", source) as file:
        try:
            found: Any = (
                np.load(expand(source), mmap_mode="r", allow_pickle=False)
                if mapped and isinstance(source, str | os.PathLike)
                else np.load(file, allow_pickle=False)
            )
        except _DAMAGE as error:
            reason = " ".join(str(error).split())
            raise DataError(f"from_npy: {name} is not a readable .npy file ({reason})") from None
    if not isinstance(found, np.ndarray):
        raise DataError(f"from_npy: {name} holds several arrays; use from_npz")
    return np.asarray(found)


def _dataset(
    who: str,
    path: Source,
    name: str,
    images: npt.NDArray[Any],
    values: npt.NDArray[Any],
    classes: Sequence[str] | None,
) -> ImageDataset:
    labels, names = as_classes(who, name, values, classes)
    pixels = as_images(who, name, images)
    if len(pixels) != len(labels):
        raise DataError(f"{who}: {name} has {len(pixels)} images, but {len(labels)} labels")
    return ImageDataset(pixels, labels, names, stem_of(path), f"Images from {os.path.basename(name)}.")
