"""From an ordinary picture of one letter or digit to the 28x28 input a network was trained on.

Three steps, a file each: `reading` (file to grey), `ink` with `page` (grey to ink on an empty page) and
`framing` (ink to the size, place and softness of EMNIST). Needs pillow, imported when a picture is read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..border import ieee_arithmetic
from ..errors import DataError
from . import framing, ink, reading
from .framing import Style

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Style", "as_text", "load_picture", "to_model_input"]


@ieee_arithmetic
def to_model_input(
    image: NDArray[np.generic] | Image.Image, size: int = 28, style: Style = "emnist"
) -> NDArray[np.uint8]:
    """Turns a picture of one letter or digit into what EMNIST would have stored for it.

    The page may be light or dark and unevenly lit, the letter anywhere on it and of any size: the page is
    removed, the ink cut out and then prepared as EMNIST was: edges softened by a Gaussian, put into a square
    with its proportions kept and a clear border, reduced bicubically, intensities stretched to 255. Strokes
    thinner than those of EMNIST are thickened to its thinnest. A picture that is already `size` x `size`, has
    four empty corners (all 0 or all 255) and ink at full strength is taken as it is, only inverted if its
    page is white: so a picture exported from EMNIST or MNIST comes back unchanged.

    Args:
        image: A pillow image of any mode, or an array (see Shapes).
        size: Side of the square that comes out, at least 8.
        style: "emnist", or "mnist" for a network trained on MNIST: the digit fills a box of 20 of the 28
            pixels instead of 22.5, and its centre of mass is in the middle. It matters: of MNIST digits drawn
            large, a network trained on MNIST reads 99 % prepared so and 85 % prepared as EMNIST.

    Shapes:
        image as array: (h, w) of uint8, uint16, bool, or float in 0..1; (h, w, 3) or (h, w, 4) of uint8, the
        fourth channel being opacity. Returns uint8 (size, size), 0 the page and 255 the ink.

    Raises:
        TypeError: `image` is neither a pillow image nor an array of these dtypes.
        ValueError: An array of another shape, floats outside 0..1, `size` below 8, or an unknown style.
        DataError: The page is blank, or the picture is smaller than 8x8 pixels.
        MissingDependencyError: Pillow is not installed.

    Cost: 30 ms for a drawing of 300x300 pixels, 0.2 s for a noisy photo; pictures are first reduced to at
    most 1024 pixels a side.

    Source: the steps of EMNIST, arXiv:1702.05373, section II-B.

    Example:
        >>> import numpy as np
        >>> page = np.full((300, 400), 230, np.uint8)      # a light page ...
        >>> page[60:240, 100:130] = 40                     # ... with a dark L on it
        >>> page[210:240, 100:220] = 40
        >>> x = to_model_input(page)
        >>> x.shape, x.dtype, int(x[0, 0]), int(x.max())
        ((28, 28), dtype('uint8'), 0, 255)
    """
    if size < 8:
        raise ValueError(f"to_model_input: size {size}; need at least 8")
    if style not in framing.LETTER_SHARE:
        raise ValueError(f"to_model_input: style {style!r}; need 'emnist' or 'mnist'")
    grey = reading.to_grey(image)
    if framing.is_framed(grey, size):
        return framing.as_is(grey)
    return framing.frame(ink.separate(grey), size, style)


def load_picture(path: str | os.PathLike[str], size: int = 28, style: Style = "emnist") -> NDArray[np.uint8]:
    """Reads a picture file and turns it into a network's input, see `to_model_input`.

    PNG, JPEG, BMP, GIF (first frame), TIFF, WebP and PNM, up to 64 million pixels; the camera's orientation
    mark (EXIF) is obeyed, transparency is laid on a contrasting page.

    Args:
        path: The file.
        size: Side of the square that comes out.
        style: "emnist" or "mnist", what the network was trained on.

    Shapes: returns uint8 (size, size), 0 the page and 255 the ink.

    Raises:
        OSError: The file cannot be opened.
        DataError: It is no picture, damaged, too large, too small, or blank; the text names the file.
        MissingDependencyError: Pillow is not installed.

    Example:
        >>> import tempfile, os
        >>> from PIL import Image, ImageDraw
        >>> page = Image.new("RGB", (200, 200), "white")
        >>> ImageDraw.Draw(page).line([(60, 40), (60, 150), (130, 150)], fill="navy", width=12)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page.save(os.path.join(folder, "L.png"))
        ...     x = load_picture(os.path.join(folder, "L.png"))
        >>> x.shape
        (28, 28)
    """
    image = reading.open_picture(path)
    try:
        return to_model_input(image, size, style)
    except DataError as error:
        raise DataError(f"{os.fspath(path)}: {error}") from None


def as_text(image: NDArray[np.uint8]) -> str:
    """Draws a grey image with characters, two a pixel, for a look at what a network sees.

    Args:
        image: uint8 (h, w).

    Shapes: returns h lines of up to 2 w characters; darker signs are stronger ink.

    Example:
        >>> print(as_text(np.array([[0, 255], [128, 0]], np.uint8)))
          @@
        ++
    """
    ramp = np.array(list(" .:-=+*#%@"))
    index = (image.astype(np.int64) * len(ramp)) // 256
    return "\n".join("".join(np.repeat(row, 2)).rstrip() for row in ramp[index])
