"""Finds a data set's idx files in a folder and reads images and labels."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .idx import read_idx

_SIDE = 28
#: Images transposed at a time; their 400 kB stay in the cache, which is four times faster than all at once.
_BLOCK = 512


def data_home(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds ``emnist/``, ``mnist/``, ``cifar10/`` and so on: `root`, else ``CNNFAST_DATA``,
    else the user's cache folder.

    Example:
        >>> data_home("/data").as_posix()
        '/data'
    """
    if root is None:
        root = os.environ.get("CNNFAST_DATA") or None
    if root is None:
        import platformdirs

        root = platformdirs.user_cache_dir("cnnfast", appauthor=False)
    return Path(root).expanduser()


def find(folder: Path, name: str) -> Path | None:
    """The file `name` or ``name.gz``; None if neither exists."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    """As `Path.is_file`, but raises PermissionError."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def find_pair(
    folder: Path, stems: tuple[str, str], *, what: str, dataset: str, by_hand: str
) -> tuple[Path, Path]:
    """The images file and the labels file of a data set.

    Args:
        folder: Where they should be.
        stems: Their names without ``.gz``.
        what: Data set and split, for the message.
        dataset: Its name in `cnnfast data download`.
        by_hand: The end of the message: where else to get the files.

    Raises:
        DataError: One is missing; the message says which, where to get it and where to put it.
    """
    images_file, labels_file = (find(folder, stem) for stem in stems)
    if images_file is None or labels_file is None:
        files = zip(stems, (images_file, labels_file), strict=True)
        missing = " and ".join(f"{stem}.gz" for stem, file in files if file is None)
        raise DataError(
            f"{what}: no {missing} in {folder}; run 'cnnfast data download {dataset}', "
            f"or put it there by hand{by_hand}"
        )
    return images_file, labels_file


def read_pair(
    images_file: Path, labels_file: Path, *, first_label: int, n_classes: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images as stored, and labels from 0, checked against each other.

    Raises:
        DataError: As `read_idx`; also different counts, images that are not 28x28, labels out of range.
    """
    labels = read_idx(labels_file, kind="labels")  # first: errors show before the large file is read
    wrong = np.flatnonzero((labels < first_label) | (labels >= first_label + n_classes))
    if wrong.size:
        raise DataError(
            f"{labels_file}: label {labels[wrong[0]]} at position {wrong[0]} is outside of "
            f"{first_label} .. {first_label + n_classes - 1}"
        )
    images = read_idx(images_file, kind="images")
    if images.shape[1:] != (_SIDE, _SIDE):
        raise DataError(
            f"{images_file}: images of {images.shape[1]}x{images.shape[2]}, expected {_SIDE}x{_SIDE}"
        )
    if len(images) != len(labels):
        raise DataError(
            f"{images_file} holds {len(images)} images, but {labels_file.name} {len(labels)} labels"
        )
    return images, labels.astype(np.int64) - first_label


def upright(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A copy with each image transposed: EMNIST stores its characters transposed."""
    transposed = np.empty((len(images), images.shape[2], images.shape[1]), dtype=np.uint8)
    for start in range(0, len(images), _BLOCK):
        transposed[start : start + _BLOCK] = images[start : start + _BLOCK].transpose(0, 2, 1)
    return transposed
