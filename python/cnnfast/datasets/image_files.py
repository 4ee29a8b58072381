"""Finds the image files in a folder that has a folder for each class. Opens no files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._files import expand
from .._names import did_you_mean
from ..errors import DataError

#: Endings of the formats that `cnnfast.vision` reads.
_FORMATS = "png jpg jpeg jfif bmp gif tif tiff webp ppm pgm pbm pnm"
ENDINGS = frozenset(f".{ending}" for ending in _FORMATS.split())
#: Folders that are parts of a data set, by the usual names, rather than classes.
PARTS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation"))
#: What macOS puts into zip files.
_NOT_CLASSES = frozenset(("__MACOSX",))
_MAX_NAMES = 3


class ClassFiles(NamedTuple):
    """Image files, sorted by class and path, with the class of each."""

    root: Path
    paths: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]


def class_folders(root: Path) -> list[str]:
    """Names of the folders in `root` that may be classes, sorted: no hidden ones."""
    return sorted(
        path.name
        for path in root.iterdir()
        if path.name[0] != "." and path.name not in _NOT_CLASSES and path.is_dir()
    )


def find_class_files(who: str, folder: str | os.PathLike[str], known: Sequence[str] | None) -> ClassFiles:
    """The image files of all classes.

    Args:
        who: Start of error messages.
        folder: Its folders are the classes.
        known: The classes; None takes the names of the folders, sorted.

    Raises:
        OSError: `folder` or a folder in it cannot be read.
        DataError: No classes, one class, a class without images, or one that is not in `known`.
    """
    root = Path(expand(folder))
    if not root.exists():
        raise FileNotFoundError(f"{who}: there is no folder {os.fspath(folder)}")
    if not root.is_dir():
        raise DataError(f"{who}: {root} is a file, not a folder with a folder for each class")
    names = class_folders(root)
    _check_names(who, root, names, known)
    classes = tuple(names) if known is None else tuple(known)
    paths: list[str] = []
    counts = np.zeros(len(classes), dtype=np.int64)
    for number, name in enumerate(classes):
        if name in names:
            images = _images(who, root / name)
            paths += images
            counts[number] = len(images)
    return ClassFiles(root, tuple(paths), np.repeat(np.arange(len(classes)), counts), classes)


def _check_names(who: str, root: Path, names: list[str], known: Sequence[str] | None) -> None:
    if not names:
        images = sum(_is_image(path.name) for path in root.iterdir())
        found = f"it holds {images} images directly" if images else "it has none"
        raise DataError(f"{who}: {root} needs a folder for each class, named like it; {found}")
    if known is not None:
        for name in names:
            if name not in known:
                raise DataError(
                    f"{who}: {root} has a folder {name!r}, which is not one of the {len(known)} classes"
                    f"{did_you_mean(name, known)}"
                )
        return
    parts = [name for name in names if name.lower() in PARTS]
    if len(parts) == len(names) and class_folders(root / parts[0]):
        raise DataError(
            f"{who}: the folders in {root} ({', '.join(parts)}) are parts of a data set, not classes; "
            f"use one of them, such as {root / parts[0]}"
        )
    if len(names) == 1:
        raise DataError(
            f"{who}: {root} has one class folder, {names[0]!r}; a classifier needs at least two classes"
        )
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(
                f"{who}: {root} has a folder whose name is not valid Unicode, {name!r}; rename it"
            ) from None


def _images(who: str, folder: Path) -> list[str]:
    """The image files in a folder and the folders in it, sorted."""
    files = sorted(_files_below(folder))
    images = [path for path in files if _is_image(path)]
    if not images:
        others = [os.path.relpath(path, folder) for path in files]
        listed = ", ".join(others[:_MAX_NAMES]) + (" ..." if len(others) > _MAX_NAMES else "")
        found = f"its files are of other kinds: {listed}" if others else "it is empty"
        raise DataError(
            f"{who}: class folder {folder} holds no images (PNG, JPEG, BMP, GIF, TIFF, WebP, PNM); {found}"
        )
    return images


def _files_below(folder: Path) -> Iterator[str]:
    """All files that are not hidden. Symbolic links are followed, but no folder is visited twice."""
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True, onerror=_raise):
        identity = os.stat(place)
        if (identity.st_dev, identity.st_ino) in seen:
            folders.clear()
            continue
        seen.add((identity.st_dev, identity.st_ino))
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _NOT_CLASSES)
        yield from (os.path.join(place, name) for name in files if name[0] != ".")


def _raise(error: OSError) -> None:
    raise error


def _is_image(path: str) -> bool:
    name = os.path.basename(path)
    return name[0] != "." and os.path.splitext(name)[1].lower() in ENDINGS
