"""`python -m bench.table bench.json`: the Markdown tables of docs/performance.md, so that nobody copies
figures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def tables(result: dict[str, Any]) -> Iterator[str]:
    """Machine, peak, kernels, networks: a line each time."""
    yield ", ".join(f"{key} {value}" for key, value in result["machine"].items()) + "."
    if result["options"]["quick"]:
        yield "**A quick run: not to quote.**"
    if result["peak"]:
        yield from ("", "| peak, one thread | GFLOP/s |", "| --- | ---: |")
        yield from (f"| {p['dtype']}, {p['isa']} | {p['gflops']:.1f} |" for p in result["peak"])
    kernels = [row for row in result["rows"] if row["name"].startswith("kernel ")]
    if kernels:
        yield from ("", "| kernel, one thread | forward | backward |", "| --- | ---: | ---: |")
        for row in kernels:
            name = row["name"].removeprefix("kernel ") + doubt(row)
            yield f"| {name} | {kernel_speed(row, 'forward')} | {kernel_speed(row, 'backward')} |"
    networks = [row for row in result["rows"] if not row["name"].startswith("kernel ")]
    if networks:
        others = list(networks[0]["ratios"])
        first = next(iter(networks[0]["seconds"]))
        heads = [f"{first}, images/s", *(f"against {name} (quartiles)" for name in others)]
        yield from ("", f"| | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads))
        for row in networks:
            cells = [f"{row['work'] / row['median_seconds'][first]:,.0f}"]
            cells += [ratio(row["ratios"][name]) for name in others]
            yield f"| {row['name']} | {' | '.join(cells)} |"


def kernel_speed(row: dict[str, Any], direction: str) -> str:
    seconds = row["median_seconds"][direction]
    if row["flops"][direction]:
        rate = row["flops"][direction] / seconds
        return f"{rate / 1e9:.1f} GFLOP/s, {rate / row['peak']:.0%}"
    return f"{row['moved'][direction] / seconds / 1e9:.1f} GB/s"


def ratio(told: dict[str, Any]) -> str:
    low, _, high = told["quartiles"]
    claim = f"{told['of_medians']:.2f}x" if told["claim"] else "no claim"
    return f"{claim} ({low:.2f} to {high:.2f})"


def doubt(row: dict[str, Any]) -> str:
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
