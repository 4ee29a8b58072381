"""`EMNIST`: the six official splits of handwritten letters and digits, and the derived letters split."""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _names
from .checksums import EMNIST as SOURCE
from .derived_letters import load_derived_letters
from .idx_dataset import data_home, find_pair, read_pair, upright
from .image_dataset import ImageDataset


class _Split(NamedTuple):
    classes: tuple[str, ...]
    first_label: int
    description: str


_DIGITS = tuple(string.digits)
_LETTERS = tuple(string.ascii_lowercase)
#: Upper-case letters, then the lower-case ones that look different; c i j k l m o p s u v w x y z are merged
#: with their upper case.
_MERGED = (*_DIGITS, *string.ascii_uppercase, *"abdefghnqrt")

_SPLITS = {
    "letters": _Split(
        _LETTERS, 1, "EMNIST Letters: 26 handwritten letters, upper and lower case in one class."
    ),
    "balanced": _Split(_MERGED, 0, "EMNIST Balanced: digits and letters in 47 classes of equal size."),
    "byclass": _Split(
        (*_DIGITS, *string.ascii_uppercase, *_LETTERS),
        0,
        "EMNIST ByClass: digits, upper- and lower-case letters in 62 classes of natural size.",
    ),
    "bymerge": _Split(_MERGED, 0, "EMNIST ByMerge: digits and letters in 47 classes of natural size."),
    "digits": _Split(_DIGITS, 0, "EMNIST Digits: handwritten digits, balanced."),
    "mnist": _Split(_DIGITS, 0, "EMNIST MNIST: digits processed like EMNIST, of the size of MNIST."),
    "letters-derived": _Split(
        _LETTERS,
        1,
        "Real EMNIST letters taken from the official ByClass and ByMerge test files. Not an official split: "
        "do not compare scores on it with published EMNIST Letters scores.",
    ),
}


def EMNIST(
    split: str,
    train: bool = True,
    root: str | os.PathLike[str] | None = None,
    raw: bool = False,
) -> ImageDataset:
    """Load a split of EMNIST: handwritten characters, 28x28, white (255) on black (0), upright, labels from
    0.

    Args:
        split: ``"letters"`` (26 classes a..z, case merged), ``"balanced"`` and ``"bymerge"`` (47; lower-case
            letters that look like their capital are in the capital's class and carry its name), ``"byclass"``
            (62), ``"digits"``, ``"mnist"`` (10), or ``"letters-derived"`` (26; see below).
        train: The training part, else the test part.
        root: Folder that holds ``emnist/``; default as in `data_home`. Files may be gzip-compressed or plain.
        raw: Return the images as stored, which is transposed. Labels still start at 0.

    The split ``letters-derived`` is not an official one. It consists of real EMNIST letters from the official
    ByClass and ByMerge *test* files, 98,535 for training and 10,400 for testing; a writer may occur in both.
    It is read from its own files if they exist, and otherwise made from those two test files and, if the
    folder is writeable, stored there.

    Returns:
        An `ImageDataset`: images uint8 (n, 28, 28), labels int64 (n,).

    Raises:
        ValueError: Unknown split.
        DataError: A file is missing (the message says what to run or where to put it) or damaged.

    Cost: 98,535 letters from gzip files load in about 0.6 s on one core.

    Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten
    letters", arXiv:1702.05373.

    Example:
        >>> from cnnfast import datasets
        >>> train = datasets.EMNIST("letters", train=True)  # doctest: +SKIP
        >>> train.images.shape, train.classes[0]  # doctest: +SKIP
        ((124800, 28, 28), 'a')
    """
    found = _names.find(split, _SPLITS)
    if found is None:
        hint = _names.did_you_mean(split, _SPLITS)
        raise ValueError(f"EMNIST: split must be one of {', '.join(_SPLITS)}; got {split!r}{hint}")
    split = found
    classes, first_label, description = _SPLITS[split]
    part = "train" if train else "test"
    folder = data_home(root) / SOURCE.folder
    if split == "letters-derived":
        images, labels = load_derived_letters(folder, part)
    else:
        images, labels = _official(folder, split, part, first_label, len(classes))
    return ImageDataset(
        images if raw else upright(images), labels, classes, f"emnist-{split}/{part}", description
    )


def _official(
    folder: Path, split: str, part: str, first_label: int, n_classes: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    images_file, labels_file = find_pair(
        folder,
        (f"emnist-{split}-{part}-images-idx3-ubyte", f"emnist-{split}-{part}-labels-idx1-ubyte"),
        what=f"EMNIST {split} ({part})",
        dataset=f"emnist-{split}",
        by_hand=f": it is in {SOURCE.addresses[0]}gzip.zip",
    )
    return read_pair(images_file, labels_file, first_label=first_label, n_classes=n_classes)
