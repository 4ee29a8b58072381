"""`cnnfast report`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cnnfast import load, models, nn
from cnnfast.cli import main
from cnnfast.nn import serialization

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture
def data_file(tmp_path: Path) -> str:
    """Images of nine of ten digits."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (45, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", images=images, labels=np.arange(45) % 9)
    return "own.npz"


def test_json_and_calibrated(model_file: str, data_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"report {model_file} --data {data_file} --json --calibrated c.safetensors --compare {model_file}"
    assert main(words.split()) == 0
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert data["missing"] == ["9"]
    assert data["compared"]["robustness"] == data["robustness"]
    assert "has no images of 9" in captured.err
    x = np.zeros((1, 28, 28), np.uint8)
    expected = load(model_file)(x) / data["calibration"]["temperature"]
    np.testing.assert_allclose(load("c.safetensors")(x), expected, rtol=1e-3)
    assert serialization.metadata("c.safetensors")["training"] == {"data": "mnist"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("none.safetensors --data glyphs", "none.safetensors"),
        ("digits.safetensors --data glyphs", "digits.safetensors: has 10 classes (0, 1 ... 9), but"),
        ("digits.safetensors --data own.npz --out no/r.html", "no folder"),
        ("digits.safetensors --data own.npz --calibrated no/m.safetensors", "no folder"),
        ("digits.safetensors --data own.npz --images own.npz", "own.npz"),
    ],
)
@pytest.mark.usefixtures("model_file", "data_file")
def test_errors_in_one_line(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *words.split()]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_a_model_of_another_size(data_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    serialization.save(models.for_images((3, 32, 32), 10, 0), Path("color.safetensors"))
    assert main(["report", "color.safetensors", "--data", data_file]) == 1
    assert "expects images of 3x32x32" in capsys.readouterr().err


def test_a_model_that_takes_no_temperature(data_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.GELU(), seed=0)
    model.input_shape = (1, 28, 28)
    serialization.save(model, Path("gelu.safetensors"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnnfast.reporting.compute.logits_of", None)  # nothing is computed
        assert main(["report", "gelu.safetensors", "--data", data_file, "--calibrated", "c.safetensors"]) == 1
    assert "gelu.safetensors: calibrated: the model must end in a Linear layer" in capsys.readouterr().err
    assert not Path("c.safetensors").exists()
