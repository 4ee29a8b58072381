"""Converts Pillow images of every mode to one kind of array: gray floats, or colors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .sources import decoding

if TYPE_CHECKING:
    from PIL import Image

WORKING_SIDE = 1024
"""Images are first downsampled to this longer side."""

MIN_SIDE = 8


def to_gray(image: Image.Image) -> NDArray[np.float32]:
    """Gray values 0 (black) to 1 (white), downsampled to at most 1024 pixels a side.

    Args:
        image: Of any mode.

    Shapes: returns float32 (h, w).

    Raises:
        DataError: Too small, or it cannot be converted.
    """
    if min(image.size) < MIN_SIDE:
        raise DataError(
            f"the image is {image.width}x{image.height} pixels; need at least {MIN_SIDE}x{MIN_SIDE}"
        )
    with decoding():
        image = _plain(image)
        if image.mode == "F":
            return _reduced(image)
        if image.mode == "RGBA":
            return _composited(_reduced(image.convert("RGBa")))
        return _reduced(image.convert("L")) / np.float32(255)


def to_pixels(
    image: Image.Image, size: tuple[int, int] | None, mode: Literal["L", "RGB"] = "RGB"
) -> NDArray[np.uint8]:
    """Colors or gray values, scaled until the image covers `size` and center-cropped to it.

    Args:
        image: Of any mode; transparent pixels become white.
        size: Height and width; None keeps the image's own, downsampled to at most 1024 pixels a side.
        mode: "RGB", or "L" for gray values.

    Shapes: returns uint8 (3, h, w), or (h, w) for "L".

    Raises:
        DataError: It is empty or cannot be converted.
    """
    from PIL import Image, ImageOps

    if not min(image.size):
        raise DataError(f"the image is {image.width}x{image.height} pixels")
    with decoding():
        image = _plain(image)
        if image.mode == "F":
            image = Image.fromarray(np.rint(255 * np.asarray(image)).astype(np.uint8))
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert(mode)
        if size is not None:
            image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.BICUBIC)
        elif max(image.size) > WORKING_SIDE:
            image.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BICUBIC)
        pixels = np.asarray(image)
        return np.ascontiguousarray(pixels if mode == "L" else pixels.transpose(2, 0, 1))


def _plain(image: Image.Image) -> Image.Image:
    """The image in mode F (0..1) if it has more than 8 bits, in RGBA if it has transparency, otherwise in a
    mode that converts to L and RGB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _deep_gray(image)
    if image.mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")  # type: ignore[return-value]
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode == "RGBa" or image.has_transparency_data:
        return image.convert("RGBA")
    return image


def _deep_gray(image: Image.Image) -> Image.Image:
    """Images of more than 8 bits, scaled to 0..1 by the number of bits of their largest value."""
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


def _composited(premultiplied: NDArray[np.float32]) -> NDArray[np.float32]:
    """Composites an image with transparency over a background with contrast.

    If most of the image is opaque, transparent pixels get the gray of the opaque background; otherwise the
    opaque part is the ink, and the background is white under dark ink, black under light ink.
    """
    opacity = premultiplied[..., 3] / np.float32(255)
    gray = premultiplied[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32) / np.float32(255)
    solid = opacity > 0.5
    if not solid.any():
        return np.zeros_like(gray)
    level = np.float32(np.median(gray[solid] / opacity[solid]))
    page = level if solid.mean() > 0.5 else np.float32(level < 0.5)
    flat: NDArray[np.float32] = gray + (1 - opacity) * page
    return flat
