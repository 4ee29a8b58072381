"""Statistics of predictions: confidence interval, calibration, in plain NumPy."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._types import Array, Labels

#: Quantile of the normal distribution for intervals of 95 %.
_QUANTILE = 1.959963984540054
#: Bins of the reliability curve.
BINS = 15


class Reliability(NamedTuple):
    """Predictions in bins of equal width by confidence: number, mean confidence and accuracy of each bin (0
    without predictions)."""

    counts: Labels
    confidence: Array
    accuracy: Array

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of confidence and accuracy, weighted by the
        number of predictions (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""
        gaps = np.abs(self.confidence - self.accuracy)
        return float((self.counts * gaps).sum() / self.counts.sum())


def wilson(correct: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a fraction (Wilson 1927, "Probable Inference").

    Example:
        >>> [round(end, 4) for end in wilson(8, 10)]
        [0.4902, 0.9433]
    """
    p, z2 = correct / n, _QUANTILE**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _QUANTILE * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def log_softmax(logits: Array) -> Array:
    """The logarithm of the softmax of each row, in float64."""
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))


def reliability(confidence: Array, correct: Array, bins: int = BINS) -> Reliability:
    """Predictions by confidence; bin k holds those in (k / bins, (k + 1) / bins].

    Args:
        confidence: (n,) probability of each prediction.
        correct: (n,) bool.
        bins: Number of bins.
    """
    at = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(at, minlength=bins)
    n = np.maximum(counts, 1)
    sums = (np.bincount(at, weights=values, minlength=bins) for values in (confidence, correct))
    mean, accuracy = (total / n for total in sums)
    return Reliability(counts, mean, accuracy)


def confusion_counts(labels: Labels, predicted: Labels, classes: int) -> Labels:
    """(classes, classes) counts; row: true class, column: predicted class."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)
