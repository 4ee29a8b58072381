"""Arguments of the definitions, expanded."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Gradients = tuple[Array, ...]


def pair(value: Any) -> tuple[int, int]:
    """3 -> (3, 3): one number is used for height and width."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def sides(padding: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """1, (1, 2) or ((0, 1), (2, 3)) -> ((top, bottom), (left, right))."""
    height, width = pair(padding)
    return pair(height), pair(width)
