"""Generates the tables of docs/models.md and the plot docs/images/models.png from cnnfast.models.

python tools/generate_models.py            writes both; the plot needs matplotlib
python tools/generate_models.py --check    writes nothing; fails if a table is not up to date
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfast import models, nn
from cnnfast._text import scaled
from cnnfast.models import ModelInfo
from cnnfast.nn.summary import rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "models.md"
PLOT = ROOT / "docs" / "images" / "models.png"
#: Test accuracy of trainings with this library; how they were made is in docs/performance.md.
ACCURACY = {
    "d4": "99.03 % of MNIST",
    "lenet5": "99.18 % of MNIST",
    "numpy-mnist": "99.18 % of MNIST",
    "hello-dl-letters": "93.32 % of `emnist-letters-derived`",
}
#: Width of an image from which a network is one for ImageNet.
IMAGENET_WIDTH = 200


def sections() -> dict[str, list[str]]:
    """The generated parts of the page by the name in their first line, `<!-- name -->`."""
    infos = [models.info(name) for name in models.list()]
    imagenet = [info for info in infos if info.input_shape[-1] >= IMAGENET_WIDTH]
    cifar = [info for info in infos if info.input_shape == (3, 32, 32)]
    others = [info for info in infos if info not in imagenet and info not in cifar]
    return {
        "ImageNet": list(costs(imagenet)),
        "CIFAR": list(costs(cifar)),
        "others": list(costs(others)),
        "VGG-16": list(stages("vgg16")),
    }


def costs(infos: Iterable[ModelInfo]) -> Iterator[str]:
    """A row for each network; accuracies have a column where there are any."""
    infos = list(infos)
    trained = any(info.name in ACCURACY for info in infos)
    accuracy = "test accuracy |" if trained else ""
    yield f"| network | year | input | outputs | parameters | MACs | memory | {accuracy}".rstrip()
    yield f"| --- | --- | --- | ---: | ---: | ---: | ---: |{' --- |' if trained else ''}"
    for info in infos:
        shapes = ["x".join(map(str, shape)) for shape in (info.input_shape, info.output_shape)]
        numbers = [f"{info.parameters:,}", scaled(info.macs), scaled(info.memory, "B")]
        cells = [f"`{info.name}`", str(info.year or ""), *shapes, *numbers]
        cells += [ACCURACY.get(info.name, "")] if trained else []
        yield "| " + " | ".join(cells) + " |"


def stages(name: str) -> Iterator[str]:
    """Where values, parameters and multiply-accumulates of a network are, by the resolution of its layers."""
    with nn.blank_parameters():
        model = models.get(name)
    totals: dict[str, list[int]] = {}
    for row in rows(model):
        shape = row.output_shape or ()
        where = f"{shape[1]}x{shape[2]}" if len(shape) == 3 else "fully connected"
        has_memory = row.macs or "MaxPool" in row.operation  # a ReLU can work in place
        total = totals.setdefault(where, [0, 0, 0])
        for i, value in enumerate((product(shape) if has_memory else 0, row.parameters, row.macs or 0)):
            total[i] += value
    yield "| resolution | values | parameters | MACs |"
    yield "| --- | ---: | ---: | ---: |"
    sums = [sum(column) for column in zip(*totals.values(), strict=True)]
    for where, numbers in {**totals, "all": sums}.items():
        parts = [f"{scaled(n)} ({n / whole:.0%})" for n, whole in zip(numbers, sums, strict=True)]
        yield f"| {where} | " + " | ".join(parts) + " |"


def product(shape: Iterable[int]) -> int:
    result = 1
    for extent in shape:
        result *= extent
    return result


def replaced(text: str, parts: Mapping[str, list[str]]) -> str:
    """The page with the generated parts in place of what is between their first line and `<!-- end -->`."""
    for name, lines in parts.items():
        pattern = rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)"
        table = "\n".join(lines)
        text, count = re.subn(
            pattern, lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text, flags=re.S
        )
        if count != 1:
            raise ValueError(f"{PAGE}: has {count} parts <!-- {name} -->, expected 1")
    return text


def plot(path: Path) -> None:
    """Parameters against multiply-accumulates, both logarithmic; the depths of a family are a line."""
    from matplotlib.figure import Figure

    families: dict[tuple[str, bool], list[ModelInfo]] = {}
    for info in map(models.info, models.list()):
        family = re.sub(r"\d+$", "", info.name)
        if not family.endswith(("-bn", "-paper", "plain")):  # at the places of their other variants
            families.setdefault((family, info.input_shape[-1] >= IMAGENET_WIDTH), []).append(info)
    figure = Figure(figsize=(8.0, 5.2), facecolor="white", layout="constrained")
    axis = figure.subplots()
    for (_, large), members in families.items():
        color = "#d1495b" if large else "#5b7b9a"
        xs, ys = [info.macs for info in members], [info.parameters for info in members]
        axis.plot(xs, ys, "o-", color=color, markersize=5, linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="multiply-accumulates for one image", ylabel="parameters")
    axis.set_title("red: images of ImageNet, 224x224; blue: smaller inputs", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(0.12)
    figure.draw_without_rendering()
    label(axis, [info for members in families.values() for info in ends(members)])
    figure.savefig(path, dpi=100)


def ends(members: list[ModelInfo]) -> list[ModelInfo]:
    """The first and the last of a family."""
    return members if len(members) == 1 else [members[0], members[-1]]


def label(axis: Axes, infos: Iterable[ModelInfo]) -> None:
    """Names beside the points, each at the first of some places where it covers no other name or point."""
    infos = list(infos)
    points = [axis.transData.transform((info.macs, info.parameters)) for info in infos]
    taken = []
    for info in infos:
        for dx, dy, side in (
            (7, 0, "left"),
            (-7, 0, "right"),
            (0, 9, "center"),
            (0, -9, "center"),
            (7, 9, "left"),
        ):
            text = axis.annotate(
                info.name,
                (info.macs, info.parameters),
                (dx, dy),
                textcoords="offset points",
                ha=side,
                va="center",
            )
            text.set_fontsize(8)
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken) and not any(box.contains(*p) for p in points):
                break
            text.remove()
        else:
            raise ValueError(f"models: no place for the name {info.name} in the plot")
        taken.append(box)


def main() -> int:
    old = PAGE.read_text(encoding="utf-8")
    new = replaced(old, sections())
    if "--check" in sys.argv:
        sys.stdout.writelines(
            difflib.unified_diff(old.splitlines(True), new.splitlines(True), "docs", "generated")
        )
        return int(old != new)
    PAGE.write_text(new, encoding="utf-8")
    plot(PLOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
