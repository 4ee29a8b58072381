"""Arrays mapped from a file as training data: read row by row, with the same results as in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from cnnfast import Trainer, evaluate, fit, models, optim
from cnnfast.datasets import ImageDataset


@pytest.fixture
def mapped(tmp_path: Path) -> np.memmap:
    """30,000 images, of which the first 200 are not black."""
    x = np.memmap(tmp_path / "x", np.uint8, "w+", shape=(30_000, 28, 28))
    x[:200] = np.random.default_rng(0).integers(0, 256, (200, 28, 28))
    x.flush()
    return np.memmap(tmp_path / "x", np.uint8, "r", shape=(30_000, 28, 28))


@pytest.mark.parametrize("as_dataset", [False, True])
def test_fit_copies_no_training_images(mapped: np.memmap, as_dataset: bool) -> None:
    y = np.arange(30_000) % 10
    data = ImageDataset(mapped, y, [*"0123456789"]) if as_dataset else (mapped, y)
    tracemalloc.start()
    try:
        fit(models.d4(seed=0), data, time_limit=1e-3, validation=0.01, progress=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < mapped.nbytes / 4


def test_results_are_those_of_arrays_in_memory(mapped: np.memmap) -> None:
    y = np.arange(200) % 10
    found = []
    for x in (mapped[:200], np.array(mapped[:200])):
        model = models.d4(seed=0)
        fit(model, (x, y), epochs=1, validation=0.1, progress=False)
        Trainer(model, optim.SGD(lr=0.1)).step(x, y, index=[3, 150, 7])
        found.append((model.flat_parameters.copy(), evaluate(model, (x, y)).loss))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_the_split_is_that_of_the_data_set(rng: np.random.Generator) -> None:
    data = ImageDataset(rng.integers(0, 256, (60, 28, 28), np.uint8), np.arange(60) % 10, [*"0123456789"])
    rest, held = data.split(0.2, seed=5)
    one, two = models.d4(seed=0), models.d4(seed=0)
    a = fit(one, data, epochs=2, seed=5, validation=0.2, stratify=False, progress=False)
    b = fit(two, rest, epochs=2, seed=5, validation=held, progress=False)
    np.testing.assert_array_equal(one.flat_parameters, two.flat_parameters)
    assert [r.val_loss for r in a.epochs] == [r.val_loss for r in b.epochs]
