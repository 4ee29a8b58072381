"""The figures of a report, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._types import Array, Labels
from ..plot.confusion_matrix import confusion_matrix
from ..plot.figure import BLUE, COLORS, GRAY, RED, literal, new_figure, open_frame
from ..plot.history import history

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .results import Report

_PER_ROW, _MOST_MISTAKES, _MOST_SAMPLES = 8, 40, 40
_PAIRS, _EXAMPLES = 8, 8
_MOST_CLASSES = 40
#: The accuracy of a bin with fewer predictions says little.
_FEW = 10


def figures(found: Report) -> dict[str, Figure]:
    """All figures by name; those without content are left out: no mistakes, no history."""
    drawn = {
        "confusion": confusion_matrix(found.evaluation),
        "calibration": calibration(found),
        "robustness": robustness(found),
    }
    worst = found.worst(_MOST_MISTAKES)
    if len(worst):
        drawn["confused"] = confused(found)
        drawn["mistakes"] = sheet(found, [worst[k : k + _PER_ROW] for k in range(0, len(worst), _PER_ROW)])
    drawn["samples"] = sheet(found, samples(found))
    drawn["classes"] = by_class(found)
    if found.history is not None and found.history.epochs:
        drawn["history"] = history(found.history)
    return drawn


def calibration(found: Report) -> Figure:
    """Reliability curves, before and after the temperature, above the number of predictions."""
    figure = new_figure(6.4, 5.4)
    above, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    above.plot([0, 1], [0, 1], color=GRAY, linestyle="--", linewidth=1, label="perfect")
    for curve, color, name in ((found.reliability, BLUE, "model"), (found.scaled, RED, "with temperature")):
        filled = curve.counts >= min(_FEW, curve.counts.max())
        text = f"{name}, calibration error {curve.error:.2%}"
        above.plot(curve.confidence[filled], curve.accuracy[filled], "o-", color=color, ms=4, label=text)
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    above.legend(loc="upper left", frameon=False, fontsize=9)
    n = len(found.reliability.counts)
    below.bar((np.arange(n) + 0.5) / n, found.reliability.counts, width=0.9 / n, color=BLUE)
    below.set(xlabel="confidence: probability of the prediction", ylabel="images", yscale="symlog")
    for ax in (above, below):
        open_frame(ax)
    return figure


def robustness(found: Report) -> Figure:
    """Accuracy by shift and by inverted pixels, one line for each model."""
    figure = new_figure(9.0, 3.8)
    shift, flip = figure.subplots(1, 2, sharey=True)
    lines = [(found.name, found.robustness)]
    if found.compared is not None:
        lines.append((found.compared[0], found.compared[2]))
    for (name, measured), color in zip(lines, COLORS, strict=False):
        shift.plot(measured.shifts, measured.shift_accuracy, "o-", color=color, label=name)
        flip.plot(measured.flips, measured.flip_accuracy, "o-", color=color, label=name)
    shift.set(xlabel="random shift, up to so many pixels", ylabel="accuracy", xticks=lines[0][1].shifts)
    flip.set(xlabel="inverted pixels", xticks=lines[0][1].flips)
    shift.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for ax in (shift, flip):
        open_frame(ax)
    literal(*shift.legend(loc="lower left", frameon=False, fontsize=9).get_texts())
    return figure


def confused(found: Report) -> Figure:
    """Images of the most confused pairs, one row for each pair."""
    pairs = found.evaluation.most_confused(_PAIRS)
    return sheet(
        found,
        [found.confused(t, p)[:_EXAMPLES] for t, p, _ in pairs],
        [f"{t} as {p}\n{n:,} times" for t, p, n in pairs],
    )


def samples(found: Report) -> list[Labels]:
    """Rows of the poster: images spread over the data."""
    n = min(_MOST_SAMPLES, len(found.data))
    rows = np.random.default_rng(0).permutation(len(found.data))[:n]
    return [rows[k : k + _PER_ROW] for k in range(0, n, _PER_ROW)]


def by_class(found: Report) -> Figure:
    """Images of each class, one row for each: the surest, typical ones, and the least sure."""
    lines, names = [], []
    for number, name in enumerate(found.data.classes[:_MOST_CLASSES]):
        rows = np.flatnonzero(found.data.labels == number)
        right = np.where(found.predicted[rows] == number, found.confidence[rows], -found.confidence[rows])
        order = rows[np.argsort(-right, kind="stable")]
        at = np.linspace(0, len(order) - 1, min(_EXAMPLES, len(order))).round().astype(np.int64)
        lines.append(order[at])
        names.append(f"{name}\n{len(rows):,}" if len(rows) else f"{name}\nnone")
    return sheet(found, lines, names)


def sheet(found: Report, rows: list[Labels], names: list[str] | None = None) -> Figure:
    """Images in rows, each with its true class, or the prediction if it is wrong, in red, and confidence."""
    _, h, w = found.data.input_shape
    columns = max((len(row) for row in rows), default=1) or 1
    figure = new_figure(0.95 * columns + (0.9 if names else 0), 0.95 * len(rows) * (h / w + 0.28))
    ax = figure.subplots()
    gap, label = 0.08 * w, 0.3 * w
    for y, row in enumerate(rows):
        top = y * (h + label)
        if names:
            literal(ax.text(-2 * gap, top + h / 2, names[y], ha="right", va="center", fontsize=9))
        for x, number in enumerate(row):
            left = x * (w + gap)
            ax.imshow(
                _image(found, number), cmap="gray_r", vmin=0, vmax=255, extent=(left, left + w, top + h, top)
            )
            true, predicted = found.data.labels[number], found.predicted[number]
            text = found.data.classes[true][:8]
            if predicted != true:
                text = f"{text} as {found.data.classes[predicted][:8]}"
            color = "black" if predicted == true else RED
            size = 8 if len(text) < 8 else 5.5
            caption = f"{text} {found.confidence[number]:.0%}"
            literal(
                ax.text(
                    left + w / 2,
                    top + h + 0.04 * h,
                    caption,
                    ha="center",
                    va="top",
                    fontsize=size,
                    color=color,
                )
            )
    ax.set(xlim=(-gap, columns * (w + gap)), ylim=(len(rows) * (h + label), -gap))
    ax.set_aspect("equal")
    ax.set_axis_off()
    return figure


def _image(found: Report, number: int) -> Array:
    image: Array = found.data.images[number]
    if image.ndim == 2:
        return image
    return np.moveaxis(image, 0, 2) if len(image) == 3 else np.asarray(image[0])
