"""Statistics of reports against slow definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cnnfast.reporting import statistics, temperature


@pytest.mark.parametrize(("correct", "n"), [(0, 5), (5, 5), (8, 10), (970, 1000)])
def test_wilson(correct: int, n: int) -> None:
    """The ends solve |p - end| = z * sqrt(end * (1 - end) / n)."""
    p = correct / n
    for end in statistics.wilson(correct, n):
        assert abs(p - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / n), abs=1e-6)
    low, high = statistics.wilson(correct, n)
    assert 0 <= low <= p <= high <= 1


def test_reliability(rng: np.random.Generator) -> None:
    confidence = np.append(rng.uniform(0, 1, 300), [0.0, 0.2, 1.0])
    correct = rng.uniform(0, 1, 303) < confidence
    found, error = statistics.reliability(confidence, correct, 5), 0.0
    for k in range(5):
        inside = [i for i, c in enumerate(confidence) if (k / 5 < c <= (k + 1) / 5) or (k == 0 and c == 0)]
        assert found.counts[k] == len(inside)
        assert found.confidence[k] == pytest.approx(confidence[inside].mean())
        assert found.accuracy[k] == pytest.approx(correct[inside].mean())
        error += len(inside) / 303 * abs(confidence[inside].mean() - correct[inside].mean())
    assert found.error == pytest.approx(error)


def test_confusion_counts(rng: np.random.Generator) -> None:
    labels, predicted = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    expected = np.zeros((4, 4), np.int64)
    for t, p in zip(labels, predicted, strict=True):
        expected[t, p] += 1
    np.testing.assert_array_equal(statistics.confusion_counts(labels, predicted, 4), expected)


def test_temperature_of_logits_that_are_too_large(rng: np.random.Generator) -> None:
    """Labels are drawn from the softmax of z; the network says 3 z."""
    z = rng.normal(0, 2, (4000, 5))
    labels = (np.exp(statistics.log_softmax(z)).cumsum(axis=1) < rng.uniform(size=(4000, 1))).sum(axis=1)
    labels = np.minimum(labels, 4)
    found = temperature.fit_temperature(3 * z, labels)
    assert found == pytest.approx(3, rel=0.1)
    rows = np.arange(4000)

    def loss(t: float) -> float:
        return float(-statistics.log_softmax(3 * z / t)[rows, labels].mean())

    assert loss(found) <= min(loss(found * 1.01), loss(found / 1.01))
    scaled = temperature.scaled_by_halves(3 * z, labels)
    factors = (3 * z / scaled)[:, 0]
    assert len(np.unique(factors.round(6))) == 2
    np.testing.assert_allclose(factors, 3, rtol=0.15)
