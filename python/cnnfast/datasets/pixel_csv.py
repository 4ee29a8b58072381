"""`from_csv`: images as rows of pixels in a CSV file, as MNIST and EMNIST are commonly shared."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import check_integer
from .._names import did_you_mean
from ..errors import DataError
from .idx_dataset import upright
from .image_dataset import ImageDataset
from .labeling import as_classes, image_shape
from .sources import Source, is_emnist, name_of, opened, stem_of

_WHO = "from_csv"
_BLOCK = 2048
#: More characters in a line are no row of pixels.
_MAX_LINE = 1 << 22
_LABEL_NAMES = ("label", "labels", "class", "target", "y")


def from_csv(
    path: Source,
    label: int | str | None = None,
    shape: tuple[int, ...] | None = None,
    *,
    classes: Sequence[str] | None = None,
    transposed: bool | None = None,
) -> ImageDataset:
    """Load images from a CSV file: a row for each image, with its label and its pixels, integers 0 .. 255.

    A first line that is not all numbers is a header. Columns are separated by commas, semicolons or tabs.
    The file may be gzip-compressed.

    Args:
        path: The file; or its content, as bytes or a binary file object.
        label: The column of the labels: its number from 0 (-1 is the last), or its name in the header. None:
            the column that the header calls "label" (or "labels", "class", "target", "y"), else the first.
        shape: (h, w) or (c, h, w) of an image, in the order of the columns; None: a gray square.
        classes: Class names: a label in the file is one of them, or else its number from 0. None: the
            distinct labels, sorted; labels from 1 thus become 0, 1, ...
        transposed: Transpose the images. None: for files whose names begin with "emnist".

    Returns:
        An `ImageDataset`: images uint8 (n, h, w) or (n, c, h, w).

    Raises:
        OSError: The file cannot be opened.
        DataError: Not such a file; a value that is not an integer 0 .. 255; no such column; one class; a
            label that is not in `classes`. The message has the file and the row.

    Example:
        >>> data = from_csv(b"label,p0,p1,p2,p3\\n7,0,10,20,255\\n3,1,1,1,1\\n")
        >>> data.images.shape, data.labels, data.classes
        ((2, 2, 2), array([1, 0]), ('3', '7'))
    """
    name = name_of(path)
    with opened(_WHO, path) as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        source: Any = gzip.GzipFile(fileobj=file) if packed else file
        try:
            text = io.TextIOWrapper(source, encoding="utf-8-sig", newline=None)
            images, values, place = _parse(name, text, label)
        except UnicodeDecodeError:
            raise DataError(f"{_WHO}: {name} is not a text file") from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{_WHO}: {name}: damaged gzip data ({error})") from None
    size = image_shape(_WHO, name, images.shape[1], None if shape is None else _checked_shape(shape))
    images = images.reshape(len(images), *size)
    if is_emnist(path) if transposed is None else transposed:
        images = upright(images) if images.ndim == 3 else images.transpose(0, 1, 3, 2)
    labels, names = as_classes(_WHO, name, values, classes)
    description = f"Images from {os.path.basename(name)}, labels from its {place}."
    return ImageDataset(images, labels, names, stem_of(path), description)


def _parse(
    name: str, file: io.TextIOWrapper, label: int | str | None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any], str]:
    """Pixels (n, columns - 1), labels, and the column of the labels in words."""
    lines = _lines(name, file)
    first = next(lines, None)
    if first is None:
        raise DataError(f"{_WHO}: {name} is empty")
    delimiter = max(",;\t", key=first.count)
    fields = [field.strip().strip('"') for field in first.split(delimiter)]
    numeric = [field.isdecimal() for field in fields]
    column = _column(name, fields, label, has_header=not all(numeric))
    has_header = not all(numeric[:column] + numeric[column + 1 :])
    if len(fields) < 2:
        raise DataError(f"{_WHO}: {name} has one column; a row needs a label and pixels")
    others = [i for i in range(len(fields)) if i != column]
    if not has_header:
        lines = itertools.chain([first], lines)
    pixels, labels, row = [], [], 0
    while block := list(itertools.islice(lines, _BLOCK)):
        pixels.append(_pixels(name, block, delimiter, others, row, len(fields)))
        labels.append([_field(line, delimiter, column) for line in block])
        row += len(block)
    if row == 0:
        raise DataError(f"{_WHO}: {name} has a header, but no rows")
    values = np.array(list(itertools.chain.from_iterable(labels)))
    if all(value.lstrip("-").isdecimal() and len(value) < 18 for value in values.tolist()):
        values = values.astype(np.int64)
    place = (
        f"column {fields[column]!r}" if has_header else "first column" if column == 0 else f"column {column}"
    )
    return np.concatenate(pixels), values, place


def _lines(name: str, file: io.TextIOWrapper) -> Iterator[str]:
    """The lines that are not empty."""
    while line := file.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise DataError(f"{_WHO}: {name} has a line of more than {_MAX_LINE:,} characters")
        if not line.isspace():
            yield line


def _column(name: str, fields: list[str], label: int | str | None, *, has_header: bool) -> int:
    if label is None:
        lower = [field.lower() for field in fields]
        return next((lower.index(known) for known in _LABEL_NAMES if has_header and known in lower), 0)
    if isinstance(label, str):
        if not has_header:
            raise DataError(
                f"{_WHO}: {name} has no header, so no column is called {label!r}; give its number"
            )
        if label not in fields:
            shown = ", ".join(fields[:4]) + (" ..." if len(fields) > 4 else "")
            raise DataError(
                f"{_WHO}: {name} has no column {label!r}; its columns are {shown}"
                f"{did_you_mean(label, fields)}"
            )
        return fields.index(label)
    number = check_integer(_WHO, "label", label, -len(fields))
    if number >= len(fields):
        raise DataError(f"{_WHO}: label={number}, but {name} has {len(fields)} columns, from 0")
    return number % len(fields)


def _pixels(
    name: str, lines: list[str], delimiter: str, columns: list[int], row: int, n_fields: int
) -> npt.NDArray[np.uint8]:
    for i, line in enumerate(lines):
        if line.count(delimiter) != n_fields - 1:
            raise DataError(
                f"{_WHO}: row {row + i} of {name} has {line.count(delimiter) + 1} columns, "
                f"the first one has {n_fields}"
            )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns about numbers with a decimal point
            values = np.loadtxt(
                lines, np.int64, delimiter=delimiter, usecols=columns, ndmin=2, comments=None, quotechar='"'
            )
    except (ValueError, Warning):
        values = None
    if values is None or values.min() < 0 or values.max() > 255:
        i, text = _first_wrong(lines, delimiter, columns)
        raise DataError(
            f"{_WHO}: row {row + i} of {name} has the pixel {text!r}; pixels must be integers from 0 to 255"
        )
    return values.astype(np.uint8)


def _first_wrong(lines: list[str], delimiter: str, columns: list[int]) -> tuple[int, str]:
    """(line, text) of the first field that is not a pixel."""
    for i, line in enumerate(lines):
        fields = line.rstrip("\r\n").split(delimiter)
        for column in columns:
            text = fields[column].strip().strip('"')
            if not (text.isdecimal() and len(text) < 9 and int(text) <= 255):
                return i, text[:20]
    return 0, "?"


def _field(line: str, delimiter: str, column: int) -> str:
    if column == 0:
        return line.partition(delimiter)[0].strip().strip('"')
    return line.split(delimiter)[column].strip().strip('"')


def _checked_shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple | list) or len(shape) not in (2, 3):
        raise ValueError(f"{_WHO}: shape must be (h, w) or (c, h, w), got {shape!r}")
    return tuple(check_integer(_WHO, f"shape[{i}]", extent, 1) for i, extent in enumerate(shape))
