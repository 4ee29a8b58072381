"""Rows of a data set: a random part of it, of all classes alike, and weights of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import check_integer
from ..errors import DataError

Labels = npt.NDArray[np.int64]


def held_out_rows(
    labels: Labels, classes: Sequence[str], fraction: float, seed: int, *, stratify: bool
) -> npt.NDArray[np.bool_]:
    """A mask of random rows, as `ImageDataset.split` holds them out."""
    n, who = len(labels), "ImageDataset.split"
    if not 0 < fraction < 1:
        raise ValueError(f"{who}: fraction must lie between 0 and 1, got {fraction}")
    n_part = round(n * fraction)
    if n_part in (0, n) and not stratify:
        raise ValueError(
            f"{who}: fraction {fraction} of {n} images leaves {n - n_part} and {n_part}; "
            "both must have at least 1"
        )
    rng = np.random.default_rng(check_integer(who, "seed", seed, 0))
    held_out = np.zeros(n, dtype=np.bool_)
    order = rng.permutation(n)
    if not stratify:
        held_out[order[:n_part]] = True
        return held_out
    for number, rows in _rows_of_classes(labels, order, len(classes)):
        if len(rows) == 1:
            raise DataError(
                f"{who}: class {classes[number]!r} has one image, so it would be missing in one of the "
                "parts; add images of it or leave it out"
            )
        held_out[rows[: min(max(1, round(len(rows) * fraction)), len(rows) - 1)]] = True
    return held_out


def stratified_order(labels: npt.NDArray[Any], seed: int) -> Labels:
    """All rows, so that every beginning of them has about the same fraction of each class: the k-th row of a
    class of n, counted from 0 in random order, is at (k + 0.5) / n. The last row of each class comes after
    all others.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    _, numbers, counts = np.unique(labels[order], return_inverse=True, return_counts=True)
    by_class = np.argsort(numbers, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[by_class] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    position = (rank + 0.5) / counts[numbers]
    position[rank == counts[numbers] - 1] += 1
    return order[np.argsort(position, kind="stable")]


def class_weights(labels: Labels, classes: Sequence[str]) -> tuple[float, ...]:
    """len(labels) / (number of classes * images of the class), for each class."""
    counts = _counts("ImageDataset.class_weights", labels, classes)
    return tuple((len(labels) / (len(classes) * counts)).tolist())


def balanced_rows(labels: Labels, classes: Sequence[str], seed: int) -> Labels:
    """Row numbers, sorted, with as many of each class as the most frequent class has."""
    who = "ImageDataset.balanced"
    rng = np.random.default_rng(check_integer(who, "seed", seed, 0))
    most = int(_counts(who, labels, classes).max())
    order = rng.permutation(len(labels))
    chosen = [np.resize(rows, most) for _, rows in _rows_of_classes(labels, order, len(classes))]
    return np.sort(np.concatenate(chosen))


def _counts(who: str, labels: Labels, classes: Sequence[str]) -> Labels:
    counts = np.bincount(labels, minlength=len(classes))
    if 0 in counts:
        raise DataError(f"{who}: class {classes[int(np.argmin(counts))]!r} has no images")
    return counts


def _rows_of_classes(labels: Labels, order: Labels, n_classes: int) -> list[tuple[int, Labels]]:
    """(class, its rows in the given order) for each class that has rows."""
    sorted_order = order[np.argsort(labels[order], kind="stable")]
    ends = np.cumsum(np.bincount(labels, minlength=n_classes))
    parts = np.split(sorted_order, ends[:-1])
    return [(number, rows) for number, rows in enumerate(parts) if len(rows)]
