"""Lays out lines of real letters on a sheet: the ink, and for every letter the points of its outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]

INK = 0.5  # pixels above it belong to a letter's box
LINES, COLUMNS = (6, 11), (18, 31)
MAX_OVERLAP = 0.3
HEIGHT = (40, 61)  # of letters, in pixels


@dataclass(frozen=True)
class Placed:
    """A letter on the sheet: points of its outline as (x, y) in pixels (a pixel is 1 wide), and the row of
    its image in the data set.
    """

    text: str
    outline: Array
    row: int


@dataclass
class Sheet:
    """Ink from 0 to 1, (h, w), and lines of words of letters."""

    ink: Array
    lines: list[list[list[Placed]]]
    pitch: int  # distance of lines


class Letters:
    """Images of a data set, (n, 28, 28) uint8, by character."""

    def __init__(self, images: Array, labels: Array, classes: Sequence[str]) -> None:
        self.images = images
        self.names = [name.lower() for name in classes]
        self.rows = {name: np.flatnonzero(labels == i) for i, name in enumerate(self.names)}

    def choose(self, character: str, rng: np.random.Generator) -> int:
        """The row of a random image of a character."""
        return int(rng.choice(self.rows[character]))


def enlarged(image: Array, height: float) -> Array:
    """Enlarged with sharp edges and cropped at the ink. EMNIST's letters are up to 24 of 28 pixels high,
    which become `height`.
    """
    edge = round(height * 28 / 24)
    large = Image.fromarray(image.astype(np.float32) / 255).resize((edge, edge), Image.Resampling.BICUBIC)
    ink = np.clip(0.5 + 3 * (np.asarray(large) - 0.5), 0, 1)
    rows, columns = np.flatnonzero((ink > INK).any(1)), np.flatnonzero((ink > INK).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def outline(ink: Array, left: int, top: int) -> Array:
    """Corners of the pixels at both ends of each row, which include those of the convex hull."""
    rows = np.flatnonzero((ink > INK).any(1))
    first = (ink[rows] > INK).argmax(1)
    last = ink.shape[1] - (ink[rows, ::-1] > INK).argmax(1)
    x = left + np.concatenate([first, first, last, last])
    y = top + np.concatenate([rows, rows + 1, rows, rows + 1])
    return np.stack([x, y], 1).astype(np.float64)


def touching_gap(left: Array, right: Array, offset: int) -> int:
    """The distance of two boxes at which the ink of the letters just meets; `offset` is how much lower the
    right one is. Letters without a common row meet where their boxes do. Boxes overlap by at most MAX_OVERLAP
    of the narrower one.
    """
    end = left.shape[1] - 1 - (left[:, ::-1] > INK).argmax(1)
    start = (right > INK).argmax(1)
    rows = np.arange(max(0, offset), min(len(left), len(right) + offset))
    rows = rows[(left[rows] > INK).any(1) & (right[rows - offset] > INK).any(1)]
    if not len(rows):
        return 0
    gap = -int((left.shape[1] - 1 - end[rows] + start[rows - offset]).min())
    return max(gap, -int(MAX_OVERLAP * min(left.shape[1], right.shape[1])))


def lay_out(
    text: Sequence[Sequence[str]], letters: Letters, rng: np.random.Generator, touch: float = 0.0
) -> Sheet:
    """A sheet of the text. `touch` is the fraction of neighbors within words whose ink touches."""
    height = int(rng.integers(*HEIGHT))
    pitch, border = round(1.9 * height), 2 * height
    ink = np.zeros((2 * border + pitch * len(text), 2 * border + height * (COLUMNS[1] + 2)), np.float32)
    lines = []
    for i, words in enumerate(text):
        base = border + pitch * i + height
        lines.append(write_line(ink, words, base, border, height, letters, rng, touch))
    used = max(int(p.outline[:, 0].max()) for line in lines for w in line for p in w) + border
    return Sheet(ink[:, : min(used, ink.shape[1])], lines, pitch)


def write_line(
    ink: Array,
    words: Sequence[str],
    base: int,
    x: int,
    height: int,
    letters: Letters,
    rng: np.random.Generator,
    touch: float,
) -> list[list[Placed]]:
    """Writes words from x on; ends before a word that the sheet has no room for."""
    line: list[list[Placed]] = []
    for text in words:
        word: list[Placed] = []
        before: tuple[Array, int] | None = None
        rows = [letters.choose(character, rng) for character in text]
        drawn = [enlarged(letters.images[row], height * rng.uniform(0.92, 1.08)) for row in rows]
        if x + sum(glyph.shape[1] for glyph in drawn) + height * len(text) // 4 > ink.shape[1]:
            break
        for character, glyph, row in zip(text, drawn, rows, strict=True):
            top = base - len(glyph) + int(rng.integers(-2, 3))
            if before is not None:
                if rng.random() < touch:
                    x += touching_gap(before[0], glyph, top - before[1]) - int(rng.integers(1, 3))
                else:
                    x += round(height * rng.uniform(0.1, 0.22))
            part = ink[top : top + len(glyph), x : x + glyph.shape[1]]
            np.maximum(part, glyph, out=part)
            word.append(Placed(character, outline(glyph, x, top), row))
            before, x = (glyph, top), x + glyph.shape[1]
        line.append(word)
        x += round(height * rng.uniform(0.65, 0.95))
    return line
