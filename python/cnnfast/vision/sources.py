"""Opens an image from a path, bytes, a file object, a Pillow image or an array as one upright Pillow image.

Whatever Pillow raises, here or later, becomes a DataError: see `decoding`.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._checks import check_array
from .._files import contents, expand
from ..errors import DataError, require

if TYPE_CHECKING:
    from PIL import Image

    Source: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | Image.Image | NDArray[np.generic]

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""The accepted formats; Pillow supports more, but some of them run other programs on the file (EPS)."""

MAX_PIXELS = 64_000_000
"""Larger images are rejected from their header: a small file can decompress to gigabytes."""

MAX_BYTES = 4 * MAX_PIXELS
"""At most this much is read from a file object, which may never end."""


def name_of(source: Source) -> str:
    """The image's name in error messages; empty for one in memory."""
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source)
    name = getattr(source, "filename", None) or getattr(source, "name", None)
    return name if isinstance(name, str) else ""


@contextlib.contextmanager
def named(name: str) -> Iterator[None]:
    """Puts the image's name in front of a DataError."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{name}: {error}" if name else str(error)) from None


class _WithoutWarnings:
    """Context in which Pillow does not warn about unusual metadata, which does not matter here.

    Threads share it: the filters belong to the process, so the first to enter sets them and the last to leave
    restores them.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.|cnnfast\.vision")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._before.__exit__(None, None, None)


without_warnings = _WithoutWarnings()


@contextlib.contextmanager
def decoding() -> Iterator[None]:
    """Context for calls of Pillow, whose decoders raise nearly any exception on damaged files: turns it into
    a DataError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with without_warnings:
            yield
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(
            "not an image of a known kind (PNG, JPEG, BMP, GIF, TIFF, WebP, PNM); "
            "a photo in HEIC has to be saved as JPEG first"
        ) from None
    except Image.DecompressionBombError:
        raise DataError(_too_large()) from None
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"the image is damaged: {text}") from None


def upright(source: Source, who: str) -> Image.Image:
    """The first frame of a file, or the given image, decoded and rotated by its EXIF orientation.

    Args:
        source: Path, bytes of a file, binary file object, Pillow image (not changed), or array.
        who: Name of the calling function, for error messages.

    Raises:
        TypeError, ValueError: `source` is none of these, or an array of a wrong shape, dtype or range.
        OSError: The file cannot be opened.
        DataError: It is no image, damaged or too large.
    """
    require("PIL", "reading images")
    from PIL import Image

    if isinstance(source, np.ndarray):
        return from_array(check_array(who, "image", source), who)
    if isinstance(source, Image.Image):
        return _oriented(source)
    if isinstance(source, str | os.PathLike):
        with open_regular(source) as file:
            return _decoded(file)
    if isinstance(source, bytes | bytearray | memoryview):
        return _decoded(io.BytesIO(source))
    if callable(getattr(source, "read", None)):
        return _decoded(io.BytesIO(contents(who, source, MAX_BYTES)))
    raise TypeError(
        f"{who}: image is a {type(source).__name__}; need a path, bytes, a binary file object, "
        "a pillow image or a NumPy array"
    )


def is_image(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins like an image of a known format."""
    from PIL import Image

    try:
        with open_regular(path) as file, decoding(), Image.open(file, formats=FORMATS):
            return True
    except (DataError, OSError):
        return False


def mode_and_size(path: str | os.PathLike[str]) -> tuple[str, tuple[int, int]]:
    """Pillow's mode of an image file, and its height and width after rotation by its EXIF orientation, from
    its header.

    Raises:
        OSError: The file cannot be opened.
        DataError: It is no image, or too large.
    """
    require("PIL", "reading images")
    from PIL import ExifTags, Image

    with open_regular(path) as file, decoding(), Image.open(file, formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise DataError(_too_large())
        lies = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
        mode = "RGBA" if image.mode == "P" else image.mode
        return mode, image.size if lies else (image.height, image.width)


def open_regular(path: str | os.PathLike[str]) -> IO[bytes]:
    """Opens a file; a pipe or device is rejected, since reading it may block forever.

    Raises:
        OSError: The file cannot be opened.
        DataError: It is not a regular file.
    """
    path = expand(path)
    if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):  # open refuses a directory
        raise DataError("is not a regular file; pass the contents of a pipe as bytes (- for standard input)")
    return open(path, "rb")


def _decoded(file: IO[bytes]) -> Image.Image:
    from PIL import Image

    with decoding():
        return _oriented(Image.open(file, formats=FORMATS))


def _oriented(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    if image.width * image.height > MAX_PIXELS:
        raise DataError(_too_large())
    with decoding():
        image.load()
        return ImageOps.exif_transpose(image)


def _too_large() -> str:
    return f"the image has more than {MAX_PIXELS // 10**6} million pixels; reduce it first"


def from_array(array: NDArray[np.generic], who: str) -> Image.Image:
    """Converts an array to a Pillow image.

    Shapes: (h, w) of uint8, uint16, bool, or float in 0..1; (h, w, 3) or (h, w, 4) of uint8.
    """
    from PIL import Image

    color = array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8
    if not (array.ndim == 2 or color):
        raise ValueError(
            f"{who}: image has shape {array.shape} and dtype {array.dtype}; "
            "need (h, w), or (h, w, 3) or (h, w, 4) of uint8"
        )
    if array.dtype == np.bool_:
        return Image.fromarray(array.astype(np.uint8) * np.uint8(255))
    if array.dtype in (np.uint8, np.uint16):
        return Image.fromarray(np.ascontiguousarray(array))
    if array.dtype in (np.float32, np.float64):
        values = np.asarray(array, np.float32)
        if values.size and not (values.min() >= 0 and values.max() <= 1):  # also true of NaN
            raise ValueError(
                f"{who}: image holds values from {values.min():g} to {values.max():g}; "
                "need floats in 0..1, or uint8"
            )
        return Image.fromarray(values)
    raise TypeError(
        f"{who}: image has dtype {array.dtype}; need uint8, uint16, bool, float32 or float64: "
        "use image.astype(np.uint8) for values 0..255"
    )
