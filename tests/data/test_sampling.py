"""`ImageDataset`: stratified splits, class weights, balanced sampling."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast.datasets import ImageDataset
from cnnfast.errors import DataError

from tests.support.refusal import refused

COUNTS = (100, 10, 2, 31)


@pytest.fixture
def data() -> ImageDataset:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(4), COUNTS))
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    return ImageDataset(images, labels, ("a", "b", "c", "d"))


@pytest.mark.parametrize(
    ("fraction", "held"), [(0.1, (10, 1, 1, 3)), (0.5, (50, 5, 1, 16)), (0.99, (99, 9, 1, 30))]
)
def test_stratified_split(data: ImageDataset, fraction: float, held: tuple[int, ...]) -> None:
    rest, part = data.split(fraction, seed=3, stratify=True)
    assert tuple(np.bincount(part.labels)) == held
    assert tuple(np.bincount(rest.labels)) == tuple(n - k for n, k in zip(COUNTS, held, strict=True))
    rows = np.concatenate([rest.images[:, 0, 0], part.images[:, 0, 0]])
    assert sorted(rows) == list(range(len(data)))
    for one in (rest, part):  # in the original order
        assert (np.diff(one.images[:, 0, 0].astype(int)) > 0).all()
    again, other = data.split(fraction, seed=3, stratify=True)[1], data.split(fraction, 4, stratify=True)[1]
    np.testing.assert_array_equal(again.images, part.images)
    assert not np.array_equal(other.images, part.images)


def test_a_class_that_would_be_missing_is_named(data: ImageDataset) -> None:
    few = data[(data.labels != 2) | (np.arange(len(data)) == np.flatnonzero(data.labels == 2)[0])]
    with refused(
        DataError,
        "ImageDataset.split: class 'c' has one image, so it would be missing in one of the parts; "
        "add images of it or leave it out",
    ):
        few.split(0.5, seed=0, stratify=True)


def test_class_weights(data: ImageDataset) -> None:
    np.testing.assert_allclose(data.class_weights(), [143 / (4 * n) for n in COUNTS])
    with refused(DataError, "ImageDataset.class_weights: class 'c' has no images"):
        data[data.labels != 2].class_weights()


def test_balanced(data: ImageDataset) -> None:
    even = data.balanced(seed=0)
    assert np.bincount(even.labels).tolist() == [100] * 4
    pixels = even.images[:, 0, 0]
    for number, count in enumerate(COUNTS):
        times = np.unique(pixels[even.labels == number], return_counts=True)[1]
        assert len(times) == count
        assert times.max() - times.min() <= 1
    np.testing.assert_array_equal(data.balanced(seed=0).images, even.images)
    assert not np.array_equal(data.balanced(seed=1).images, even.images)
    with refused(DataError, "ImageDataset.balanced: class 'a' has no images"):
        data[data.labels != 0].balanced(seed=0)
