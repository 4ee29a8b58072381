"""Picture files and pillow images of every mode, read safely into one grey float array.

What the picture shows is none of this file's business: that begins in `ink`.
"""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..border import plain_array
from ..errors import DataError, require

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""The formats tried; pillow knows more, but some of them run other programs on the file (EPS)."""

MAX_PIXELS = 64_000_000
"""Larger pictures are refused from their header: a small file can hold gigabytes of one colour."""

WORKING_SIDE = 1024
"""Longer side to which a picture is reduced before anything else is done with it."""

MIN_SIDE = 8

DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
"""What pillow raises on files cut short or altered."""


def open_picture(path: str | os.PathLike[str]) -> Image.Image:
    """Opens, checks, decodes and turns upright the first frame of a picture file.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be opened.
        DataError: It is no picture, too large or damaged.
        MissingDependencyError: Pillow is not installed.
    """
    require("PIL", "reading pictures")
    from PIL import Image, ImageOps, UnidentifiedImageError

    name = os.fspath(path)
    too_large = DataError(
        f"{name}: the picture has more than {MAX_PIXELS // 10**6} million pixels; reduce it first"
    )
    with open(path, "rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pillow warns of odd metadata that does not matter here
        try:
            image = Image.open(file, formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise too_large
            if image.mode in ("RGB", "L"):
                image.draft("L", (WORKING_SIDE, WORKING_SIDE))  # JPEG decodes to a reduced size directly
            image.load()
            return ImageOps.exif_transpose(image)
        except UnidentifiedImageError:
            raise DataError(
                f"{name}: not a picture of a known kind (PNG, JPEG, BMP, GIF, TIFF, WebP, PNM); "
                "a photo in HEIC has to be saved as JPEG first"
            ) from None
        except Image.DecompressionBombError:
            raise too_large from None
        except DataError:
            raise
        except DAMAGED as error:
            raise DataError(f"{name}: the picture is damaged: {error}") from None


def to_grey(image: NDArray[np.generic] | Image.Image) -> NDArray[np.float32]:
    """Grey values 0 (black) to 1 (white), reduced to at most 1024 pixels a side.

    Args:
        image: A pillow image or an array, see `cnnfast.pictures.to_model_input`.

    Shapes: returns float32 (h, w).
    """
    require("PIL", "reading pictures")
    from PIL import Image

    if isinstance(image, np.ndarray):
        image = _from_array(plain_array("to_model_input", "image", image))
    elif not isinstance(image, Image.Image):
        raise TypeError(
            f"to_model_input: image is a {type(image).__name__}; need a pillow image or a NumPy array"
        )
    if min(image.size) < MIN_SIDE:
        raise DataError(
            f"the picture is {image.width}x{image.height} pixels; need at least {MIN_SIDE}x{MIN_SIDE}"
        )
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _reduced(_deep_grey(image))
    if image.has_transparency_data:
        return _on_a_page(_reduced(image.convert("RGBA").convert("RGBa")))
    return _reduced(image.convert("L")) / np.float32(255)


def _from_array(array: NDArray[np.generic]) -> Image.Image:
    from PIL import Image

    colour = array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8
    if not (array.ndim == 2 or colour):
        raise ValueError(
            f"to_model_input: image has shape {array.shape} and dtype {array.dtype}; "
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
                f"to_model_input: image holds values from {values.min():g} to {values.max():g}; "
                "need floats in 0..1, or uint8"
            )
        return Image.fromarray(values)
    raise TypeError(
        f"to_model_input: image has dtype {array.dtype}; need uint8, uint16, bool, float32 or float64: "
        "use image.astype(np.uint8) for values 0..255"
    )


def _deep_grey(image: Image.Image) -> Image.Image:
    """Pictures of more than 8 bits, scaled to 0..1 by the bits their largest value needs."""
    from PIL import Image

    values = np.asarray(image).astype(np.float32)
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    largest = float(values.max())
    if image.mode != "F" or largest > 1:
        bits = max(8, int(np.ceil(np.log2(max(largest, 1.0) + 1))))
        values /= np.float32(2.0**bits - 1)
    return Image.fromarray(np.clip(values, 0, 1))


def _reduced(image: Image.Image) -> NDArray[np.float32]:
    factor = -(-max(image.size) // WORKING_SIDE)
    if factor > 1:
        image = image.reduce(factor)
    return np.asarray(image).astype(np.float32)


def _on_a_page(premultiplied: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lays a picture with transparency on a page it stands out from.

    Where most of the picture is opaque, what is transparent lies around the page and gets the page's grey;
    otherwise the opaque part is the ink, and the page is white under dark ink, black under light ink.
    """
    opacity = premultiplied[..., 3] / np.float32(255)
    grey = premultiplied[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32) / np.float32(255)
    solid = opacity > 0.5
    if not solid.any():
        return np.zeros_like(grey)
    level = np.float32(np.median(grey[solid] / opacity[solid]))
    page = level if solid.mean() > 0.5 else np.float32(level < 0.5)
    flat: NDArray[np.float32] = grey + (1 - opacity) * page
    return flat
