"""`python -m bench.table bench.json`: generates the Markdown tables of docs/figures.md, with each target
beside the measured value.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import targets

JsonRow = dict[str, Any]  # a row as in the JSON file

#: Prefix of the rows' names, and heading of their table.
GROUPS = {
    "conv ": "convolution, one thread",
    "product ": "product, one thread",
    "op ": "operation, one thread",
    "train ": "training",
    "infer ": "inference",
    "zoo train ": "training, all networks",
    "zoo infer ": "inference, all networks",
    "two threads against one, ": "two threads against one",
    "time per image, train ": "training, time per image",
    "time per image, infer ": "inference, time per image",
    "time per image, epoch ": "epoch, time per image",
    "augmentation, ": "augmentation",
    "bookkeeping, ": "bookkeeping of a training",
    "beside two busy processes, ": "beside two busy processes",
    "call overhead, ": "call overhead",
}


def tables(result: JsonRow) -> Iterator[str]:
    """The lines of all tables: machine, peak, kernels, candidates, figures, remarks, targets."""
    yield ", ".join(f"{key} {value}" for key, value in result["machine"].items()) + "."
    if result["options"]["quick"]:
        yield "**A quick run: do not quote.**"
    if result["peak"]:
        yield from ("", "| peak, one thread | GFLOP/s |", "| --- | ---: |")
        yield from (f"| {p['dtype']}, {p['isa']} | {p['gflops']:.1f} |" for p in result["peak"])
    rows = result["rows"]
    yield from kernels([row for row in rows if row["kind"] == "kernel"])
    for start, head in GROUPS.items():
        group = [row for row in rows if row["kind"] == "candidates" and row["name"].startswith(start)]
        yield from candidates_of(group, start, head)
    yield from figures([row for row in rows if row["kind"] == "figure"])
    remarks = [f"- {row['name']}: left out, {row['why']}" for row in rows if row["kind"] == "remark"]
    yield from ["", *remarks] if remarks else []
    evaluated = list(targets.summary(rows))
    yield from ["", f"{evaluated[-1].capitalize()}."] if evaluated else []


def kernels(rows: Sequence[JsonRow]) -> Iterator[str]:
    if rows:
        yield from ("", "| kernel, one thread | forward | backward |", "| --- | ---: | ---: |")
    for row in rows:
        name = row["name"].removeprefix("kernel ") + reliability_mark(row)
        yield f"| {name} | {kernel_speed(row, 'forward')} | {kernel_speed(row, 'backward')} |"


def candidates_of(rows: Sequence[JsonRow], start: str, head: str) -> Iterator[str]:
    """The speed of the first candidate, the ratio to each other one, and the targets."""
    if not rows:
        return
    first = next(iter(rows[0]["seconds"]))
    others = list(dict.fromkeys(name for row in rows for name in row["ratios"]))
    shares = any(row["of_peak"] is not None for row in rows)
    aims = any(targets.texts(row) for row in rows)
    heads = [f"{first}, {rows[0]['unit']}/s", *(["of dense peak"] if shares else [])]
    heads += [f"against {name} (quartiles)" for name in others]
    aim = " target |" if aims else ""
    yield from ("", f"| {head} | {' | '.join(heads)} |{aim}")
    yield "| --- |" + " ---: |" * len(heads) + (" --- |" if aims else "")
    for row in rows:
        seconds = next(iter(row["median_seconds"].values()))
        cells = [f"{row['work'] / seconds:,.0f}"]
        cells += [f"{row['of_peak']:.0%}" if row["of_peak"] is not None else ""] if shares else []
        cells += [ratio(row["ratios"][name]) if name in row["ratios"] else "" for name in others]
        cells += ["; ".join(targets.texts(row))] if aims else []
        yield f"| {row['name'].removeprefix(start)} | {' | '.join(cells)} |"
    notes = [f"- {row['name'].removeprefix(start)}: {note}" for row in rows for note in row["notes"]]
    yield from ["", *notes] if notes else []


def figures(rows: Sequence[JsonRow]) -> Iterator[str]:
    if rows:
        yield from ("", "| | measured | target |", "| --- | ---: | --- |")
    for row in rows:
        notes = "; ".join(targets.texts(row))
        yield f"| {row['name']} | {row['value']:,.1f} {row['unit']} | {notes} |"


def kernel_speed(row: JsonRow, direction: str) -> str:
    seconds = row["median_seconds"][direction]
    if row["flops"][direction]:
        rate = row["flops"][direction] / seconds
        return f"{rate / 1e9:.1f} GFLOP/s, {rate / row['peak']:.0%}"
    return f"{row['moved'][direction] / seconds / 1e9:.1f} GB/s"


def ratio(comparison: JsonRow) -> str:
    low, _, high = comparison["quartiles"]
    claim = f"{comparison['of_medians']:.2f}x" if comparison["claim"] else "no claim"
    return f"{claim} ({low:.2f} to {high:.2f})"


def reliability_mark(row: JsonRow) -> str:
    return "" if row["claim"] else " (no claim: busy machine)"


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) != 1:
        print("usage: python -m bench.table bench.json", file=sys.stderr)
        return 2
    for line in tables(json.loads(Path(given[0]).read_text(encoding="utf-8"))):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
