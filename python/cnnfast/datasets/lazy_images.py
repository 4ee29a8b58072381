"""`LazyImageDataset`: a data set of image files that are decoded when they are first needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .image_dataset import ImageDataset
from .image_decoding import Form, Pixels, decoded, refusal

Numbers = npt.NDArray[np.int64]


class LazyImages:
    """Images of files, decoded by background threads into one array.

    Args:
        paths: The files; one that is there several times is decoded once.
        form: Of the images.

    Attributes:
        array: (n, *form.shape), undefined where `done` is False.
        done: (n,), which images are decoded.
    """

    def __init__(self, paths: Sequence[str], form: Form) -> None:
        self.paths, self.form = tuple(paths), form
        self.array: Pixels = np.empty((len(self.paths), *form.shape), np.uint8)
        self.done = np.zeros(len(self.paths), np.bool_)
        rows: dict[str, int] = {}
        self._first = np.array([rows.setdefault(path, row) for row, path in enumerate(self.paths)], np.int64)

    def subset(self, rows: Numbers) -> LazyImages:
        """Some of the images, with an array of their own; those that are decoded are copied."""
        part = LazyImages([self.paths[row] for row in rows.tolist()], self.form)
        part.done = self.done[rows]
        part.array[part.done] = self.array[rows[part.done]]
        return part

    @contextlib.contextmanager
    def ahead(self, order: Numbers) -> Iterator[Callable[[Numbers], None]]:
        """Context manager: threads decode these rows, in their order and some hundred of them in advance, and
        end with it. Its value is a function that waits until the next rows of the order are decoded.

        The function raises DataError if one of them is not a readable image.
        """
        first = np.array(list(dict.fromkeys(self._first[order].tolist())), np.int64)  # of each file, in order
        missing = first[~self.done[first]]
        left = iter(missing.tolist())
        stream = decoded([self.paths[row] for row in missing.tolist()], self.form)

        def wait(rows: Numbers) -> None:
            while not self.done[self._first[rows]].all():
                row, pixels = next(left), next(stream)
                if isinstance(pixels, DataError):
                    raise refusal(pixels)
                self.array[row] = pixels
                self.done[row] = True
            repeated = rows[~self.done[rows]]
            self.array[repeated] = self.array[self._first[repeated]]
            self.done[repeated] = True

        with contextlib.closing(stream):
            yield wait

    def finish(self, rows: Numbers | None = None) -> Pixels:
        """The array, after these rows, or all, are decoded.

        Raises:
            DataError: One is not a readable image.
        """
        chosen = np.arange(len(self.paths)) if rows is None else rows
        with self.ahead(chosen) as wait:
            wait(chosen)
        return self.array


class LazyImageDataset(ImageDataset):
    """A data set whose `images` are decoded when they are first used; `fit` decodes those to train on during
    its first epoch instead. Parts of the data set are lazy, too.

    Args:
        pending: The images.
        labels, classes, name, description: As of `ImageDataset`.
    """

    def __init__(
        self, pending: LazyImages, labels: Numbers, classes: Sequence[str], name: str, description: str
    ) -> None:
        super().__init__(pending.array, labels, tuple(classes), name, description)
        del self.__dict__["images"]
        self.__dict__["pending"] = pending

    @cached_property
    def images(self) -> Pixels:
        """All images."""
        return self.pending.finish()

    @property
    def pending(self) -> LazyImages:
        """The images, of which some may not be decoded."""
        found: LazyImages = self.__dict__["pending"]
        return found

    def _image_shape(self) -> tuple[int, ...]:
        return self.pending.form.shape

    def _part(self, index: slice | npt.NDArray[Any]) -> ImageDataset:
        pending = self.pending.subset(np.arange(len(self))[index])
        return LazyImageDataset(pending, self.labels[index], self.classes, self.name, self.description)
