"""Images for tests: a drawn letter, a photo of it, and PNG files made by hand."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np


def drawing(
    page: tuple[int, int] = (300, 300),
    at: tuple[int, int] = (80, 50),
    scale: float = 1.0,
    width: int = 22,
    ink: str = "black",
    paper: str = "white",
    mode: str = "L",
) -> Any:
    """A pillow image of an R: stem, bowl and leg, 140 wide and 200 high at scale 1."""
    from PIL import Image, ImageDraw

    image = Image.new(mode, page, paper)
    path = [(0, 200), (0, 0), (110, 0), (140, 30), (140, 70), (110, 100), (0, 100), (70, 100), (140, 200)]
    points = [(at[0] + scale * x, at[1] + scale * y) for x, y in path]
    ImageDraw.Draw(image).line(points, fill=ink, width=max(1, round(scale * width)), joint="curve")
    return image


def photo(
    image: Any,
    slope: float = 0.0,
    noise: float = 0.0,
    strength: float = 0.8,
    shadow: float = 1.0,
    table: int = 0,
    dust: bool = False,
) -> np.ndarray[Any, Any]:
    """A drawing as in a photo, float 0..1.

    slope: relative change of the light from the middle to the edge. strength: how dark the ink is. shadow:
    light on the lower right half. table: width of a dark strip at the right. dust: dark specks.
    """
    rng = np.random.default_rng(7)
    ink = 1 - np.asarray(image.convert("L")) / 255.0
    h, w = ink.shape
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    light = (
        0.6
        * (1 + slope * (0.8 * x + 0.5 * y) - 0.3 * slope * (x * x + y * y))
        * np.where(x + y > 0.3, shadow, 1)
    )
    if dust:
        for top, left in rng.integers(5, [h - 5, w - 5], (12, 2)):
            ink[top : top + 2, left : left + 2] = 1
    seen = light * (1 - strength * ink)
    if table:
        seen[:, -table:] = 0.12
    return np.clip(seen + rng.normal(0, noise, (h, w)), 0, 1)


def similarity(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """Correlation of two images."""
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def bare_png(width: int, height: int) -> bytes:
    """A valid PNG whose header promises that size; its pixels stop after sixteen black rows of sixteen."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * (17 * 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def words(text: str, size: int = 60, bold: int = 0) -> np.ndarray[Any, Any]:
    """Black on white in pillow's own font, with a margin."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
        (0, 0), text, font, stroke_width=bold
    )
    page = Image.new("L", (round(right - left) + 40, round(bottom - top) + 40), 255)
    ImageDraw.Draw(page).text((20 - left, 20 - top), text, 0, font, stroke_width=bold)
    return np.asarray(page)


def blob(side: int = 200) -> np.ndarray[Any, Any]:
    """A black disc with a bump, on white."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    return np.where(np.hypot(x, y) < 0.5 + 0.1 * np.cos(3 * np.arctan2(y, x)), 0, 255).astype(np.uint8)


def cropped(page: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Black on white, cropped at the ink on all sides."""
    rows, columns = (np.flatnonzero((page < 128).any(axis)) for axis in (1, 0))
    return page[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
