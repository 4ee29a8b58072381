"""Otsu's threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def otsu(values: NDArray[np.float32]) -> float:
    """The threshold that splits values into two classes with the largest variance between them.

    Source: N. Otsu (1979), A threshold selection method from gray-level histograms.
    """
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return high
    counts, edges = np.histogram(values, bins=256, range=(low, high))
    centers = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * centers)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    best = np.nan_to_num(between)
    # Every threshold within an empty range of the histogram is equally good: take the middle.
    ties = np.flatnonzero(best >= best.max() * (1 - 1e-12))
    return float(edges[1:-1][ties].mean())
