"""`MNIST` and `FashionMNIST`: two data sets in the same file layout."""

from __future__ import annotations

import os
import string

from .checksums import FASHION_MNIST as FASHION_SOURCE
from .checksums import MNIST as MNIST_SOURCE
from .checksums import Source
from .idx_dataset import data_home, find_pair, read_pair
from .image_dataset import ImageDataset

_GARMENTS = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


def MNIST(train: bool = True, root: str | os.PathLike[str] | None = None) -> ImageDataset:
    """Load MNIST: handwritten digits, 28x28, white (255) on black (0), 60,000 for training, 10,000 for
    testing.

    Args:
        train: The training part, else the test part.
        root: Folder that holds ``mnist/``; default as in `data_home`. Files may be gzip-compressed or plain.

    Returns:
        An `ImageDataset`: images uint8 (n, 28, 28), labels int64 (n,) from 0 to 9.

    Raises:
        DataError: A file is missing (the message says what to run or where to put it) or damaged.

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".

    Example:
        >>> from cnnfast import datasets
        >>> datasets.MNIST(train=False)  # doctest: +SKIP
        ImageDataset('mnist/test', 10000 images of 1x28x28, 10 classes)
    """
    return _load(MNIST_SOURCE, train, root, tuple(string.digits), "MNIST: handwritten digits.")


def FashionMNIST(train: bool = True, root: str | os.PathLike[str] | None = None) -> ImageDataset:
    """Load Fashion-MNIST: clothes in ten classes, 28x28, on black (0), 60,000 for training, 10,000 for
    testing.

    Args:
        train: The training part, else the test part.
        root: Folder that holds ``fashion-mnist/``; default as in `data_home`. Files may be gzip-compressed or
            plain.

    Returns:
        An `ImageDataset`: images uint8 (n, 28, 28), labels int64 (n,) from 0 to 9.

    Raises:
        DataError: A file is missing (the message says what to run or where to put it) or damaged.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
    Learning Algorithms", arXiv:1708.07747.

    Example:
        >>> from cnnfast import datasets
        >>> datasets.FashionMNIST().classes[7]  # doctest: +SKIP
        'sneaker'
    """
    return _load(FASHION_SOURCE, train, root, _GARMENTS, "Fashion-MNIST: gray images of clothes.")


def _load(
    source: Source,
    train: bool,
    root: str | os.PathLike[str] | None,
    classes: tuple[str, ...],
    description: str,
) -> ImageDataset:
    folder = data_home(root) / source.folder
    part = "train" if train else "test"
    stem = "train" if train else "t10k"
    images_file, labels_file = find_pair(
        folder,
        (f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"),
        what=f"{source.title} ({part})",
        dataset=source.folder,
        by_hand=f" from {source.addresses[-1]}",
    )
    images, labels = read_pair(images_file, labels_file, first_label=0, n_classes=len(classes))
    return ImageDataset(images, labels, classes, f"{source.folder}/{part}", description)
