"""What limits the accuracy on a data set, from several models of one recipe that differ only in their seeds.

    python -m bench.results run best --seeds 5 --keep models/
    python -m bench.ceiling models/best-*.safetensors [--data emnist-letters-derived] [--sheet FILE.png]

prints a Markdown table: the accuracy of each model, of the ensemble (the mean of the probabilities), of
the ensemble if pairs of classes that look alike counted as one, and how many test images are probably labeled
wrongly: all models give them the same other class, and the ensemble gives it at least the probability that
images labeled so have on average (confident learning, Northcutt et al., 2021). The sheet shows these images.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from cnnfast import datasets
from cnnfast._types import Array, Labels
from cnnfast.errors import CnnfastError
from cnnfast.nn import Module
from cnnfast.nn.serialization import load
from cnnfast.plot import figure as figures
from cnnfast.reporting.statistics import confusion_counts, log_softmax
from cnnfast.reporting.temperature import logits_of

#: pairs of classes in the table, and images a row of the sheet
PAIRS, PER_ROW = 5, 16

Row = tuple[str, str]


def probabilities(models: Sequence[Module], images: Array) -> Array:
    """(models, n, classes)"""
    return np.stack([np.exp(log_softmax(logits_of(model, images))) for model in models])


def doubtful(each: Array, labels: Labels) -> Labels:
    """The images whose label is probably wrong, most probable first."""
    joint, predicted = each.mean(0), each.argmax(2)
    typical = np.array(
        [joint[labels == c, c].mean() if (labels == c).any() else 1.0 for c in range(joint.shape[1])]
    )
    other = predicted[0]
    excess = joint[np.arange(len(labels)), other] / typical[other]
    chosen = np.flatnonzero((predicted == other).all(0) & (other != labels) & (excess >= 1))
    return chosen[np.argsort(-excess[chosen], kind="stable")]


def pairs(labels: Labels, predicted: Labels, classes: int) -> list[tuple[int, int, int]]:
    """Two classes, and how often one of them was taken for the other; most frequent first."""
    counts = confusion_counts(labels, predicted, classes)
    both = counts + counts.T
    found = [(int(both[a, b]), a, b) for a in range(classes) for b in range(a)]
    return [(b, a, n) for n, a, b in sorted(found, key=lambda entry: -entry[0]) if n]


def rows(each: Array, labels: Labels, names: Sequence[str]) -> list[Row]:
    """What is measured, and its value."""
    n, single = len(labels), [float(np.mean(p.argmax(1) == labels)) for p in each]
    joint = each.mean(0)
    predicted = joint.argmax(1)
    right = predicted == labels
    second = (np.argsort(-joint, axis=1)[:, :2] == labels[:, None]).any(1)
    found = [
        ("mean of the single models", f"{mean(single):.2%}"),
        ("lowest and highest of them", f"{min(single):.2%}, {max(single):.2%}"),
        (f"ensemble of {len(each)}", f"{right.mean():.2%}"),
        ("ensemble, first or second class", f"{second.mean():.2%}"),
        ("right by at least one model", f"{(each.argmax(2) == labels).any(0).mean():.2%}"),
    ]
    forgiven = right.copy()
    for a, b, count in pairs(labels, predicted, len(names))[:PAIRS]:
        forgiven |= np.isin(labels, (a, b)) & np.isin(predicted, (a, b))
        found.append(
            (f"errors {names[a]} and {names[b]}", f"{count} ({count / max(1, n - right.sum()):.0%})")
        )
    found.append((f"ensemble, if these {PAIRS} pairs counted as right", f"{forgiven.mean():.2%}"))
    count = len(doubtful(each, labels))
    found.append(("labels that are probably wrong", f"{count} ({count / n:.2%})"))
    return found


def draw(images: Array, labels: Labels, predicted: Labels, names: Sequence[str]) -> figures.Figure:
    """Images with their label and the class that all models gave."""
    lines = max(1, -(-len(images) // PER_ROW))
    figure = figures.new_figure(0.8 * PER_ROW, 1.05 * lines)
    for i, ax in enumerate(figure.subplots(lines, PER_ROW, squeeze=False).flat):
        ax.set_axis_off()
        if i < len(images):
            ax.imshow(images[i], cmap="gray_r")
            ax.set_title(f"{names[labels[i]]}: {names[predicted[i]]}", fontsize=8)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.ceiling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="model files, at least two")
    parser.add_argument("--data", default="emnist-letters-derived", metavar="NAME")
    parser.add_argument("--sheet", metavar="FILE", help="write the images of doubtful labels here")
    options = parser.parse_args(arguments)
    if len(options.models) < 2:
        parser.error("argument MODEL: give at least two models")
    try:
        data = datasets.load(options.data, train=False)
        each = probabilities([load(path) for path in options.models], data.images)
    except (CnnfastError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("| | |\n| --- | ---: |")
    for name, value in rows(each, data.labels, data.classes):
        print(f"| {name} | {value} |")
    if options.sheet:
        chosen = doubtful(each, data.labels)[: 4 * PER_ROW]
        drawn = draw(data.images[chosen], data.labels[chosen], each[0, chosen].argmax(1), data.classes)
        figures.save("ceiling", drawn, Path(options.sheet))
    return 0


if __name__ == "__main__":
    sys.exit(main())
