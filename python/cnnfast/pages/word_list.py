"""A list of words that decides between characters that look alike."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .._files import expand
from ..errors import DataError

MAX_COST = 2.5
"""A word of the list is taken if its letters are, on average, at most e^2.5 times less likely."""

MIN_PROBABILITY = 1e-4


def read(words: str | os.PathLike[str] | Iterable[str]) -> list[str]:
    """Words of a text file, separated by white space, or of an iterable.

    Raises:
        OSError: The file cannot be opened.
        DataError: It is not text in UTF-8, or holds no words.
    """
    if not isinstance(words, str | os.PathLike):
        return list(words)
    with open(expand(words), encoding="utf-8") as file:
        try:
            found = file.read().split()
        except UnicodeDecodeError:
            raise DataError(f"{os.fspath(words)}: not a text file in UTF-8; need a list of words") from None
    if not found:
        raise DataError(f"{os.fspath(words)}: holds no words")
    return found


def choose(
    probabilities: NDArray[np.float32], classes: tuple[str, ...], words: list[str]
) -> list[int] | None:
    """The classes of the most likely word of this length; None if no word fits.

    Args:
        probabilities: (n, classes) of the letters of a word.
        classes: Names of the classes.
        words: The list, in any case.
    """
    index = {name.lower(): k for k, name in enumerate(classes)}
    logs = np.log(np.maximum(probabilities, MIN_PROBABILITY))
    rows = np.arange(len(logs))
    most = float(logs.max(1).sum())
    known = [
        [index[c] for c in word.lower()]
        for word in words
        if len(word) == len(logs) and all(c in index for c in word.lower())
    ]
    if not known:
        return None
    chosen = max(known, key=lambda word: float(logs[rows, word].sum()))
    cost = (most - float(logs[rows, chosen].sum())) / len(logs)
    return chosen if cost <= MAX_COST else None
