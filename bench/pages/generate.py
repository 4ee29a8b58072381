"""Generates pages from held-out letters; page `i` of a seed is the same however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from cnnfast import datasets

from bench.pages import text
from bench.pages.layout import COLUMNS, LINES, Letters, lay_out
from bench.pages.photograph import COMBINED, WAYS, Photograph, choose, photograph

DATA = "emnist-letters-derived"


def held_out_letters() -> Letters:
    """The test part of the data set, on which no shipped model was trained."""
    data = datasets.load(DATA, train=False)
    return Letters(data.images, data.labels, data.classes)


def ways_of(index: int, names: Sequence[str], rng: np.random.Generator) -> tuple[str, ...]:
    """One after the other; `combined` is two or three of those but `clean`."""
    name = names[index % len(names)]
    if name != COMBINED:
        return (name,)
    others = [way for way in WAYS if way != "clean"]
    chosen = rng.choice(len(others), int(rng.integers(2, 4)), replace=False)
    return tuple(others[i] for i in sorted(chosen))


def page(index: int, seed: int, letters: Letters, names: Sequence[str] = (*WAYS, COMBINED)) -> Photograph:
    """Page `index` of a seed."""
    rng = np.random.default_rng([seed, index])
    ways = ways_of(index, names, rng)
    shot = choose(ways, rng)
    lines = text.lines(rng, int(rng.integers(*LINES)), int(rng.integers(*COLUMNS)))
    return photograph(lay_out(lines, letters, rng, shot.touch), shot, ways, rng)


def pages(count: int, seed: int, letters: Letters, names: Sequence[str]) -> Iterator[Photograph]:
    return (page(index, seed, letters, names) for index in range(count))
