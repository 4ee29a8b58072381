"""Gives ink the size, place, softness and least stroke width of the images a network was trained on.

EMNIST softened its letters with a Gaussian of one pixel when their longer side had about 60, and centered
their bounding box; they end 22.5 pixels long (edges at half strength) in 28. MNIST's digits fill a box of
20 pixels; their center of mass lies, on average, half a pixel right of and below the middle.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .background import widest
from .resize import resize

Gray = NDArray[np.float32]

LONG_SIDE = 120
"""Longer side of the letter while it is worked on: EMNIST's 60, twice, for smoother edges."""

SOFTENING = 2.0
"""Deviation of the Gaussian at that size: EMNIST's 1, twice."""

Style = Literal["emnist", "mnist"]

LETTER_FRACTION: dict[Style, float] = {"emnist": 22.5 / 28, "mnist": 20 / 28}
"""Longer side of the letter as a share of the final square."""

EMPTY_BORDER = 0.9
"""Of the outermost pixels of an image that is taken as it is; a few digits of MNIST reach the border."""

FULL_INK = 0.97
"""Its strongest ink at least."""

THINNEST = 9.0
"""Least width of a stroke at the working size: a network trained on EMNIST has not seen hairlines."""


def normalize(ink: Gray, size: int, style: Style) -> NDArray[np.uint8]:
    """Ink 0..1 to a (size, size) image, 0 the page and 255 the strongest ink.

    Args:
        ink: (h, w), cut to the letter up to a few pixels.
        size: Side of the square that comes out.
        style: Whose size and place.
    """
    letter = thicken(at_working_size(ink))
    h, w = letter.shape
    side = round(max(h, w) / LETTER_FRACTION[style])
    row, column = (h / 2, w / 2) if style == "emnist" else _centre_of_mass(letter)
    middle = side / 2 if style == "emnist" else side * 14.5 / 28
    square = _placed(letter, side, round(middle - row), round(middle - column))
    small = np.clip(resize(soften(square, SOFTENING * max(h, w) / LONG_SIDE), (size, size)), 0, None)
    pixels: NDArray[np.uint8] = np.rint(small * (255 / small.max())).astype(np.uint8)
    return pixels


def at_working_size(ink: Gray) -> Gray:
    """Ink with sharp edges, cut to the letter, whose longer side is about `LONG_SIDE`."""
    return _cut(_sharpen(_scaled(ink)))


def is_normalized(gray: Gray, size: int, light_ink: bool | None = None) -> bool:
    """Whether an image already is what `normalize` makes: right size, empty border, full ink.

    Args:
        gray: (h, w), 0 black to 1 white.
        size: The right one.
        light_ink: False asks for a white page, True for a black one; None takes either.
    """
    if gray.shape != (size, size):
        return False
    corners = gray[[0, 0, -1, -1], [0, -1, 0, -1]]
    border = np.concatenate([gray[0], gray[-1], gray[1:-1, 0], gray[1:-1, -1]])
    for page, ink_is_light in ((0, True), (1, False)):
        empty = (corners == page).all() and (border == page).mean() > EMPTY_BORDER
        if empty and np.abs(gray - page).max() > FULL_INK:
            return light_ink in (None, ink_is_light)
    return False


def as_is(gray: Gray) -> NDArray[np.uint8]:
    """An image that `is_normalized`, its page made 0."""
    page_is_white = gray[0, 0] == 1
    pixels: NDArray[np.uint8] = np.rint(255 * (1 - gray if page_is_white else gray)).astype(np.uint8)
    return pixels


def stroke_width(ink: Gray) -> float:
    """Mean width of the strokes in pixels: twice the area over the length of the outline."""
    dy, dx = np.diff(ink, axis=0, prepend=0, append=0), np.diff(ink, axis=1, prepend=0, append=0)
    outline = float(np.hypot(dy[:-1], dx[:, :-1]).sum())
    return 2 * float(ink.sum()) / outline if outline else 0.0


def thicken(ink: Gray) -> Gray:
    """Widens strokes thinner than `THINNEST` to it, by the same amount everywhere."""
    reach = (THINNEST - stroke_width(ink)) / 2
    if reach <= 0.25:
        return ink
    whole = math.ceil(reach)
    padded = np.pad(ink, 2 * whole)
    h, w = ink.shape[0] + 2 * whole, ink.shape[1] + 2 * whole
    grown = np.zeros((h, w), np.float32)
    for y in range(-whole, whole + 1):
        for x in range(-whole, whole + 1):
            share = min(1.0, max(0.0, reach + 1 - math.hypot(y, x)))  # a disc with a soft rim
            if share:
                part = padded[whole + y : whole + y + h, whole + x : whole + x + w]
                np.maximum(grown, np.float32(share) * part, out=grown)
    return grown


def soften(image: Gray, deviation: float) -> Gray:
    """Convolution with a Gaussian, nothing beyond the border."""
    reach = math.ceil(4 * deviation)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, pad), 2 * reach + 1, axis=axis)
        image = windows @ weights
    return image


def _centre_of_mass(ink: Gray) -> tuple[float, float]:
    h, w = ink.shape
    weights = ink / ink.sum()
    return float(weights.sum(1) @ (np.arange(h) + 0.5)), float(weights.sum(0) @ (np.arange(w) + 0.5))


def _placed(letter: Gray, side: int, top: int, left: int) -> Gray:
    """The letter on an empty square, `top` and `left` moved if it would stick out."""
    h, w = letter.shape
    top, left = min(max(top, 0), side - h), min(max(left, 0), side - w)
    square = np.zeros((side, side), np.float32)
    square[top : top + h, left : left + w] = letter
    return square


def _scaled(ink: Gray) -> Gray:
    """Resampled so that the longer side has the working size and the strongest ink is 1.

    Lines that would fade away in a reduction are widened before it.
    """
    h, w = ink.shape
    scale = LONG_SIDE / max(h, w)
    if stroke_width(ink) * scale < 2:
        ink = widest(ink, math.ceil(0.5 / scale))
    ink = resize(ink, (max(1, round(h * scale)), max(1, round(w * scale))))
    strongest: Gray = ink / ink.max()
    return strongest


def _sharpen(ink: Gray) -> Gray:
    """Edges as steep as those of a scanned black-and-white page, whatever blur came with the image."""
    sharp: Gray = np.clip(0.5 + 3 * (ink - 0.5), 0, 1)
    return sharp


def _cut(ink: Gray) -> Gray:
    """Cut to the rows and columns where ink reaches half strength."""
    rows, columns = np.flatnonzero((ink >= 0.5).any(1)), np.flatnonzero((ink >= 0.5).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
