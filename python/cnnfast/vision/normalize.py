"""Gives ink the size, position, blur and least stroke width of the images a network was trained on.

EMNIST blurs its letters with a Gaussian of one pixel when their longer side has about 60 pixels, and centers
their bounding box; the result is 22.5 of 28 pixels long (measured at half intensity). MNIST's digits fill a
box of 20 pixels; their center of mass is, on average, half a pixel right of and below the middle.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .background import dilate
from .resize import resize

Gray = NDArray[np.float32]

LONG_SIDE = 120
"""Longer side of the letter at working size: twice EMNIST's 60, for smoother edges."""

BLUR = 2.0
"""Standard deviation of the Gaussian at that size: twice EMNIST's 1."""

Style = Literal["emnist", "mnist"]

LETTER_FRACTION: dict[Style, float] = {"emnist": 22.5 / 28, "mnist": 20 / 28}
"""Longer side of the letter as a fraction of the final square."""

EMPTY_BORDER = 0.9
"""Fraction of the outermost pixels that must be background for an image to be used unchanged; a few digits of
MNIST reach the border."""

FULL_INK = 0.97
"""Least maximum of the ink of such an image."""

MIN_STROKE_WIDTH = 9.0
"""Least stroke width at the working size: EMNIST has no thinner strokes."""

SERIAL_PRODUCT = 200_000
"""Multiply-adds of a product of matrices for which BLAS starts no threads (OpenBLAS: up to 262,144)."""


def normalize(ink: Gray, size: int, style: Style) -> NDArray[np.uint8]:
    """Converts ink in 0..1 to a (size, size) image, 0 the background and 255 the strongest ink.

    Args:
        ink: (h, w), cropped to the letter up to a few pixels.
        size: Height and width of the result.
        style: The data set whose size and position to use.
    """
    letter = thicken(at_working_size(ink))
    h, w = letter.shape
    side = round(max(h, w) / LETTER_FRACTION[style])
    row, column = (h / 2, w / 2) if style == "emnist" else _center_of_mass(letter)
    middle = side / 2 if style == "emnist" else side * 14.5 / 28
    top, left = _start(middle - row, side - h), _start(middle - column, side - w)
    filters = blur_and_reduce(side, size, BLUR * max(h, w) / LONG_SIDE)
    small = _transformed(filters[:, top : top + h], letter, filters[:, left : left + w])
    small = np.clip(small, 0, None)
    pixels: NDArray[np.uint8] = np.rint(small * (255 / small.max())).astype(np.uint8)
    return pixels


def at_working_size(ink: Gray) -> Gray:
    """Ink with sharp edges, cropped to the letter and resized so that its longer side is about
    `LONG_SIDE`."""
    return _cropped(_sharpen(_scaled(ink)))


def is_normalized(gray: Gray, size: int, light_ink: bool | None = None) -> bool:
    """Whether an image already is what `normalize` makes: right size, empty border, full ink.

    Args:
        gray: (h, w), 0 black to 1 white.
        size: The expected height and width.
        light_ink: False requires a white background, True a black one; None accepts either.
    """
    if gray.shape != (size, size):
        return False
    corners = gray[[0, 0, -1, -1], [0, -1, 0, -1]]
    border = np.concatenate([gray[0], gray[-1], gray[1:-1, 0], gray[1:-1, -1]])
    for background, ink_is_light in ((0, True), (1, False)):
        empty = (corners == background).all() and (border == background).mean() > EMPTY_BORDER
        if empty and np.abs(gray - background).max() > FULL_INK:
            return light_ink in (None, ink_is_light)
    return False


def as_is(gray: Gray) -> NDArray[np.uint8]:
    """An image that `is_normalized`, inverted if its background is white."""
    is_inverted = gray[0, 0] == 1
    pixels: NDArray[np.uint8] = np.rint(255 * (1 - gray if is_inverted else gray)).astype(np.uint8)
    return pixels


def stroke_width(ink: Gray) -> float:
    """Mean width of the strokes in pixels: twice the area over the length of the outline."""
    padded = np.zeros((ink.shape[0] + 1, ink.shape[1] + 1), np.float32)
    padded[1:, 1:] = ink
    dy, dx = ink - padded[:-1, 1:], ink - padded[1:, :-1]
    outline = float(np.sqrt(dy * dy + dx * dx).sum())
    return 2 * float(ink.sum()) / outline if outline else 0.0


