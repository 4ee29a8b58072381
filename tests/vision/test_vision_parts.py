"""The parts of the processing of an image: components, threshold, blur, stroke width."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cnnfast.vision import (
    as_text,
    components,
    normalize,
    reading,
    resize,
    threshold,
)

Image = pytest.importorskip("PIL.Image")


@pytest.mark.slow
def test_components_are_labeled_as_by_flood_fill(rng: np.random.Generator) -> None:
    for h, w, share in ((1, 1, 1.0), (1, 9, 0.5), (9, 1, 0.5), (17, 23, 0.4), (31, 29, 0.6), (5, 5, 0.0)):
        mask = rng.random((h, w)) < share
        labels, count = components.label(mask)
        assert ((labels > 0) == mask).all()
        assert set(np.unique(labels)) - {0} == set(range(1, count + 1))
        seen: set[int] = set()
        for y, x in np.argwhere(mask):
            component = flood(mask, int(y), int(x))
            numbers = {int(labels[p]) for p in component}
            assert len(numbers) == 1
            assert len(component) == (labels == labels[y, x]).sum()
            seen |= numbers
        assert len(seen) == count


def flood(mask: np.ndarray, y: int, x: int) -> set[tuple[int, int]]:
    found, edge = {(y, x)}, [(y, x)]
    while edge:
        y, x = edge.pop()
        for at in [(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]:
            if 0 <= at[0] < mask.shape[0] and 0 <= at[1] < mask.shape[1] and mask[at] and at not in found:
                found.add(at)
                edge.append(at)
    return found


def test_otsu_threshold_lies_between_two_modes(rng: np.random.Generator) -> None:
    values = np.concatenate([rng.normal(0.2, 0.02, 900), rng.normal(0.8, 0.02, 100)]).astype(np.float32)
    assert 0.3 < threshold.otsu(values) < 0.7
    assert threshold.otsu(np.full(9, 0.5, np.float32)) == 0.5


def test_soften_is_a_gaussian() -> None:
    dot = np.zeros((41, 41), np.float32)
    dot[20, 20] = 1
    blurred = normalize.blur(dot, 3.0).astype(float)
    y = np.arange(41) - 20.0
    assert blurred.sum() == pytest.approx(1, abs=1e-6)
    assert (blurred.sum(1) * y**2).sum() == pytest.approx(9, rel=0.01)


def test_blur_and_reduction_by_one_matrix_as_one_after_the_other(rng: np.random.Generator) -> None:
    image = rng.random((149, 149)).astype(np.float32)
    matrix = normalize.blur_and_reduce(149, 28, 2.0)
    expected = resize.resize(normalize.blur(image, 2.0), (28, 28))
    np.testing.assert_allclose(matrix @ image @ matrix.T, expected, atol=2e-6)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_thickening_is_dilation_with_a_disc(width: int, rng: np.random.Generator) -> None:
    ink = np.zeros((30, 20), np.float32)
    ink[8:22, 9 : 9 + width] = rng.random((14, width))
    radius = (normalize.MIN_STROKE_WIDTH - normalize.stroke_width(ink)) / 2
    n = math.ceil(radius)
    padded = np.pad(ink, 2 * n)
    expected = np.zeros((30 + 2 * n, 20 + 2 * n), np.float32)
    for y, x in np.ndindex(2 * n + 1, 2 * n + 1):
        weight = np.clip(radius + 1 - math.hypot(y - n, x - n), 0, 1)
        part = padded[y : y + 30 + 2 * n, x : x + 20 + 2 * n]
        expected = np.maximum(expected, np.float32(weight) * part)
    np.testing.assert_array_equal(normalize.thicken(ink), expected)


def test_stroke_width_of_a_bar() -> None:
    bar = np.zeros((60, 200), np.float32)
    bar[25:35, 5:195] = 1
    assert normalize.stroke_width(bar) == pytest.approx(10, rel=0.1)


def test_as_text_shows_page_and_ink() -> None:
    assert as_text(np.array([[0, 255, 0], [0, 0, 0]], np.uint8)) == "  @@\n"


def test_grey_is_reduced_to_at_most_1024() -> None:
    assert reading.to_gray(Image.new("L", (1500, 3000))).shape == (1000, 500)
    assert reading.to_gray(Image.new("L", (8, 1024))).shape == (1024, 8)
