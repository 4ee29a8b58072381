"""Results as plain data and as JSON, which has no NaN and no infinity: they become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with None for each NaN and infinity; if there was one, with "finite": False.

    Example:
        >>> plain({"loss": float("inf"), "rows": [1.5, float("nan")]})
        {'loss': None, 'rows': [1.5, None], 'finite': False}
    """
    cleaned = without_non_finite(data)
    return cleaned if _finite(data) else {**cleaned, "finite": False}


def to_json(data: Any, *, indent: int | None = None) -> str:
    """JSON that every reader takes.

    Example:
        >>> to_json({"loss": float("nan")})
        '{"loss": null}'
    """
    return json.dumps(without_non_finite(data), indent=indent, allow_nan=False)


def without_non_finite(value: Any) -> Any:
    """The same with None for each NaN and infinity, however deep; tuples become lists, as in JSON."""
    if isinstance(value, Mapping):
        return {key: without_non_finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_non_finite(entry) for entry in value]
    return value if _finite(value) else None


def _finite(value: Any) -> bool:
    """Whether there is no NaN and no infinity in it."""
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
