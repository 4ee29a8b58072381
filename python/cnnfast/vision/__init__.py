"""Converts an image of one letter or digit to the 28x28 input of a network.

The steps, one file each: `sources` (file, bytes or array to a Pillow image), `reading` (to gray),
`foreground` with `polarity` and `background` (gray to ink), `normalize` (ink to the size, position and blur
of EMNIST), and `single_letter` (whether it is one letter at all). Requires Pillow, imported when an image is
read.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from .. import _names
from .._checks import ieee_arithmetic
from . import foreground, hard_photo, normalize, reading, single_letter, sources
from .normalize import Style

if TYPE_CHECKING:
    from PIL import Image

    from .sources import Source

__all__ = [
    "ImageWarning",
    "InkColor",
    "Prepared",
    "Style",
    "as_text",
    "load_image",
    "prepare",
    "to_color_input",
    "to_model_input",
]

InkColor = Literal["auto", "dark", "light"]
_LIGHT = {"auto": None, "dark": False, "light": True}


class ImageWarning(UserWarning):
    """An image does not look like one letter; a network's prediction for it is unreliable."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A network's input, and a warning if the image does not look like one letter.

    Attributes:
        pixels: uint8 (size, size), 0 the background and 255 the ink.
        warning: Why the image does not look like one letter; empty if it does.
    """

    pixels: NDArray[np.uint8]
    warning: str


def to_model_input(
    image: Source, size: int = 28, style: Style = "emnist", ink: InkColor = "auto"
) -> NDArray[np.uint8]:
    """Converts an image of one letter or digit to the form of EMNIST's images.

    The background may be light or dark and unevenly lit, the letter of any size and at any position. The
    background is removed and the ink cropped, then processed as in EMNIST: blurred by a Gaussian, placed in a
    square with its aspect ratio kept and an empty border, downsampled bicubically, and scaled to a maximum of
    255. Strokes thinner than those of EMNIST are thickened to its thinnest. An image that is already `size` x
    `size`, has an empty border (all 0 or all 255 in the corners and along nine tenths of it) and ink at full
    intensity is returned unchanged, inverted if its background is white: so an image exported from EMNIST or
    MNIST stays as it is.

    Warns with `ImageWarning` if the image does not look like one letter (several letters, a blob, a scene);
    `prepare` returns the reason instead.

    Args:
        image: A path, the bytes of a file, a binary file object, a Pillow image of any mode, or an array (see
            Shapes). PNG, JPEG, BMP, GIF (first frame), TIFF, WebP and PNM, up to 64 million pixels. The EXIF
            orientation is applied; transparent images are composited over a contrasting background. The
            result does not depend on how the image is passed.
        size: Height and width of the result, at least 8.
        style: "emnist", or "mnist" for a network trained on MNIST: the digit fills a box of 20 of the 28
            pixels instead of 22.5, and its center of mass is in the middle. Of MNIST digits drawn large, a
            network trained on MNIST classifies 99 % correctly with "mnist" and 85 % with "emnist".
        ink: "dark" or "light" if that is known; "auto" decides from the image, even if it is tightly cropped.

    Shapes:
        image as array: (h, w) of uint8, uint16, bool, or float in 0..1; (h, w, 3) or (h, w, 4) of uint8, the
        fourth channel being opacity. Returns uint8 (size, size), 0 the background and 255 the ink.

    Raises:
        TypeError: `image` is none of these, or an array of another dtype.
        ValueError: An array of another shape, floats outside 0..1, `size` below 8, an unknown style or ink.
        OSError: The file cannot be opened.
        DataError: It is not an image, or damaged, too large, smaller than 8x8 pixels, or blank; the message
            names the file.
        MissingDependencyError: Pillow is not installed.

    Cost: 30 ms for a drawing of 300x300 pixels, 0.2 s for a noisy photo; images are first downsampled to at
    most 1024 pixels a side.

    Source: the processing steps of EMNIST, arXiv:1702.05373, section II-B.

    Example:
        >>> import numpy as np
        >>> page = np.full((300, 400), 230, np.uint8)      # a light page ...
        >>> page[60:240, 100:130] = 40                     # ... with a dark L on it
        >>> page[210:240, 100:220] = 40
        >>> x = to_model_input(page)
        >>> x.shape, x.dtype, int(x[0, 0]), int(x.max())
        ((28, 28), dtype('uint8'), 0, 255)
    """
    return _issue_warning(_prepared("to_model_input", image, size, style, ink))


def load_image(
    path: Source, size: int = 28, style: Style = "emnist", ink: InkColor = "auto"
) -> NDArray[np.uint8]:
    """Reads an image file as a network's input: an alias of `to_model_input`.

    Args:
        path: The file, or anything else that `to_model_input` takes.
        size, style, ink: As in `to_model_input`.

    Shapes: returns uint8 (size, size), 0 the background and 255 the ink.

    Raises: as `to_model_input`.

    Example:
        >>> import tempfile, os
        >>> from PIL import Image, ImageDraw
        >>> page = Image.new("RGB", (200, 200), "white")
        >>> ImageDraw.Draw(page).line([(60, 40), (60, 150), (130, 150)], fill="navy", width=12)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page.save(os.path.join(folder, "L.png"))
        ...     x = load_image(os.path.join(folder, "L.png"))
        >>> x.shape
        (28, 28)
    """
    return _issue_warning(_prepared("load_image", path, size, style, ink))


def prepare(image: Source, size: int = 28, style: Style = "emnist", ink: InkColor = "auto") -> Prepared:
    """As `to_model_input`, but returns the warning instead of issuing it.

    Args:
        image, size, style, ink: As `to_model_input` takes them.

    Raises: as `to_model_input`.

    Example:
        >>> page = np.full((100, 300), 255, np.uint8)
        >>> for left in (20, 120, 220):
        ...     page[20:80, left:left + 10] = page[70:80, left:left + 50] = 0  # three Ls in a row
        >>> prepare(page).warning
        'several letters: part of a page?'
    """
    return _prepared("prepare", image, size, style, ink)


@ieee_arithmetic
def to_color_input(image: Source, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Converts any image to the input of a network for color images; it need not show a letter.

    The image is resized bicubically, with its aspect ratio kept, until it covers `size`, then center-cropped.
    Transparent pixels become white.

    Args:
        image: As `to_model_input` takes it.
        size: Height and width; None keeps the image's own, downsampled to at most 1024 pixels a side.

    Shapes: returns uint8 (3, h, w).

    Raises: as `to_model_input`, except that no image is too small or blank.

    Example:
        >>> to_color_input(np.zeros((60, 100, 3), np.uint8), (32, 32)).shape
        (3, 32, 32)
    """
    if size is not None and min(size) < 1:
        raise ValueError(f"to_color_input: size {size}; need at least (1, 1)")
    with sources.named(sources.name_of(image)):
        return reading.to_pixels(sources.upright(image, "to_color_input"), size)


