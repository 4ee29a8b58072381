"""Estimates the brightness of the background (the page), and the contrast of each pixel with it.

Slowly varying light is modeled as a quadratic surface fitted to the background; shadows with a sharp edge are
result by opening by reconstruction. Both work on a downsampled copy of the image, so they cost little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .resize import resize

Gray = NDArray[np.float32]

COARSE_SIDE = 64
"""Longer side of the downsampled copy."""

ITERATIONS = 25
"""Iterations of reweighted least squares when a surface is fitted."""

WIDEST_STROKE = 0.4
"""As a fraction of the image's longer side. Anything wider in every direction is background, e.g. a
shadow."""


def coarse_copy(gray: Gray) -> Gray:
    """The image reduced to a longer side of 64."""
    h, w = gray.shape
    scale = min(1.0, COARSE_SIDE / max(h, w))
    return resize(gray, (max(1, round(h * scale)), max(1, round(w * scale))))


def contrasts(gray: Gray, dark: bool) -> list[Gray]:
    """Contrast of each pixel with the background, for each of two estimates of the background.

    Shapes: (h, w) each; about 0 in the background (noise may be below), up to 1 in the ink.
    """
    coarse = coarse_copy(gray)
    result = []
    for brightness in brightness_estimates(coarse, dark):
        shade = shadows(_contrast(coarse, brightness, dark))
        result.append(_contrast(gray, resize(brightness, gray.shape), dark) - resize(shade, gray.shape))
    return result


def brightness_estimates(coarse: Gray, dark: bool) -> list[Gray]:
    """Two estimates of the background's brightness: a quadratic surface, and a constant."""
    fraction_above = 0.7 if dark else 0.3
    even = np.full_like(coarse, np.quantile(coarse, 1 - fraction_above))
    return [surface(coarse, fraction_above), even]


def shadows(coarse: Gray) -> Gray:
    """Bright regions wider than a stroke, on an image with light ink.

    Opening by reconstruction: erode with a square as wide as the widest stroke, then dilate what is left back
    to its full outline. It is dilated by one more cell, because the downsampled copy is blurred.
    """
    radius = max(1, round(WIDEST_STROKE * max(coarse.shape) / 2))
    dilated = -dilate(-coarse, radius)
    while True:
        previous, dilated = dilated, np.minimum(dilate(dilated, 1), coarse)
        if np.array_equal(previous, dilated):
            return dilate(dilated, 1)


def dilate(values: Gray, radius: int) -> Gray:
    """Grayscale dilation: the maximum over a square of `radius` cells in each direction."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (radius, radius)
        padded = np.pad(values, pad, constant_values=-np.inf)
        n = values.shape[axis]
        shifted = [padded.take(range(k, k + n), axis=axis) for k in range(2 * radius + 1)]
        values = np.maximum.reduce(shifted)
    return values


def _contrast(gray: Gray, brightness: Gray, dark: bool) -> Gray:
    """Contrast as light ink on a uniform background: relative on light paper, which reflects a fraction of
    the light, absolute on a dark background."""
    if dark:
        return gray - brightness
    fraction: Gray = np.divide(gray, np.maximum(brightness, np.float32(0.05)), dtype=np.float32)
    return 1 - fraction


def surface(values: Gray, fraction_above: float) -> Gray:
    """Quadratic surface with `fraction_above` of the cells above it: quantile regression.

    It is robust against ink, which is far from the background. Solved by iteratively reweighted least
    squares.
    """
    h, w = values.shape
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    basis, levels = terms.reshape(h * w, -1), values.reshape(-1).astype(np.float64)
    weights = np.ones(len(levels))
    coefficients = np.zeros(terms.shape[-1])
    for _ in range(ITERATIONS):
        weighted = basis * weights[:, None]
        coefficients = np.linalg.lstsq(weighted.T @ basis, weighted.T @ levels, rcond=None)[0]
        residual = levels - basis @ coefficients
        weights = np.where(residual > 0, 1 - fraction_above, fraction_above) / np.maximum(
            np.abs(residual), 1e-3
        )
    return (terms @ coefficients).astype(np.float32)
