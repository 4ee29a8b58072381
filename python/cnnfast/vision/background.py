"""Finds the page behind the ink: how bright it is where.

Light that changes slowly is a quadratic surface fitted to what is not ink; a shadow with an edge is what
remains of an opening by reconstruction. Both work on a coarse copy of the image, so they cost little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .resize import resize

Gray = NDArray[np.float32]

COARSE_SIDE = 64
"""Longer side of the coarse copy."""

ROUNDS = 25
"""Of reweighting when a surface is fitted."""

WIDEST_STROKE = 0.4
"""Of the image's longer side; anything as wide in every direction is page: a shadow, a change of light."""


def coarse_copy(gray: Gray) -> Gray:
    """The image reduced to a longer side of 64."""
    h, w = gray.shape
    scale = min(1.0, COARSE_SIDE / max(h, w))
    return resize(gray, (max(1, round(h * scale)), max(1, round(w * scale))))


def reliefs(gray: Gray, dark: bool) -> list[Gray]:
    """How far each pixel stands out from the page towards the ink, for two ideas of the page's light.

    Shapes: (h, w) each; about 0 on the page (noise may be below), up to 1 in the ink.
    """
    coarse = coarse_copy(gray)
    found = []
    for light in lights(coarse, dark):
        shade = shadows(_relief(coarse, light, dark))
        found.append(_relief(gray, resize(light, gray.shape), dark) - resize(shade, gray.shape))
    return found


def lights(coarse: Gray, dark: bool) -> list[Gray]:
    """What the page's brightness may be: a quadratic surface through what is not ink, or even."""
    fraction_above = 0.7 if dark else 0.3
    even = np.full_like(coarse, np.quantile(coarse, 1 - fraction_above))
    return [surface(coarse, fraction_above), even]


def shadows(coarse: Gray) -> Gray:
    """What is brighter than the page over more than a stroke's width, on an image with light ink.

    An opening by reconstruction: erode by a square as wide as the widest stroke, then let what survived grow
    back to its full outline. One cell more is added around, for the blur of the coarse copy.
    """
    reach = max(1, round(WIDEST_STROKE * max(coarse.shape) / 2))
    grown = -widest(-coarse, reach)
    while True:
        previous, grown = grown, np.minimum(widest(grown, 1), coarse)
        if np.array_equal(previous, grown):
            return widest(grown, 1)


def widest(values: Gray, reach: int) -> Gray:
    """The largest value within `reach` cells up, down, left and right."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        padded = np.pad(values, pad, constant_values=-np.inf)
        n = values.shape[axis]
        shifted = [padded.take(range(k, k + n), axis=axis) for k in range(2 * reach + 1)]
        values = np.maximum.reduce(shifted)
    return values


def _relief(gray: Gray, light: Gray, dark: bool) -> Gray:
    """Light ink on an even page: paper reflects a share of the light on it, a dark page is just dark."""
    if dark:
        return gray - light
    share: Gray = np.divide(gray, np.maximum(light, np.float32(0.05)), dtype=np.float32)
    return 1 - share


def surface(values: Gray, fraction_above: float) -> Gray:
    """Quadratic surface with `fraction_above` of the cells above it: quantile regression.

    Least absolute deviations (a share of 0.5) and its lopsided relatives care little how far off the ink is.
    Solved by rounds of least squares, each cell weighted by one over its departure.
    """
    h, w = values.shape
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    known, levels = terms.reshape(h * w, -1), values.reshape(-1).astype(np.float64)
    weights = np.ones(len(levels))
    surface = np.zeros(terms.shape[-1])
    for _ in range(ROUNDS):
        weighted = known * weights[:, None]
        surface = np.linalg.lstsq(weighted.T @ known, weighted.T @ levels, rcond=None)[0]
        departure = levels - known @ surface
        weights = np.where(departure > 0, 1 - fraction_above, fraction_above) / np.maximum(
            np.abs(departure), 1e-3
        )
    return (terms @ surface).astype(np.float32)
