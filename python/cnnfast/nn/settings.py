"""Settings of operations as plain data and in their shortest form."""

from __future__ import annotations

from typing import Any


def as_lists(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {name: as_lists(item) for name, item in value.items()}
    return [as_lists(item) for item in value] if isinstance(value, tuple) else value


def as_tuples(value: Any) -> Any:
    """Lists as tuples: the reverse of `as_lists`."""
    return tuple(as_tuples(item) for item in value) if isinstance(value, list) else value


def shortest(value: Any) -> Any:
    """(3, 3) as 3, ((1, 1), (2, 2)) as (1, 2); ((0, 1), (0, 1)) stays, as (0, 1) means something else."""
    if not isinstance(value, tuple):
        return value
    items = tuple(shortest(item) for item in value)
    if any(isinstance(item, tuple) for item in items):  # ((1, 0), 0) would be no padding
        return value
    return items[0] if len(set(items)) == 1 else items