def thicken(ink: Gray) -> Gray:
    """Dilates strokes thinner than `MIN_STROKE_WIDTH` with a disc, so that their mean width reaches it."""
    radius = (MIN_STROKE_WIDTH - stroke_width(ink)) / 2
    if radius <= 0.25:
        return ink
    n = math.ceil(radius)
    padded = np.pad(ink, 2 * n)
    h, w = ink.shape[0] + 2 * n, ink.shape[1] + 2 * n
    sides = [padded[:, n : n + w]]  # the larger of the pixels x columns to the left and to the right
    sides += [np.maximum(padded[:, n - x : n - x + w], padded[:, n + x : n + x + w]) for x in range(1, n + 1)]
    dilated = np.zeros((h, w), np.float32)
    for y in range(n + 1):
        weights = [min(1.0, radius + 1 - math.hypot(y, x)) for x in range(n + 1)]  # a disc with a soft edge
        rows = [np.float32(weight) * side for weight, side in zip(weights, sides, strict=True) if weight > 0]
        row = np.maximum.reduce(rows)
        for start in {n - y, n + y}:
            np.maximum(dilated, row[start : start + h], out=dilated)
    return dilated


def blur(image: Gray, deviation: float, axes: tuple[int, ...] = (0, 1)) -> Gray:
    """Gaussian blur with zero padding."""
    radius = math.ceil(4 * deviation)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in axes:
        pad = [(0, 0), (0, 0)]
        pad[axis] = (radius, radius)
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, pad), 2 * radius + 1, axis=axis)
        image = windows @ weights
    return image


def _center_of_mass(ink: Gray) -> tuple[float, float]:
    h, w = ink.shape
    weights = ink / ink.sum()
    return float(weights.sum(1) @ (np.arange(h) + 0.5)), float(weights.sum(0) @ (np.arange(w) + 0.5))


def _start(start: float, most: int) -> int:
    """The first row or column of a letter in its square, so that all of it lies inside."""
    return min(max(round(start), 0), most)


@functools.lru_cache(maxsize=128)
def blur_and_reduce(side: int, size: int, deviation: float) -> Gray:
    """The (size, side) matrix that blurs and resizes a column: both are linear, and equal for columns and
    rows."""
    return resize(blur(np.eye(side, dtype=np.float32), deviation, axes=(0,)), (size, side))


def _scaled(ink: Gray) -> Gray:
    """Resized so that the longer side has the working size, and scaled so that the maximum is 1.

    Lines that would vanish when downsampled are dilated first.
    """
    h, w = ink.shape
    scale = LONG_SIDE / max(h, w)
    if stroke_width(ink) * scale < 2:
        ink = dilate(ink, math.ceil(0.5 / scale))
    ink = _resized(ink, (max(1, round(h * scale)), max(1, round(w * scale))))
    strongest: Gray = ink / ink.max()
    return strongest


def _resized(ink: Gray, shape: tuple[int, int]) -> Gray:
    """As `resize`; small images by two products with matrices, which takes a third of the time."""
    if max(ink.shape) > LONG_SIDE:
        return resize(ink, shape)
    return _transformed(_resizing(ink.shape[0], shape[0]), ink, _resizing(ink.shape[1], shape[1]))


@functools.lru_cache(maxsize=1024)
def _resizing(n: int, size: int) -> Gray:
    """The (size, n) matrix that resizes a column."""
    return resize(np.eye(n, dtype=np.float32), (size, n))


def _transformed(rows: Gray, image: Gray, columns: Gray) -> Gray:
    """`rows @ image @ columns.T`, a few rows at a time: BLAS starts threads for larger products, which takes
    longer than the product itself."""
    result = np.empty((len(rows), len(columns)), np.float32)
    n = max(1, SERIAL_PRODUCT // (image.shape[1] * max(len(image), len(columns))))
    for k in range(0, len(rows), n):
        np.matmul(rows[k : k + n] @ image, columns.T, out=result[k : k + n])
    return result


def _sharpen(ink: Gray) -> Gray:
    """Steepens the edges, to be independent of the image's own blur."""
    sharp: Gray = np.clip(0.5 + 3 * (ink - 0.5), 0, 1)
    return sharp


def _cropped(ink: Gray) -> Gray:
    """Cropped to the rows and columns where ink reaches half intensity."""
    rows, columns = np.flatnonzero((ink >= 0.5).any(1)), np.flatnonzero((ink >= 0.5).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
