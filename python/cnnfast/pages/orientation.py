"""Which way up a page is: the classifier is surer of upright letters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..nn import Module
from .layout import Blob

SAMPLE = 60
"""At most this many letters are classified in four orientations."""

MIN_LETTERS = 6
"""A page of fewer is not turned: single letters are often others upside down."""

HALF_GAIN, QUARTER_GAIN = 0.04, 0.1
"""A page whose lines are horizontal in the photo is turned if the mean confidence rises by this much."""

SIDE, MIN_SIDE = (0.5, 1.6), 0.15
"""Limits of the longer and shorter side of letters of the sample, as multiples of the height of a letter."""


def sample(blobs: list[Blob], size: float) -> list[Blob]:
    """Components that are probably one letter, from all over the page."""
    usual = [
        b
        for b in blobs
        if SIDE[0] * size <= max(b.height, b.width) <= SIDE[1] * size
        and min(b.height, b.width) >= MIN_SIDE * size
    ]
    return usual[:: -(-len(usual) // SAMPLE) or 1]


def quarters(model: Module, images: NDArray[np.uint8], steep: bool) -> int:
    """Quarter turns counterclockwise after which the letters are upright.

    Args:
        model: The classifier.
        images: (n, size, size), normalized letters.
        steep: Whether the lines were more vertical than horizontal in the photo, so that either side may be
            up.
    """
    if len(images) < MIN_LETTERS:
        return 0
    turned = np.concatenate([np.rot90(images, k, axes=(1, 2)) for k in range(4)])
    sure = model.predict_proba(turned[:, None]).max(1).reshape(4, -1).mean(1)
    least = np.array([0, QUARTER_GAIN, 0 if steep else HALF_GAIN, QUARTER_GAIN])
    return int(np.argmax(sure - least))
