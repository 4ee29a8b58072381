"""Accuracy of a model on tightly cropped letters: `python -m bench.cropped MODEL [COUNT]`.

Test images of the data set the model was trained on are enlarged, cropped in several ways, dark on light and
light on dark, and classified after `cnnfast.vision`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cnnfast import datasets
from cnnfast.errors import DataError
from cnnfast.nn import serialization
from cnnfast.vision import ImageWarning, to_model_input

from bench.drawings import pen_on_paper
from tests.support.drawings import cropped

Array = np.ndarray[Any, Any]


def _padded(*border: int) -> Callable[[Array], Array]:
    """Pads above, below, left, right."""
    return lambda page: np.pad(page, (border[:2], border[2:]), constant_values=255)


WAYS: dict[str, Callable[[Array], Array]] = {
    "30 pixels of border": _padded(30, 30, 30, 30),
    "cropped at the ink": _padded(0, 0, 0, 0),
    "1 pixel of border": _padded(1, 1, 1, 1),
    "border at one side": _padded(0, 0, 0, 25),
    "border at two sides": _padded(0, 20, 0, 20),
    "cropped 3 pixels into the ink": lambda page: page[3:-3, 3:-3],
}


def main(words: Sequence[str]) -> None:
    """Prints accuracy for each way of cropping, dark on light and light on dark."""
    path, count = words[0], int(words[1]) if len(words) > 1 else 250
    warnings.simplefilter("ignore", ImageWarning)
    model, training = serialization.load(path), serialization.metadata(path)["training"]
    style: Any = "mnist" if training["data"] == "mnist" else "emnist"
    data = datasets.load(training["data"], train=False)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(data))[:count]
    letters = [cropped(np.asarray(pen_on_paper(data.images[row], rng))) for row in rows]
    known = np.mean(model.predict(data.images[rows]) == data.labels[rows])
    print(f"{path}, {count} letters of {data.name}: {known:.1%}")
    for name, way in WAYS.items():
        right = [0, 0]
        for letter, label in zip(letters, data.labels[rows], strict=True):
            for k, page in enumerate((way(letter), 255 - way(letter))):
                try:
                    right[k] += int(model.predict(to_model_input(page, style=style)[None])[0] == label)
                except DataError:
                    continue
        print(f"{name:<28}{right[0] / count:>9.1%}{right[1] / count:>9.1%}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
