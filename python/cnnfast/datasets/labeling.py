"""Labels and pixels of other people's files, as an `ImageDataset` has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import ieee_arithmetic, is_strings
from .._class_names import class_numbers
from ..errors import DataError


def as_classes(
    who: str, file: str, values: npt.NDArray[Any], classes: Sequence[str] | None
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Labels from 0, and class names, of integers or names.

    Args:
        values: (n,), or (n, 1).
        classes: The class names; a label is one of them, or else an integer from 0. None takes the distinct
            labels, sorted.

    Raises:
        DataError: Other values; only one distinct label; a label that is not in `classes`.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or not (values.dtype.kind in "iub" or is_strings(values)):
        cure = "; of one-hot labels take labels.argmax(1)" if values.ndim == 2 else ""
        raise DataError(
            f"{who}: labels in {file} must be integers or names, (n,), "
            f"got {values.dtype} {values.shape}{cure}"
        )
    distinct, places = np.unique(values, return_inverse=True)
    names = tuple(map(str, distinct.tolist()))
    if classes is None:
        if len(names) < 2:
            only = repr(names[0]) if names else "none"
            raise DataError(f"{who}: {file} has one class ({only}); a classifier needs at least two")
        return places.reshape(-1).astype(np.int64), names
    known = tuple(classes)
    if values.dtype.kind in "iu" and not set(names) <= set(known):
        wrong = np.flatnonzero((values < 0) | (values >= len(known)))
        if wrong.size:
            raise DataError(
                f"{who}: label {values[wrong[0]]} at row {wrong[0]} of {file} is outside of "
                f"0 .. {len(known) - 1} ({len(known)} classes)"
            )
        return values.astype(np.int64), known
    labels, _ = class_numbers(who, file, values.astype(str), known, DataError)
    return labels, known


@ieee_arithmetic
def as_images(who: str, file: str, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """uint8 images, (n, h, w) or (n, c, h, w).

    Args:
        values: Integers 0 .. 255, or floats 0 .. 1; (n, h, w), (n, c, h, w), (n, h, w, c), or (n, h*w) of
            square images.

    Raises:
        DataError: Other shapes or values.
    """
    if values.ndim == 2:
        shape = image_shape(who, file, values.shape[1], None)
        values = values.reshape(len(values), *shape)
    if values.ndim == 4 and values.shape[3] in (1, 3, 4) and values.shape[1] > 4:
        values = values.transpose(0, 3, 1, 2)
    if values.ndim not in (3, 4) or values.dtype.kind not in "iubf":
        raise DataError(
            f"{who}: images in {file} must be numbers, (n, h, w), (n, c, h, w) or (n, h, w, c), "
            f"got {values.dtype} {values.shape}"
        )
    if values.dtype == np.uint8 or values.size == 0:
        return values.astype(np.uint8, copy=False)
    low, high = values.min(), values.max()
    if values.dtype.kind == "b" or (values.dtype.kind == "f" and low >= 0 and high <= 1):
        return np.rint(values * np.float32(255)).astype(np.uint8)
    whole = values.dtype.kind in "iu" or (values == np.rint(values)).all()
    if not (whole and low >= 0 and high <= 255):
        raise DataError(
            f"{who}: images in {file} must be integers from 0 to 255 or floats from 0 to 1, "
            f"got {values.dtype} from {low:g} to {high:g}"
        )
    return values.astype(np.uint8)


def image_shape(who: str, file: str, pixels: int, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of an image of so many values: `shape`, or a gray square.

    Raises:
        DataError: They are not the values of such an image.
    """
    if shape is None:
        side = math.isqrt(pixels)
        if pixels == 0 or side * side != pixels:
            raise DataError(
                f"{who}: {file} has {pixels} pixels in each row, which is not a square; "
                "give shape=(h, w) or (c, h, w)"
            )
        return side, side
    if math.prod(shape) != pixels:
        extents = "x".join(map(str, shape))
        raise DataError(
            f"{who}: {file} has {pixels} pixels in each row, but shape {extents} has {math.prod(shape)}"
        )
    return shape
