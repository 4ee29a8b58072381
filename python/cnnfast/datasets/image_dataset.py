"""`ImageDataset`: images and their labels in memory, validated at construction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import refuse_masked, type_of
from .._class_names import are_names, class_numbers
from ..errors import DataError
from .sampling import balanced_rows, class_weights, held_out_rows

Rows = slice | Sequence[int] | npt.NDArray[np.integer[Any]] | npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class ImageDataset:
    """Labeled images: what `fit` and `evaluate` take, and what every loader returns.

    Args:
        images: uint8, (n, h, w) or (n, c, h, w), upright, 0 = background. Kept without a copy if
            C-contiguous. Every loader returns new, writeable arrays. Shapes that look like (n, h, w, c), with
            a last axis of 1, 3 or 4 and a second axis longer than 4, are rejected.
        labels: int64, (n,), each in 0 .. len(classes) - 1; or class names, an array or a list of strings,
            which are stored as integers.
        classes: The name of each class. None uses the names in `labels`, sorted.
        name: Short name for reports, e.g. ``"emnist-letters/train"``.
        description: One or two sentences on what the images are.

    Raises:
        TypeError: `images` is not uint8, or `labels` neither int64 nor names.
        DataError: Wrong number or order of axes, different counts, a label without a class, a duplicate
            class name.

    Example:
        >>> data = ImageDataset(np.zeros((3, 28, 28), np.uint8), np.array([0, 1, 0]), ("a", "b"))
        >>> data
        ImageDataset('unnamed', 3 images of 1x28x28, 2 classes)
        >>> data[1:].labels
        array([1, 0])
        >>> ImageDataset(np.zeros((2, 28, 28), np.uint8), ["yes", "no"]).classes
        ('no', 'yes')
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...] = None  # type: ignore[assignment]  # None before __post_init__ alone
    name: str = "unnamed"
    description: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", _checked_images(self.images))
        classes = None if self.classes is None else _checked_classes(self.classes)
        if are_names(self.labels):
            labels, classes = class_numbers("ImageDataset", "labels", self.labels, classes, DataError)
            object.__setattr__(self, "labels", labels)
        if classes is None:
            raise TypeError("ImageDataset: classes is required, as labels are not class names; got None")
        object.__setattr__(self, "classes", classes)
        _check_labels(self.labels, len(self.images), len(self.classes))

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"ImageDataset({self.name!r}, {len(self)} images of {shape}, {len(self.classes)} classes)"

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(c, h, w) of one image; gray images have c = 1."""
        shape = self._image_shape()
        c, h, w = shape if len(shape) == 3 else (1, *shape)
        return c, h, w

    def _image_shape(self) -> tuple[int, ...]:
        return self.images.shape[1:]

    def __getitem__(self, rows: Rows) -> ImageDataset:
        """A subset by a slice (a view), row indices or a boolean mask (copies)."""
        if isinstance(rows, int | np.integer):
            raise TypeError(
                f"ImageDataset: rows must be a slice or an array of row numbers, got the integer {rows}; "
                f"use dataset[[{rows}]] for a data set of one image, dataset.images[{rows}] for the image"
            )
        refuse_masked("ImageDataset", "rows", rows)
        index = rows if isinstance(rows, slice) else np.asarray(rows)
        if isinstance(index, np.ndarray) and index.size == 0:
            index = index.astype(np.intp)
        return self._part(index)

    def _part(self, index: slice | npt.NDArray[Any]) -> ImageDataset:
        return ImageDataset(self.images[index], self.labels[index], self.classes, self.name, self.description)

    def split(
        self, fraction: float, seed: int, *, stratify: bool = False
    ) -> tuple[ImageDataset, ImageDataset]:
        """Split at random into (rest, held-out part), each in the original order.

        Args:
            fraction: Fraction of the images to hold out, between 0 and 1; the number of images is rounded.
            seed: The same seed holds out the same images.
            stratify: Hold out this fraction of each class, rounded, but at least one image, and leave at
                least one.

        Raises:
            ValueError: `fraction` is outside of (0, 1), or leaves one of the two empty.
            DataError: With `stratify`, a class of one image, which would be missing in one of the parts.
        """
        held_out = held_out_rows(self.labels, self.classes, fraction, seed, stratify=stratify)
        return self[~held_out], self[held_out]

    def class_weights(self) -> tuple[float, ...]:
        """Weights that give all classes the same influence: len(self) / (number of classes * images of the
        class), for the argument `weight` of `losses.CrossEntropy`.

        Raises:
            DataError: A class without images.

        Example:
            >>> data = ImageDataset(np.zeros((4, 8, 8), np.uint8), ["a", "a", "a", "b"])
            >>> data.class_weights()
            (0.6666666666666666, 2.0)
        """
        return class_weights(self.labels, self.classes)

    def balanced(self, seed: int) -> ImageDataset:
        """A data set with as many images of each class as the most frequent class has: images of the others
        occur several times, the last time a random subset of them. Images are copied.

        Args:
            seed: The same seed gives the same images, in the same order.

        Raises:
            DataError: A class without images.

        Example:
            >>> data = ImageDataset(np.zeros((4, 8, 8), np.uint8), ["a", "a", "a", "b"])
            >>> data.balanced(seed=0).labels
            array([0, 0, 0, 1, 1, 1])
        """
        return self[balanced_rows(self.labels, self.classes, seed)]


def _checked_images(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    refuse_masked("ImageDataset", "images", images)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        cure = "; use np.asarray(images)" if images is not None else ""
        if isinstance(images, np.ndarray):
            floats = images.dtype.kind == "f"
            cure = "; for values from 0 to 1 use (255 * images).round().astype(np.uint8)" if floats else ""
        raise TypeError(f"ImageDataset: images must be a uint8 array (0 .. 255), got {type_of(images)}{cure}")
    if images.ndim not in (3, 4):
        raise DataError(f"ImageDataset: images must be (n, h, w) or (n, c, h, w), got shape {images.shape}")
    if images.ndim == 4 and images.shape[3] in (1, 3, 4) and images.shape[1] > 4:
        raise DataError(
            f"ImageDataset: images must be (n, c, h, w), but shape {images.shape} looks like (n, h, w, c); "
            "use images.transpose(0, 3, 1, 2)"
        )
    if 0 in images.shape[1:]:
        raise DataError(f"ImageDataset: images must have at least one pixel, got shape {images.shape}")
    return np.ascontiguousarray(images)


def _checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    if isinstance(classes, str):
        raise TypeError(f"ImageDataset: classes must be a sequence of names, got the string {classes!r}")
    names = tuple(classes)
    if not names:
        raise DataError("ImageDataset: classes is empty; every label needs a name")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"ImageDataset: classes must be names, got {type_of(name)} {name!r}")
    for name, times in Counter(names).items():
        if times > 1:
            raise DataError(f"ImageDataset: class {name!r} is named {times} times")
    return names


def _check_labels(labels: npt.NDArray[np.int64], n_images: int, n_classes: int) -> None:
    refuse_masked("ImageDataset", "labels", labels)
    if not isinstance(labels, np.ndarray) or labels.dtype != np.int64:
        cure = "labels.astype(np.int64)" if isinstance(labels, np.ndarray) else "np.asarray(labels, np.int64)"
        raise TypeError(f"ImageDataset: labels must be an int64 array, got {type_of(labels)}; use {cure}")
    if labels.ndim != 1:
        raise DataError(f"ImageDataset: labels must be (n,), got shape {labels.shape}")
    if len(labels) != n_images:
        raise DataError(f"ImageDataset: {n_images} images but {len(labels)} labels")
    wrong = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if wrong.size:
        raise DataError(
            f"ImageDataset: label {labels[wrong[0]]} at row {wrong[0]} is outside of 0 .. {n_classes - 1} "
            f"({n_classes} classes, {wrong.size} such labels)"
        )
