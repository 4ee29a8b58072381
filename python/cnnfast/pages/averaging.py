"""Probabilities of letters as the mean over different versions of each image (test-time augmentation).

A letter of a page is blurred and placed a little differently from those that the classifier was trained on,
and what it says of one version is often too sure. The mean of the log-probabilities over a few versions makes
fewer errors, and its confidence sorts errors from correct letters better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..nn import Module

Matrix = NDArray[np.float32]

LEAST = 1e-7
"""Smaller probabilities count as this one."""


@dataclass(frozen=True)
class Version:
    """A version of an image.

    Attributes:
        x: Pixels that it is moved to the right.
        y: Pixels that it is moved down.
        scale: Factor of its size about the middle.
        slant: Pixels per row by which higher rows are moved further to the right.
        blur: Standard deviation of a Gaussian in pixels, before the rest.
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    slant: float = 0.0
    blur: float = 0.0


VERSIONS = (
    Version(),
    Version(x=-0.5, y=-0.5),
    Version(y=2.0),
    Version(slant=-0.3, blur=1.3),
    Version(scale=1.15, blur=1.3),
)
"""Chosen one after the other from 84 for the fewest errors of the most confident 90 % of the letters on
generated pages (`bench.pages`, seeds 7 and 8). Blur matters because bars that mean i or l differ in it in the
data set, but not on pages."""


def probabilities(model: Module, images: NDArray[np.uint8]) -> Matrix:
    """Classifies all versions of all images as one batch.

    Args:
        model: A classifier of (1, n, n) images.
        images: Normalized letters.

    Shapes: images (count, n, n); returns (count, classes), rows of sum 1.
    """
    batch = np.concatenate([versions(images, version) for version in VERSIONS])
    each = model.predict_proba(batch[:, None]).reshape(len(VERSIONS), len(images), -1)
    mean = np.exp(np.log(np.maximum(each, LEAST)).mean(0))
    result: Matrix = mean / mean.sum(1, keepdims=True)
    return result


def less_sure(probabilities: Matrix, temperature: float) -> Matrix:
    """Rows with their log-probabilities divided by a temperature above 1."""
    powers = np.maximum(probabilities, LEAST) ** np.float32(1 / temperature)
    result: Matrix = powers / powers.sum(1, keepdims=True)
    return result


def versions(images: NDArray[np.uint8], version: Version) -> NDArray[np.uint8]:
    """The versions of the images, of the same shape."""
    if version == Version():
        return images
    n = images.shape[1]
    rows = _matrix(n, version.scale, version.y, version.blur)
    slants = version.slant * ((n - 1) / 2 - np.arange(n))  # the upper half moves to the right
    columns = np.stack([_matrix(n, version.scale, version.x + slant, version.blur) for slant in slants])
    moved = np.einsum("ri,kic->rkc", rows, images.astype(np.float32), optimize=True) @ columns.swapaxes(1, 2)
    result: NDArray[np.uint8] = np.rint(np.clip(moved.swapaxes(0, 1), 0, 255)).astype(np.uint8)
    return result


def _matrix(n: int, scale: float, shift: float, blur: float) -> Matrix:
    """Blurs n values, then samples them by linear interpolation; zero outside."""
    at = np.arange(n, dtype=np.float32)
    middle = (n - 1) / 2
    source = (at - middle) / scale + middle - shift
    result: Matrix = np.maximum(0, 1 - np.abs(source[:, None] - at)).astype(np.float32)
    if blur:
        weights = np.exp(-0.5 * ((at[:, None] - at) / blur) ** 2)
        result = result @ (weights / (blur * np.sqrt(2 * np.pi))).astype(np.float32)
    return result
