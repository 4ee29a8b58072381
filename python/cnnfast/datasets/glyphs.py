"""`glyphs`: synthetic letters, drawn from stroke descriptions with random variation.

They allow training without downloading data. They are *not* handwriting, and a network trained on them
classifies handwriting less accurately than one trained on EMNIST.
"""

from __future__ import annotations

import functools
import math
import string

import numpy as np
import numpy.typing as npt

from .._checks import check_integer, ieee_arithmetic
from . import pen
from .image_dataset import ImageDataset
from .pen import Floats, Form
from .strokes import STROKES

_DESCRIPTION = (
    "Synthetic letters a..z drawn by cnnfast from stroke descriptions, upper and lower case in one class. "
    "Not handwriting: a score on them says little about real letters."
)
#: Random numbers reserved for one glyph; its position in the stream depends on its index only.
_DRAWS = 168
_MAX_POINTS = 24
_MAX_STROKES = 4
#: Glyphs per draw of random numbers, and glyphs of one form rendered at a time (they fit the cache).
_BLOCK = 4096
_BATCH = 128


@ieee_arithmetic
def glyphs(n: int = 20_000, seed: int = 0, size: int = 28) -> ImageDataset:
    """Draw `n` synthetic letters in the conventions of EMNIST.

    Each letter is one of several forms of its upper or lower case: a few strokes through given points. The
    points are jittered, strokes shifted, corners rounded, the letter slanted, rotated, stretched and bent,
    and drawn with a round pen of random width and pressure. As in EMNIST, the letter is scaled to fill the
    image up to a border of about 2 of 28 pixels, so small letters become bolder and blurrier.

    Args:
        n: Number of letters. Glyph i does not depend on n.
        seed: Not negative; the same seed draws the same letters. (Another processor or version of NumPy may
            change single pixels by one.)
        size: Height and width in pixels, at least 8.

    Returns:
        An `ImageDataset`: images uint8 (n, size, size), upright, ink 255 on 0; random labels 0..25 for a..z,
        upper and lower case in one class.

    Raises:
        TypeError: An argument is not an integer.
        ValueError: `n` or `seed` is negative, or `size` below 8.

    Cost: 20,000 of 28x28 in about 0.8 s on one core.

    Example:
        >>> data = glyphs(100, seed=1)
        >>> data
        ImageDataset('glyphs', 100 images of 1x28x28, 26 classes)
        >>> bool((data.images[:10] == glyphs(10, seed=1).images).all())
        True
    """
    n = check_integer("glyphs", "n", n, 0)
    seed = check_integer("glyphs", "seed", seed, 0)
    size = check_integer("glyphs", "size", size, 8)
    images = np.empty((n, size, size), dtype=np.uint8)
    labels = np.empty(n, dtype=np.int64)
    bits = np.random.PCG64(np.random.SeedSequence(seed))
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        # random_raw: NumPy guarantees a bit generator's stream, not that of a Generator's distributions
        raw = bits.random_raw((stop - start) * _DRAWS).reshape(-1, _DRAWS)
        uniform = ((raw >> np.uint64(40)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-24)
        labels[start:stop] = (uniform[:, 0] * 26).astype(np.int64)
        images[start:stop] = _draw(labels[start:stop], uniform, size)
    return ImageDataset(images, labels, tuple(string.ascii_lowercase), "glyphs", _DESCRIPTION)


@functools.cache
def _forms() -> tuple[tuple[tuple[Form, ...], Floats], ...]:
    """For each letter its forms and their cumulative probabilities; upper and lower case have half each."""
    result = []
    for letter in string.ascii_lowercase:
        forms: list[Form] = []
        probabilities: list[float] = []
        for case in (letter.upper(), letter):
            of_case = [pen.parse(text) for text in STROKES[case]]
            total = sum(form.weight for form in of_case)
            forms += of_case
            probabilities += [form.weight / (2 * total) for form in of_case]
        result.append((tuple(forms), np.cumsum(probabilities).astype(np.float32)))
    return tuple(result)


def _draw(labels: npt.NDArray[np.int64], uniform: Floats, size: int) -> npt.NDArray[np.uint8]:
    images = np.empty((len(labels), size, size), dtype=np.uint8)
    for letter, (forms, probabilities) in enumerate(_forms()):
        of_letter = np.flatnonzero(labels == letter)
        chosen = np.searchsorted(probabilities[:-1], uniform[of_letter, 1], side="right")
        for number, form in enumerate(forms):
            rows = of_letter[chosen == number]
            for start in range(0, len(rows), _BATCH):
                batch = rows[start : start + _BATCH]
                images[batch] = _render(form, uniform[batch, 2:], size)
    return images


class _RandomColumns:
    """Draws random values from successive columns of a table of uniform random numbers, one row per glyph."""

    def __init__(self, uniform: Floats) -> None:
        self._uniform = uniform
        self._next = 0

    def uniform(self, low: float, high: float, count: int = 1) -> Floats:
        """(n, count) between low and high."""
        columns = self._uniform[:, self._next : self._next + count]
        if columns.shape[1] < count:
            raise AssertionError("more random numbers per glyph than _DRAWS")
        self._next += count
        result: Floats = np.float32(low) + columns * np.float32(high - low)
        return result

    def normal(self, deviation: float, count: int = 1) -> Floats:
        """(n, count) normally distributed around 0 (Box-Muller)."""
        distance = np.sqrt(-2 * np.log(self.uniform(0, 1, count)))
        result: Floats = np.float32(deviation) * distance * np.cos(self.uniform(0, 2 * math.pi, count))
        return result


def _render(form: Form, uniform: Floats, size: int) -> npt.NDArray[np.uint8]:
    """Draw one form once per row of random numbers. Lengths are tenths of a capital's height until the last
    step."""
    random = _RandomColumns(uniform)
    irregularity = np.exp(random.normal(0.3))[:, :, None]
    jitter = random.normal(0.2, 2 * _MAX_POINTS).reshape(-1, _MAX_POINTS, 2)[:, : len(form.points)]
    shift = random.normal(0.28, 2 * _MAX_STROKES).reshape(-1, _MAX_STROKES, 2)[:, form.stroke]
    points = form.points + irregularity * (jitter + shift)
    rounding = random.uniform(0, 1)[:, :, None]
    angular = np.maximum(random.uniform(-0.4, 1)[:, :, None], 0)
    matrix = angular * form.straight + (1 - angular) * ((1 - rounding) * form.curve + rounding * form.smooth)
    curve = np.matmul(matrix, points)
    curve = _bend(curve, random)
    curve = np.matmul(curve, _stretch_slant_rotate(random))

    pressure = np.exp(random.normal(0.12) * np.sin(_phase_along(curve, random)))
    low, high = curve.min(axis=1), curve.max(axis=1)
    extent = (high - low).max(axis=1)
    # small handwriting has thinner lines, but not proportionally
    radius = np.float32(0.19) * np.sqrt(extent) * np.exp(random.normal(0.22))[:, 0]
    pixels = np.float32(size / 28) * (24 + random.uniform(-1.5, 0.5)[:, 0])
    zoom = pixels / (extent + 2 * radius + np.float32(0.5))
    curve = (curve - ((low + high) / 2)[:, None]) * zoom[:, None, None] + np.float32(size / 2)
    blur = np.hypot(np.float32(0.28 * size / 28), np.float32(0.14) * zoom)
    return pen.ink(curve, form, radius * zoom, blur, pressure, size)


def _bend(curve: Floats, random: _RandomColumns) -> Floats:
    """Displace each point by two long sine waves of random directions."""
    moved: Floats = curve
    for _ in range(2):
        direction = random.normal(0.045, 2)[:, :, None]  # waves per unit: at most half a wave per letter
        phase = random.uniform(0, 2 * math.pi)
        wave = np.sin(2 * math.pi * np.matmul(curve, direction)[:, :, 0] + phase)
        moved = moved + wave[:, :, None] * random.normal(0.55, 2)[:, None, :]
    return moved


def _stretch_slant_rotate(random: _RandomColumns) -> Floats:
    """(n, 2, 2) matrices that stretch row vectors (x, y) in width, slant them to the right and rotate
    them."""
    width = np.exp(random.normal(0.24))[:, 0]
    slant = np.float32(0.2) + random.normal(0.25)[:, 0]
    angle = random.normal(0.08)[:, 0]
    cos, sin = np.cos(angle), np.sin(angle)
    upright = np.stack([np.stack([width, 0 * width], 1), np.stack([-slant, 0 * slant + 1], 1)], 1)
    rotation = np.stack([np.stack([cos, sin], 1), np.stack([-sin, cos], 1)], 1)
    result: Floats = np.matmul(upright, rotation)
    return result


def _phase_along(curve: Floats, random: _RandomColumns) -> Floats:
    """(n, p): a random phase that increases along the letter."""
    place = np.linspace(0, 2 * math.pi, curve.shape[1], dtype=np.float32)
    result: Floats = random.uniform(0.5, 2) * place + random.uniform(0, 2 * math.pi)
    return result
