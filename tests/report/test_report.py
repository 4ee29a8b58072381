"""`cf.report`: numbers, page and figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import nn
from cnnfast.augment import Augmentation, Crop, PixelFlip
from cnnfast.reporting.robustness import robustness

from tests.support.refusal import refused


@pytest.fixture(scope="module")
def data() -> cf.datasets.ImageDataset:
    whole = cf.datasets.glyphs(130, seed=1)
    return whole[whole.labels != 3]


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return cf.models.d4(seed=0, num_classes=26)


@pytest.fixture(scope="module")
def found(model: nn.Module, data: cf.datasets.ImageDataset) -> cf.Report:
    return cf.report(model, data, compare=cf.models.d4(seed=1, num_classes=26), names=("a", "<b>"))


def test_agrees_with_evaluate(found: cf.Report, model: nn.Module, data: cf.datasets.ImageDataset) -> None:
    expected = cf.evaluate(model, data)
    assert isinstance(expected, cf.Evaluation)
    np.testing.assert_array_equal(found.evaluation.confusion, expected.confusion)
    assert found.evaluation.top2_accuracy == expected.top2_accuracy
    assert found.evaluation.loss == pytest.approx(expected.loss, rel=1e-5)
    np.testing.assert_allclose(found.confidence, model.predict_proba(data.images).max(axis=1), rtol=1e-5)
    assert found.missing == (data.classes[3],)


def test_mistakes_are_ordered(found: cf.Report, data: cf.datasets.ImageDataset) -> None:
    rows = found.worst(20)
    assert (found.predicted[rows] != data.labels[rows]).all()
    assert (np.diff(found.confidence[rows]) <= 0).all()
    true, predicted, count = found.evaluation.most_confused(1)[0]
    rows = found.confused(true, predicted)
    assert len(rows) == count
    assert {data.classes[k] for k in data.labels[rows]} == {true}


def test_robustness_by_image(data: cf.datasets.ImageDataset) -> None:
    """If the labels are the predictions for the images changed one by one, every one is correct."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 26), seed=0)
    model.input_shape = (1, 28, 28)
    for name, at, step in (("shift_accuracy", 3, Crop(padding=3)), ("flip_accuracy", 4, PixelFlip(20))):
        change = Augmentation([step])
        changed = [change(image[None], seed=3, rows=[k]) for k, image in enumerate(data.images)]
        labels = model(np.concatenate(changed).astype(np.uint8)).argmax(axis=1)
        measured = getattr(robustness(model, data.images, labels, seed=3, batch=50), name)
        assert measured[at] == 1
        assert measured[0] == (model(data.images).argmax(axis=1) == labels).mean() < 1


def test_the_temperature_is_in_the_weights(model: nn.Module, data: cf.datasets.ImageDataset) -> None:
    before = model(data.images)
    scaled = cf.calibrated(model, 2.5)
    np.testing.assert_allclose(scaled(data.images), before / 2.5, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model(data.images), before)
    relu_last = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.GELU(), seed=0)
    relu_last.input_shape = (1, 2, 2)
    with refused(
        ValueError, "calibrated: the model must end in a Linear layer, whose weights take the temperature"
    ):
        cf.calibrated(relu_last, 2.0)


def test_json_and_text(found: cf.Report) -> None:
    data = json.loads(json.dumps(found.to_dict()))
    assert data["robustness"]["shift"]["0"] == data["accuracy"]
    assert data["compared"]["model"] == "<b>"
    assert "shift up to 4 px" in str(found)
    assert f"classes without images: {found.missing[0]}" in str(found)


@pytest.mark.slow
def test_page(found: cf.Report, tmp_path: Path, page: Any) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    path = tmp_path / "report.html"
    found.save(path)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<b>" not in text
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 100)")
    assert page.locator("figure").count() == 7


def test_refuses(model: nn.Module, data: cf.datasets.ImageDataset, tmp_path: Path) -> None:
    with refused(ValueError, "report: data has no rows"):
        cf.report(model, data[:0])
    with refused(TypeError, "report: model must be a Module, got None"):
        cf.report(None, data)  # type: ignore[arg-type]
    with refused(TypeError, "report: data must be an ImageDataset, got tuple"):
        cf.report(model, (data.images, data.labels))  # type: ignore[arg-type]
    with pytest.raises(OSError, match="nowhere"):  # before the data are looked at
        cf.report(model, data[:0], tmp_path / "nowhere" / "report.html")
