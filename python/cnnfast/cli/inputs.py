"""Input of `cnnfast predict`: finds the image files and converts them to the input of a network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._files import contents
from ..errors import CheckpointError, DataError
from ..nn import Module
from .errors import note
from .model_files import extent

STANDARD_INPUT = "-"
FREE_SIZE = 28
"""Height and width of the input for a network that accepts letters of any size."""

MAX_NAMES = 3
"""Number of skipped files that a note lists by name."""


def files(words: Sequence[str]) -> Iterator[str]:
    """The image files for the arguments, in their order; a folder is expanded to its images, sorted by
    name."""
    for word in words:
        if word != STANDARD_INPUT and os.path.isdir(word):
            yield from _in_folder(word)
        else:
            yield word


def _in_folder(folder: str) -> Iterator[str]:
    from ..vision.sources import is_image

    inside = sorted(path for path in Path(folder).iterdir() if path.is_file() and path.name[0] != ".")
    images = [path for path in inside if is_image(path)]
    others = [path.name for path in inside if path not in set(images)]
    if others:
        names = ", ".join(others) if len(others) <= MAX_NAMES else f"{', '.join(others[:MAX_NAMES])} ..."
        note(f"note: {folder}: skipped {len(others)} that are not images ({names})")
    return iter([str(path) for path in images] or [folder])  # an empty folder is reported later, in order


@dataclass(frozen=True)
class Preparation:
    """Converts images to the input of one network.

    For a network with one input channel the letter is extracted (`cnnfast.vision.prepare`) and centered if
    the input is not square. For three channels, colors are kept (`cnnfast.vision.to_color_input`).

    Attributes:
        shape: (1, h, w) or (3, h, w); h and w are 0 if the network accepts color images of any size.
        style, ink: As in `cnnfast.vision.prepare`; the style "plain" resizes and crops a gray image, as
            `datasets.ImageFolder`.
    """

    shape: tuple[int, int, int]
    style: Any
    ink: Any

    @property
    def is_grayscale(self) -> bool:
        return self.shape[0] == 1

    def input(self, file: str) -> tuple[NDArray[np.uint8], str]:
        """The network's input (c, h, w), and a warning about the image, if any.

        Raises:
            OSError, DataError: The file cannot be read.
        """
        from ..vision.sources import MAX_BYTES, named

        if file == STANDARD_INPUT:
            with named(file):
                return self._input(contents("predict", sys.stdin.buffer, MAX_BYTES))
        if os.path.isdir(file):
            raise DataError(f"{file}: no images in this folder")
        return self._input(file)

    def _input(self, source: str | bytes) -> tuple[NDArray[np.uint8], str]:
        from ..vision import prepare, reading, sources, to_color_input

        _, height, width = self.shape
        if not self.is_grayscale:
            return to_color_input(source, (height, width) if height else None), ""
        if self.style == "plain":
            with sources.named(sources.name_of(source)):
                image = sources.upright(source, "predict")
                return reading.to_pixels(image, (height, width), "L")[None], ""
        side = min(height, width)
        prepared = prepare(source, side, self.style, self.ink)
        pixels = np.zeros((1, height, width), np.uint8)
        top, left = (height - side) // 2, (width - side) // 2
        pixels[0, top : top + side, left : left + side] = prepared.pixels
        return pixels, prepared.warning


def input_shape(path: str, model: Module) -> tuple[int, int, int]:
    """The shape (c, h, w) of the input images, see `Preparation`.

    Raises:
        CheckpointError: The network's input is not an image.
    """
    shape = model.input_shape
    if shape is None:
        return _free_shape(path, model)
    if len(shape) != 3 or shape[0] not in (1, 3) or (shape[0] == 1 and min(shape[1:]) < 8):
        raise CheckpointError(
            f"{path}: expects input {extent(shape)}, but only images of 3 channels, or of "
            "1 channel and at least 8x8 pixels, are supported (CxHxW)"
        )
    return shape[0], shape[1], shape[2]


def _free_shape(path: str, model: Module) -> tuple[int, int, int]:
    for channels, side in ((1, FREE_SIZE), (3, FREE_SIZE)):
        try:
            model.plan((channels, side, side))
        except ValueError:
            continue
        return (1, side, side) if channels == 1 else (3, 0, 0)
    raise CheckpointError(
        f"{path}: accepts neither 1x{FREE_SIZE}x{FREE_SIZE} nor 3x{FREE_SIZE}x{FREE_SIZE} images"
    )