def as_text(image: NDArray[np.uint8]) -> str:
    """Draws a gray image with text characters, two per pixel, to show what a network sees.

    Args:
        image: uint8 (h, w).

    Shapes: returns h lines of up to 2 w characters; denser characters are stronger ink.

    Example:
        >>> print(as_text(np.array([[0, 255], [128, 0]], np.uint8)))
          @@
        ++
    """
    ramp = np.array(list(" .:-=+*#%@"))
    index = (image.astype(np.int64) * len(ramp)) // 256
    return "\n".join("".join(np.repeat(row, 2)).rstrip() for row in ramp[index])


@ieee_arithmetic
def _prepared(who: str, image: Source, size: int, style: Style, color: InkColor) -> Prepared:
    if size < 8:
        raise ValueError(f"{who}: size {size}; need at least 8")
    known_style = _names.find(style, normalize.LETTER_FRACTION)
    if known_style is None:
        hint = _names.did_you_mean(style, normalize.LETTER_FRACTION)
        raise ValueError(f"{who}: style {style!r}; need 'emnist' or 'mnist'{hint}")
    known_color = _names.find(color, _LIGHT)
    if known_color is None:
        hint = _names.did_you_mean(color, _LIGHT)
        raise ValueError(f"{who}: ink {color!r}; need 'auto', 'dark' or 'light'{hint}")
    light = _LIGHT[known_color]
    with sources.named(sources.name_of(image)):
        upright = sources.upright(image, who)
        gray = reading.to_gray(upright)
        if normalize.is_normalized(gray, size, light):
            return Prepared(normalize.as_is(gray), "")
        letter = foreground.separate(gray, light, lambda: reading.to_pixels(*_reduced(upright)))
        return Prepared(normalize.normalize(letter, size, known_style), single_letter.warning(letter))


def _reduced(image: Image.Image) -> tuple[Image.Image, tuple[int, int]]:
    scale = max(1.0, max(image.size) / hard_photo.SIDE)
    return image, (max(1, round(image.height / scale)), max(1, round(image.width / scale)))


def _issue_warning(prepared: Prepared) -> NDArray[np.uint8]:
    if prepared.warning:
        warnings.warn(prepared.warning, ImageWarning, stacklevel=3)
    return prepared.pixels
