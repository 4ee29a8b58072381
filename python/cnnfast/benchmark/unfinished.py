"""The JSON file of a benchmark that was interrupted, or that ran in part on a busy machine."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .timing import Options

JsonObject = dict[str, Any]  # as in the file


def empty(machine: JsonObject, options: Options) -> JsonObject:
    """A result without rows."""
    given = {"quick": options.quick, "threads": options.threads, "only": options.only}
    return {"machine": machine, "options": given, "peak": [], "rows": []}


def read(path: str | os.PathLike[str], new: JsonObject) -> JsonObject:
    """The result in a file, of the same machine, libraries and options as `new`.

    Raises:
        ValueError: The file holds no result, or one of another machine, library or option.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        rows = {row["name"] for row in (*found["peak"], *found["rows"])}
        before = {**found["machine"], **found["options"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"bench: {path}: not a result of a benchmark: {error!r}") from None
    now = {**new["machine"], **new["options"]}
    for key in sorted((before.keys() | now.keys()) - {"only"}):
        if rows and before.get(key) != now.get(key):
            raise ValueError(
                f"bench: {path} was measured with {key} {before.get(key)}, now it is {now.get(key)}: "
                "give another file, or go on without resuming"
            )
    return {**new, "peak": found["peak"], "rows": found["rows"]}


def reliable(result: JsonObject) -> frozenset[str]:
    """Names of the rows that need not be measured again; remarks are made again."""
    names = {entry["name"] for entry in result["peak"]}
    for row in result["rows"]:
        ratios = row.get("ratios", {}).values()
        busy = row.get("is_contended") or not row.get("claim", True) or not all(r["claim"] for r in ratios)
        if row["kind"] != "remark" and not busy:
            names.add(row["name"])
    return frozenset(names)


def add(rows: list[JsonObject], new: JsonObject) -> None:
    """Append a row, or put it in the place of that of its name."""
    for i, row in enumerate(rows):
        if row["name"] == new["name"]:
            rows[i] = new
            return
    rows.append(new)
