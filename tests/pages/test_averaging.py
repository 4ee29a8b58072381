"""Probabilities as the mean over versions of an image."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast.pages import averaging
from cnnfast.pages.averaging import Version


def square():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10:18, 12:16] = 200
    return image


def box(image):
    y, x = np.nonzero(image > 100)
    return y.min(), y.max() + 1, x.min(), x.max() + 1


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (Version(), (10, 18, 12, 16)),
        (Version(x=3, y=-2), (8, 16, 15, 19)),
        (Version(scale=1.5), (8, 20, 11, 17)),
    ],
)
def test_versions_are_moved_and_scaled(version, expected):
    assert box(averaging.versions(square(), version)[0]) == expected


def test_slant_moves_the_upper_half_to_the_right():
    (slanted,) = averaging.versions(square(), Version(slant=0.5))
    columns = [float(row @ np.arange(28) / row.sum()) for row in slanted[[10, 17]].astype(float)]
    assert columns == pytest.approx([13.5 + 1.75, 13.5 - 1.75], abs=0.05)


def test_blur_keeps_the_sum_of_ink():
    (blurred,) = averaging.versions(square(), Version(blur=1.3))
    assert blurred.max() < 200
    assert blurred.sum() == pytest.approx(square().sum(), rel=0.02)


def test_probabilities_are_the_normalized_geometric_mean(monkeypatch):
    class Model:
        def predict_proba(self, x):
            assert x.shape == (4, 1, 28, 28)
            return np.array([[0.9, 0.1], [0.5, 0.5], [0.4, 0.6], [0.5, 0.5]], np.float32)

    monkeypatch.setattr(averaging, "VERSIONS", (Version(), Version(x=1)))
    found = averaging.probabilities(Model(), np.repeat(square(), 2, 0))
    a, b = np.sqrt(0.9 * 0.4), np.sqrt(0.1 * 0.6)
    np.testing.assert_allclose(found, [[a / (a + b), b / (a + b)], [0.5, 0.5]], rtol=1e-5)
