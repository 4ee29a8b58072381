"""`cnnfast data preview` and `--augment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import augment, datasets
from cnnfast.cli import main

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def opened(path: str) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.asarray(image)


def test_sheet_shows_images_and_their_augmented_forms() -> None:
    arguments = ["--augment", "pixel_flip(9)", "--images", "3", "--epochs", "2", "--seed", "5"]
    assert main(["data", "preview", "glyphs", *arguments]) == 0
    sheet = opened("sheet.png")
    assert sheet.shape == (3 * 32, 3 * 32)
    data = datasets.load("glyphs", train=True)
    rows = np.random.default_rng(5).permutation(len(data))[:3]
    cells = sheet.reshape(3, 32, 3, 32).transpose(0, 2, 1, 3)[:, :, 2:-2, 2:-2]
    np.testing.assert_array_equal(cells[:, 0], data.images[rows])
    changed = augment.Augmentation([augment.PixelFlip(9)])(data.images[rows], 5, 2, rows)
    np.testing.assert_array_equal(cells[:, 2], changed)


def test_sheet_of_plain_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "preview", "glyphs", "--images", "2", "--out", "a.png"]) == 0
    assert opened("a.png").shape == (64, 32)
    assert capsys.readouterr().out == "written a.png (2 images of glyphs)\n"


@pytest.mark.parametrize("command", [["data", "preview", "glyphs"], ["train"]])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("afine", "error: argument --augment: unknown augmentation 'afine'; known are characters, "),
        ("crop(28)", "error: --augment: Crop: padding must be smaller than the image, got 28 for images"),
        (
            "crop(x)",
            "error: argument --augment: Crop: arguments must be numbers, pairs or quoted names, got x",
        ),
    ],
)
def test_wrong_augmentation(
    command: list[str], text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main([*command, "--augment", text])
    except SystemExit as end:
        code = end.code
    assert code != 0
    assert message in " ".join(capsys.readouterr().err.split())
    assert not list(Path().iterdir())
