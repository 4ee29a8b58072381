"""`python -m bench.hard_photos`: how many single letters `predict` reads in photos with hard light or paper.

Letters of the test data are drawn large with a pen and photographed (`tests/support/hard_photos.py`).
"""

from __future__ import annotations

import numpy as np
from cnnfast import datasets, models
from cnnfast.errors import DataError
from cnnfast.vision import prepare

from bench.drawings import pen_on_paper
from tests.support import hard_photos

LETTERS, SEED = 40, 3
#: Distance of printed lines in pixels.
DISTANCE = 70


def main() -> int:
    model = models.pretrained("letters")
    rng = np.random.default_rng(SEED)
    data = datasets.load("emnist-letters-derived", train=False)
    rows = rng.permutation(len(data))[:LETTERS]
    drawn = [hard_photos.ink_of(pen_on_paper(data.images[row], rng)) for row in rows]
    ways = {
        "clean": lambda ink: hard_photos.photographed(hard_photos.on_paper(ink)),
        **hard_photos.cases(DISTANCE),
    }
    print("| photo | correct | refused |\n| --- | ---: | ---: |")
    for name, way in ways.items():
        correct = refused = 0
        for ink, label in zip(drawn, data.labels[rows], strict=True):
            try:
                correct += int(model.predict(prepare(way(ink)).pixels[None, None])[0] == label)
            except DataError:
                refused += 1
        print(f"| {name} | {correct / LETTERS:.0%} | {refused / LETTERS:.0%} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
