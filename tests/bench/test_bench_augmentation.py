"""The row of `python -m bench` on augmentation."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast.augment.parse import as_augmentation
from cnnfast.benchmark.timing import Effort, Options

from bench import augmentation


@pytest.mark.slow
def test_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Options, "effort", Effort(rounds=1, sample=0.0))
    (row,) = augmentation.augmentation_rows(Options(quick=True, only="augmentation"))
    assert row.name == "augmentation, an epoch of hello-dl-letters over 640 images"
    assert list(row.seconds) == ["none", *augmentation.AUGMENTATIONS]


@pytest.mark.parametrize("name", augmentation.AUGMENTATIONS)
def test_every_one_mixes_or_changes_images(name: str) -> None:
    given = as_augmentation("test", augmentation.AUGMENTATIONS[name])
    assert given is not None
    images = np.random.default_rng(0).integers(0, 256, (8, 28, 28), dtype=np.uint8)
    assert given.mixing is not None or np.any(given(images, 0, 0) != images)
