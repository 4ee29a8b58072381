"""`python -m bench.chart results.json chart.svg`: images per second of cnnfast, PyTorch and ONNX Runtime,
drawn from the rows of whole networks that `python -m bench --json` wrote.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]  # as in the JSON file

#: Heading of a panel, and the start and end of the names of its rows.
PANELS = (
    ("Training, batch 64", "train ", " batch 64"),
    ("Inference, batch 64", "infer ", " batch 64"),
    ("Inference, batch 1", "infer ", " batch 1"),
)
#: Name in the chart, beginning of the names in the results, color.
LIBRARIES = (
    ("cnnfast", "cnnfast", "#d1495b"),
    ("PyTorch", "torch", "#5b7b9a"),
    ("ONNX Runtime", "onnxruntime", "#b3a369"),
)
#: The SVG holds neither the date nor random names, so that the same results give the same file.
STYLE = {"svg.hashsalt": "cnnfast", "font.size": 9.0, "font.family": "DejaVu Sans"}


def images_per_second(row: Row) -> dict[str, float]:
    """Images per second by library; of several variants (PyTorch's memory formats), the fastest."""
    speeds = {}
    for label, start, _ in LIBRARIES:
        seconds = [value for name, value in row["median_seconds"].items() if name.startswith(start)]
        if seconds:
            speeds[label] = row["work"] / min(seconds)
    return speeds


def panels(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """Heading, network, library: images per second. Panels without rows are left out."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for heading, start, end in PANELS:
        for row in rows:
            if row["name"].startswith(start) and row["name"].endswith(end):
                network = row["name"].removeprefix(start).removesuffix(end)
                found.setdefault(heading, {})[network] = images_per_second(row)
    return found


def caption(result: Mapping[str, Any]) -> str:
    """The machine, the number of threads, the versions, and how it was measured."""
    about = result["machine"]
    packages = (("cnnfast", "cnnfast"), ("PyTorch", "torch"), ("ONNX Runtime", "onnxruntime"))
    versions = [f"{label} {about[name].partition('+')[0]}" for label, name in packages if name in about]
    busy = sum(1 for row in result["rows"] if row.get("is_contended"))
    remarks = [f"Other processes used the machine in {busy} of {len(result['rows'])} rows."] if busy else []
    remarks += ["A quick run: do not quote."] if result["options"]["quick"] else []
    lines = (
        f"{about['cpu']}, {about['threads']} threads on {about['cores']} cores, {about['isa']}, "
        f"{about['system']}. {', '.join(versions)}. float32.",
        "Medians; bars are relative to the fastest of their group. Training: forward, backward, Adam. "
        "PyTorch: eager, the faster of its two memory layouts.",
        *remarks,
    )
    return "\n".join(lines)


def draw(result: Mapping[str, Any]) -> Figure:
    """A panel for each kind of row, in it a group of bars for each network.

    Raises:
        ValueError: There is no row of a whole network.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    found = panels(result["rows"])
    if not found:
        raise ValueError("chart: the results have no rows of whole networks at batch 1 or 64")
    networks = list(dict.fromkeys(network for panel in found.values() for network in panel))
    figure = Figure(figsize=(2.8 * len(found) + 1.1, 0.66 * len(networks) + 1.45), facecolor="white")
    axes = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for axis, (heading, speeds) in zip(axes, found.items(), strict=True):
        _panel(axis, heading, [speeds.get(network, {}) for network in networks])
    axes[0].set_yticks(range(len(networks)), networks, fontsize=10)
    figure.suptitle("Images per second (longer is faster)", x=0.012, ha="left", weight="bold", fontsize=11)
    patches = [Patch(color=color, label=label) for label, _, color in LIBRARIES]
    figure.legend(handles=patches, loc="upper right", ncols=len(patches), frameon=False)
    figure.text(0.012, 0.015, caption(result), va="bottom", fontsize=7.5, color="#444444")
    figure.subplots_adjust(left=0.13, right=0.985, top=0.86, bottom=0.13, wspace=0.06)
    return figure


def _panel(axis: Axes, heading: str, groups: Sequence[Mapping[str, float]]) -> None:
    height = 0.8 / len(LIBRARIES)
    for position, (label, _, color) in enumerate(LIBRARIES):
        known = [k for k, group in enumerate(groups) if label in group]
        lengths = [groups[k][label] / max(groups[k].values()) for k in known]
        centers = [k + (position - 1) * height for k in known]
        bars = axis.barh(centers, lengths, 0.92 * height, color=color)
        texts = [_rounded(groups[k][label]) for k in known]
        axis.bar_label(bars, texts, padding=3, fontsize=8, weight="bold" if position == 0 else "normal")
    axis.set_title(heading, loc="left", fontsize=10)
    axis.set_xlim(0, 1.28)
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.tick_params(bottom=False, labelbottom=False, left=False)
    axis.spines[["top", "right", "bottom"]].set_visible(False)
    axis.spines["left"].set_color("#999999")


def _rounded(speed: float) -> str:
    """Three significant digits, which is more than the precision of the measurement."""
    return f"{float(f'{speed:.3g}'):,.0f}"


def save(result: Mapping[str, Any], path: Path) -> None:
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = draw(result)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, metadata=metadata, dpi=200)


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) != 2:
        print("usage: python -m bench.chart results.json chart.svg", file=sys.stderr)
        return 2
    try:
        save(json.loads(Path(given[0]).read_text(encoding="utf-8")), Path(given[1]))
    except (ImportError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
