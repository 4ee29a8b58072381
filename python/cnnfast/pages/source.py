"""Opens pages: images as `cnnfast.vision` takes them, and HEIC and PDF with optional packages."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._files import expand
from ..errors import DataError, require
from ..vision import reading, sources

if TYPE_CHECKING:
    from PIL import Image

PDF_SCALE = 200 / 72
"""PDF pages are rendered with 200 dots per inch."""


def upright(source: sources.Source, who: str) -> Image.Image:
    """The image of a page, rotated by its EXIF orientation.

    Args:
        source: As `vision.to_model_input` takes it; also the path of a HEIC file or of a PDF (first page).
        who: Name of the calling function, for error messages.

    Raises:
        MissingDependencyError: A HEIC needs pillow-heif, a PDF pypdfium2.
        Otherwise as `sources.upright`.
    """
    ending = os.path.splitext(os.fspath(source))[1] if isinstance(source, str | os.PathLike) else ""
    if ending.lower() == ".pdf":
        return _pdf(expand(source))  # type: ignore[arg-type]
    if ending.lower() in (".heic", ".heif"):
        heif = require("pillow_heif", "reading HEIC")
        with sources.open_regular(source) as file, sources.decoding():  # type: ignore[arg-type]
            return sources.upright(heif.open_heif(file).to_pillow(), who)
    return sources.upright(source, who)


def reduced(image: Image.Image, long_side: int) -> NDArray[np.uint8]:
    """Colors, (3, h, w), downsampled until the longer side is at most 1.05 times `long_side`: by the mean of
    squares of pixels, which is fast, to within a factor of 1.5 of it, then bicubically."""
    factor = round(max(image.size) / long_side)
    if factor > 1 and image.mode in ("L", "RGB", "RGBA"):
        image = image.reduce(factor)
    scale = max(image.size) / long_side
    if scale <= 1.05:
        return reading.to_pixels(image, (image.height, image.width))
    shape = max(1, round(image.height / scale)), max(1, round(image.width / scale))
    return reading.to_pixels(image, shape)


def count(path: str) -> int:
    """The number of pages of a file: more than one only of a PDF."""
    if not path.lower().endswith(".pdf"):
        return 1
    pdfium = require("pypdfium2", "reading PDF")
    with sources.decoding(), contextlib.closing(pdfium.PdfDocument(expand(path))) as document:
        return len(document)


def _pdf(path: str) -> Image.Image:
    pdfium = require("pypdfium2", "reading PDF")
    with sources.open_regular(path):
        pass  # missing files and devices get the error of every other image
    with sources.decoding(), contextlib.closing(pdfium.PdfDocument(path)) as document:
        if not len(document):
            raise DataError("the PDF has no pages")
        width, height = document[0].get_size()
        if width * height * PDF_SCALE**2 > sources.MAX_PIXELS:
            raise DataError("the first page of the PDF is too large")
        image: Image.Image = document[0].render(scale=PDF_SCALE).to_pil()
    return image
