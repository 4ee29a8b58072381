"""The trained models that come with the package."""

from __future__ import annotations

from pathlib import Path

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import models

from tests.support.refusal import refused

#: Accuracy on the test images, measured once, in trained/README.md; and on synthetic letters.
KNOWN = {"digits": ("mnist", 0.99), "letters": ("emnist-letters-derived", 0.92)}


def test_the_files_are_small() -> None:
    sizes = [models.pretrained_path(name).stat().st_size for name in models.pretrained_names()]
    assert len(sizes) == 2
    assert sum(sizes) <= 500_000


def test_an_unknown_name_is_refused() -> None:
    with refused(ValueError, "pretrained: no trained model is named 'digit'; did you mean 'digits'?"):
        models.pretrained("digit")
    with refused(ValueError, "pretrained: no trained model is named 'x'; there are digits, letters"):
        models.pretrained("x")


def test_letters_read_synthetic_letters() -> None:
    assert cf.evaluate(models.pretrained("letters"), cf.datasets.glyphs(500, seed=5)).accuracy > 0.7


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_accuracy_on_real_images(name: str, data_root: Path) -> None:
    data, least = KNOWN[name]
    model, test = models.pretrained(name), cf.datasets.load(data, train=False, root=data_root)
    assert model.classes == test.classes
    some = np.arange(0, len(test), 5)
    assert np.mean(model.predict(test.images[some]) == test.labels[some]) > least
