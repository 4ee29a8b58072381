"""Conversion of results to JSON, in which NaN and infinity become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with NaN and infinity replaced by None; if there were any, with "finite": False.

    Example:
        >>> plain({"loss": float("inf"), "rows": [1.5, float("nan")]})
        {'loss': None, 'rows': [1.5, None], 'finite': False}
    """
    cleaned = without_non_finite(data)
    return cleaned if _finite(data) else {**cleaned, "finite": False}


def to_json(data: Any, *, indent: int | None = None) -> str:
    """Strictly valid JSON.

    Example:
        >>> to_json({"loss": float("nan")})
        '{"loss": null}'
    """
    return json.dumps(without_non_finite(data), indent=indent, allow_nan=False)


def without_non_finite(value: Any) -> Any:
    """Replaces NaN and infinity by None recursively; tuples become lists, as in JSON."""
    if isinstance(value, Mapping):
        return {key: without_non_finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_non_finite(entry) for entry in value]
    return value if _finite(value) else None


def _finite(value: Any) -> bool:
    """Whether a nested value has neither NaN nor infinity."""
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
