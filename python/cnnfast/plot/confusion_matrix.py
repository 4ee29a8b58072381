"""`confusion_matrix`: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._checks import type_of
from .._types import Array
from .figure import axes_for, figure_of, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..training.evaluation import Evaluation

#: Up to so many classes have their counts in the cells, and their names at the axes.
_MOST_COUNTS, _MOST_NAMES = 30, 64


def confusion_matrix(
    result: Evaluation | Array, classes: Sequence[str] | None = None, *, ax: Axes | None = None
) -> Figure:
    """Draw a confusion matrix: a row for each true class, a column for each predicted class.

    The color of a cell is the fraction of its row, so that rare classes are as visible as frequent ones; the
    number in it is the count, 0 is left out.

    Args:
        result: What `evaluate` returned for a classifier, or a matrix (classes, classes) of counts.
        classes: Names of the classes of a matrix; None numbers them.
        ax: Where to draw; None makes a new figure.

    Returns:
        The figure.

    Raises:
        TypeError: No classifier's evaluation, and no matrix of integers.
        ValueError: The matrix is not square or has a negative count; another number of names.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from cnnfast import plot
        >>> figure = plot.confusion_matrix(np.array([[9, 1], [0, 5]]), ["cat", "dog"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['9', '1', '5']
    """
    who = "plot.confusion_matrix"
    counts, names = _counts(who, result, classes)
    n = len(counts)
    side = min(14.0, 2.0 + 0.36 * n) if n <= _MOST_COUNTS else 8.0
    ax = axes_for(who, ax, side + 0.8, side)
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = ax.imshow(fractions, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if n <= _MOST_COUNTS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                color = "white" if fractions[row, column] > 0.5 else "black"
                ax.text(column, row, f"{count}", ha="center", va="center", color=color, fontsize=7)
    if n <= _MOST_NAMES:
        size = 8 if n <= _MOST_COUNTS else 5
        rotation = 90 if max(map(len, names)) > 3 else 0
        ax.set_xticks(range(n), names, rotation=rotation, fontsize=size)
        ax.set_yticks(range(n), names, fontsize=size)
        literal(*ax.get_xticklabels(), *ax.get_yticklabels())
    ax.tick_params(length=0)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.figure.colorbar(shown, ax=ax, fraction=0.045, pad=0.02, label="fraction of the true class")
    return figure_of(ax)


def _counts(who: str, result: Evaluation | Array, classes: Sequence[str] | None) -> tuple[Array, list[str]]:
    matrix = result if isinstance(result, np.ndarray) else getattr(result, "confusion", None)
    if matrix is None or matrix.dtype.kind not in "iu":
        wanted = "an Evaluation of a classifier or a matrix of integers"
        raise TypeError(f"{who}: result must be {wanted}, got {type_of(result)}")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0 or matrix.min() < 0:
        raise ValueError(f"{who}: result must be counts (classes, classes), got shape {matrix.shape}")
    if classes is None:
        classes = getattr(result, "classes", None) or [str(k) for k in range(len(matrix))]
    if len(classes) != len(matrix):
        raise ValueError(f"{who}: classes must be {len(matrix)} names, got {len(classes)}")
    return matrix, [str(name) for name in classes]
