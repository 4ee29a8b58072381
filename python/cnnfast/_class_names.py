"""Converts class names to the integer labels the engine takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._checks import is_strings, refuse_masked
from ._names import did_you_mean
from ._types import Labels


def are_names(value: object) -> bool:
    """Whether labels are strings: a NumPy array, a list or a pandas Series of them."""
    if not isinstance(value, np.ndarray):
        if value is None:
            return False
        try:
            value = np.asarray(value)
        except ValueError:  # rows of different lengths
            return False
    return is_strings(value)


def class_numbers(
    who: str,
    name: str,
    value: object,
    known: Sequence[str] | None,
    error: type[ValueError] = ValueError,
) -> tuple[Labels, tuple[str, ...]]:
    """(index of each label, class names): the index of each name in `known`, or in the sorted unique names.

    Raises:
        error: A name that is not in `known`.
    """
    refuse_masked(who, name, value)
    array = np.asarray(value).astype(str)
    names, places = np.unique(array, return_inverse=True)
    found = tuple(map(str, names))
    classes = found if known is None else tuple(known)
    numbers = {class_name: number for number, class_name in enumerate(classes)}
    for unknown in found:
        if unknown not in numbers:
            row = int(np.flatnonzero(array.reshape(-1) == unknown)[0])
            raise error(
                f"{who}: class {unknown!r} at row {row} of {name} is not one of {_listed(classes)}"
                f"{did_you_mean(unknown, classes)}"
            )
    lookup = np.array([numbers[class_name] for class_name in found], dtype=np.int64)
    return lookup[places.reshape(array.shape)], classes


def _listed(classes: Sequence[str]) -> str:
    names = [repr(name) for name in classes]
    return ", ".join(names if len(names) <= 12 else [*names[:3], "...", names[-1]])
