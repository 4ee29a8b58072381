"""Rates of warnings (see `cnnfast.vision.prepare`) for single letters, pages, words, blobs and scenes:
`python -m bench.single_letter [FOLDER]`.

Single letters and digits are from the data sets and Pillow's font, enlarged in several ways, cropped or not.
FOLDER contains photographs; without it scenes are left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cnnfast import datasets
from cnnfast.errors import DataError
from cnnfast.vision import prepare
from PIL import Image, ImageDraw, ImageFont

from bench.drawings import WAYS, pen_on_paper

Array = np.ndarray[Any, Any]

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def characters(name: str, count: int, rng: np.random.Generator) -> list[Array]:
    """Images of a data set as dark ink on white, 224 pixels and more."""
    data = datasets.load(name, train=False)
    rows = rng.permutation(len(data))[:count]
    return [np.asarray(pen_on_paper(data.images[row], rng)) for row in rows]


def printed(words: Sequence[str], size: int = 120, bold: int = 0) -> list[Array]:
    """Words in Pillow's built-in font, dark on white."""
    font, pages = ImageFont.load_default(size), []
    for word in words:
        left, top, right, bottom = font.getbbox(word, stroke_width=bold)
        page = Image.new("L", (round(right - left) + 80, round(bottom - top) + 80), 255)
        ImageDraw.Draw(page).text((40 - left, 40 - top), word, fill=0, font=font, stroke_width=bold)
        pages.append(np.asarray(page))
    return pages


def cropped(page: Array) -> Array:
    ink = page < 128
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return page[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def in_a_row(parts: Sequence[Array], gap: int) -> Array:
    height = max(len(part) for part in parts)
    whole = [np.pad(part, ((0, height - len(part)), (0, gap)), constant_values=255) for part in parts]
    return np.pad(np.concatenate(whole, 1), 25, constant_values=255)


def single(rng: np.random.Generator, count: int) -> Iterator[tuple[str, list[Array]]]:
    for name in ("emnist-letters-derived", "mnist", "glyphs"):
        pages = characters(name, count, rng)
        yield name, pages
        yield f"{name}, cropped", [cropped(page) for page in pages]
        for way in ("80x60 pixels", "and noise", "half in the shadow", "pencil", "table at the edge"):
            yield f"{name}, {way}", [WAYS[way](Image.fromarray(page)) for page in pages[: count // 4]]
    for bold in (0, 3, 7):
        yield f"printed, {bold} pixels bolder", printed(list(LETTERS), bold=bold)


def other(rng: np.random.Generator, count: int) -> Iterator[tuple[str, list[Array]]]:
    parts = [cropped(page) for page in characters("emnist-letters-derived", 400, rng)]

    def drawn(n: int) -> list[Array]:
        return [parts[k] for k in rng.integers(0, len(parts), n)]

    for n in (2, 3, 6):
        yield f"{n} letters in a row", [in_a_row(drawn(n), int(rng.integers(8, 60))) for _ in range(count)]
        words = ["".join(rng.choice(list(LETTERS), n)) for _ in range(count)]
        yield f"printed words of {n}", printed(words)
    rows = ["\n".join("".join(rng.choice(list(LETTERS + "   "), 30)) for _ in range(9)) for _ in range(count)]
    yield "printed pages", printed(rows, size=30)
    y, x = np.mgrid[-1:1:200j, -1:1:200j]
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    blobs, ellipses = [], []
    for _ in range(count):
        edge = 0.55 + sum(rng.normal(0, 0.08) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(2, 6))
        a, b = rng.uniform(0.3, 0.8, 2)
        blobs.append(np.where(radius < edge, 0, 255).astype(np.uint8))
        ellipses.append(np.where((x / a) ** 2 + (y / b) ** 2 < 1, 0, 255).astype(np.uint8))
    yield "blobs", blobs
    yield "ellipses", ellipses


def scenes(folder: str, rng: np.random.Generator) -> Iterator[tuple[str, list[Array]]]:
    whole, parts = [], []
    for file in sorted(Path(folder).glob("*.[jp][pn]g")):
        image = Image.open(file).convert("RGB")
        whole.append(np.asarray(image))
        for _ in range(3):
            side = int(min(image.size) * rng.uniform(0.25, 0.6))
            left, top = (int(rng.integers(0, extent - side)) for extent in image.size)
            parts.append(np.asarray(image.crop((left, top, left + side, top + side))))
    yield "photographs", whole
    yield "parts of photographs", parts


def main(words: Sequence[str]) -> None:
    """Prints for each kind the number of images, and how many of them get a warning or are blank."""
    rng = np.random.default_rng(0)
    kinds: list[Callable[[], Iterator[tuple[str, list[Array]]]]] = [
        lambda: single(rng, 400),
        lambda: other(rng, 60),
    ]
    if words:
        kinds.append(lambda: scenes(words[0], rng))
    print(f"{'kind':<48}{'images':>7}{'warned':>9}{'blank':>7}")
    for kind in kinds:
        for name, pages in kind():
            found = Counter(map(_verdict, pages))
            blank = found.pop("blank", 0)
            print(f"{name:<48}{len(pages):>7}{sum(found.values()) - found['']:>9}{blank:>7}", flush=True)


def _verdict(page: Array) -> str:
    try:
        return prepare(page).warning
    except DataError:
        return "blank"


if __name__ == "__main__":
    main(sys.argv[1:])
