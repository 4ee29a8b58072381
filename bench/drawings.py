"""Accuracy of a model on photos and drawings, compared with its data set: `python -m bench.drawings MODEL
[COUNT]`.

Test images of the data set the model was trained on are enlarged, rendered as pen on paper in several
simulated photos, and classified after `cnnfast.vision` in each style.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, get_args

import numpy as np
from cnnfast import datasets
from cnnfast.errors import DataError
from cnnfast.nn import serialization
from cnnfast.vision import Style, foreground, normalize, reading
from PIL import Image

from tests.support.drawings import photo

Array = np.ndarray[Any, Any]

WAYS: dict[str, Callable[[Image.Image], Array]] = {
    "black on white": lambda page: np.asarray(page),
    "white on black": lambda page: 255 - np.asarray(page),
    "80x60 pixels": lambda page: np.asarray(page.resize((80, 60), Image.Resampling.BOX)),
    "light from the side": lambda page: photo(page, slope=0.35),
    "and noise": lambda page: photo(page, slope=0.35, noise=0.06),
    "half in the shadow": lambda page: photo(page, noise=0.02, shadow=0.6),
    "pencil": lambda page: photo(page, slope=0.2, noise=0.02, strength=0.3),
    "table at the edge": lambda page: photo(page, slope=0.2, noise=0.02, table=25),
}


def pen_on_paper(character: Array, rng: np.random.Generator) -> Image.Image:
    """A data set's image with sharp edges, enlarged to 224 pixels, at a random position on a white 400x300
    page."""
    large = Image.fromarray(character.astype(np.float32) / 255).resize((224, 224), Image.Resampling.BICUBIC)
    ink = np.clip(0.5 + 6 * (np.asarray(large) - 0.5), 0, 1)
    page = np.zeros((300, 400), np.float32)
    top, left = rng.integers(5, 70), rng.integers(5, 170)
    page[top : top + 224, left : left + 224] = ink
    return Image.fromarray(np.rint(255 * (1 - page)).astype(np.uint8))


def main(words: Sequence[str]) -> None:
    """Prints for each kind of photo the accuracy in each style, and the number of rejected images."""
    path, count = words[0], int(words[1]) if len(words) > 1 else 400
    model = serialization.load(path)
    data = datasets.load(serialization.metadata(path)["training"]["data"], train=False)
    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(len(data))[:count])
    images, labels = data.images[rows], data.labels[rows]
    pages = [pen_on_paper(image, rng) for image in images]
    print(
        f"{path}, {len(rows)} images of {data.name}: accuracy {np.mean(model.predict(images) == labels):.1%}"
    )
    styles = get_args(Style)
    print(f"{'as images':<22}" + "".join(f"{style:>9}" for style in styles) + "  rejected")
    for name, way in WAYS.items():
        right, refused = dict.fromkeys(styles, 0), 0
        for page, label in zip(pages, labels, strict=True):
            try:
                letter = foreground.separate(reading.to_gray(way(page)))
            except DataError:
                refused += 1
                continue
            for style in styles:
                seen = normalize.normalize(letter, data.images.shape[-1], style)
                right[style] += int(model.predict(seen[None])[0] == label)
        fractions = "".join(f"{right[style] / len(rows):>9.1%}" for style in styles)
        print(f"{name:<22}{fractions}{refused:>10}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
