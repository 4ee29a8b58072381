"""Reads pages of hand-printed letters or digits.

The steps, one file each: `source` (file to upright image), `vision.paper` (its outline), `vision.ink_map`,
`straighten` (perspective, skew, printed rules), `layout` (components to letters, lines and words), `split`
(touching letters), `word_list`; the result is a `page`; `reader` runs them. Requires Pillow and scipy (extra
`read`), imported when a page is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from .. import models
from .._checks import ieee_arithmetic
from ..errors import DataError, require
from ..nn import Module
from ..vision import normalize, reading, sources
from . import source, word_list
from .page import Letter, Line, Page, Word
from .reader import SIZE, read

if TYPE_CHECKING:
    from ..vision.sources import Source

__all__ = ["Letter", "Line", "Page", "Word", "read_page"]


@ieee_arithmetic
def read_page(
    image: Source,
    model: Module | None = None,
    *,
    words: str | os.PathLike[str] | Iterable[str] | None = None,
    style: normalize.Style = "emnist",
) -> Page:
    """Reads a page of hand-printed letters or digits that do not touch much, in a photo or scan.

    The page may be unevenly lit, ruled or squared, skewed or photographed obliquely, its ink of any color. It
    is downsampled to at most 2000 pixels a side; letters need 20 pixels of height after that. All letters are
    classified as one batch.

    Args:
        image: A path, bytes, a binary file object, a Pillow image or an array, as `vision.to_model_input`
            takes it; also a HEIC file (with pillow-heif) or the first page of a PDF (with pypdfium2).
        model: A classifier of 28x28 images of one character; None is `models.pretrained("letters")`.
        words: Words, or a text file of them: a word that is nearly as likely as what was read replaces it.
        style: "emnist", or "mnist" for a model trained on MNIST.

    Raises:
        TypeError, ValueError: As `vision.to_model_input`; or the model does not fit.
        OSError: The file cannot be opened.
        DataError: It is no image, damaged, too large or smaller than 8x8 pixels; there is no ink, or only
            noise. The message names the file.
        MissingDependencyError: Pillow, scipy, or the reader of a HEIC or PDF is not installed.

    Example:
        >>> page = read_page("page.jpg")  # doctest: +SKIP
        >>> print(page.text)  # doctest: +SKIP
    """
    require("scipy.ndimage", "reading pages")
    model = checked(models.pretrained("letters") if model is None else model)
    listed = None if words is None else word_list.read(words)
    with sources.named(sources.name_of(image)):
        upright = source.upright(image, "read_page")
        if min(upright.size) < reading.MIN_SIDE:
            raise DataError(f"the image is {upright.width}x{upright.height} pixels; need at least 8x8")
        return read(upright, model, listed, style)


def checked(model: Module) -> Module:
    """The model, if it classifies images of one letter.

    Raises:
        ValueError: It does not.
    """
    classes = model.classes
    try:
        n = model(np.zeros((1, 1, SIZE, SIZE), np.uint8)).shape[1:]
    except (ValueError, TypeError) as error:
        raise ValueError(f"read_page: the model does not take images of one letter: {error}") from None
    if classes is None or n != (len(classes),) or model.task not in (None, "multiclass"):
        raise ValueError(
            f"read_page: the model outputs shape {n}; need a classifier with the names of its classes"
        )
    return model
