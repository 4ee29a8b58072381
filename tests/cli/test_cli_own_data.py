"""`cnnfast train`, `evaluate` and `predict` on a user's own folder, CSV and npz file."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
from cnnfast import models
from cnnfast.cli import data_source, main
from cnnfast.datasets import ImageDataset
from cnnfast.nn import serialization
from PIL import Image

from tests.support.image_folders import two_classes, write_image


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_of_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two_classes(tmp_path / "my pets", 30, "RGB", (12, 12))
    assert main(["train", "--data", "my pets", "--epochs", "3"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "my pets: 51 images to train, 3 to validate, 6 to test; 2 classes (cat, dog)" in out
    model = serialization.load("cnnfast-my-pets.safetensors")
    assert (model.classes, model.input_shape) == (("cat", "dog"), (3, 12, 12))
    assert main(["evaluate"]) == 0
    assert "(6 images in" in capsys.readouterr().out
    assert main(["evaluate", "--data", "my pets"]) == 0
    assert "(60 images in" in capsys.readouterr().out
    assert main(["predict", "my pets/dog/003.png"]) == 0
    assert "dog" in capsys.readouterr().out


def test_a_folder_for_validation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part, n in (("train", 20), ("valid", 4), ("test", 5)):
        two_classes(tmp_path / "own" / part, n, size=(12, 12))
    assert main(["train", "--data", "own", "--epochs", "2", "--early-stopping", "5"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "own: 40 images to train, 8 to validate, 10 to test; 2 classes (cat, dog)" in out
    training = serialization.metadata("cnnfast-own.safetensors")["training"]
    assert training["validation"] == "folder"
    assert training["history"]["best_epoch"] > 0
    main(["train", "--data", "own", "--epochs", "1", "--validation", "0.1"])
    assert "own: 36 images to train, 4 to validate, 10 to test" in " ".join(capsys.readouterr().out.split())
    (tmp_path / "own" / "valid" / "dog" / "000.png").write_bytes(b"no image")
    assert main(["train", "--data", "own"]) == 1
    assert "000.png" in capsys.readouterr().err


def test_rare_classes_are_weighted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two_classes(tmp_path / "rare", 30, size=(12, 12))
    for number in range(10, 30):
        (tmp_path / "rare" / "dog" / f"{number:03}.png").unlink()
    words = ["train", "--data", "rare", "--epochs", "1", "--seed", "3"]
    losses = []
    for more in ([], ["--class-weights"]):
        main([*words, *more, "--out", "rare.safetensors"])
        losses.append(serialization.metadata("rare.safetensors")["training"]["loss"])
    train = data_source.load("rare", None, 3, "raise", lazy=False)[0]
    assert losses[0].get("weight") is None
    assert losses[1]["weight"] == list(train.class_weights())
    assert losses[1]["weight"][1] > 2 * losses[1]["weight"][0]


def test_gray_images_are_predicted_as_they_were_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_classes(tmp_path / "shades", 30, size=(28, 28))
    assert main(["train", "--data", "shades", "--epochs", "1"]) == 0
    assert serialization.metadata("cnnfast-shades.safetensors")["training"]["style"] == "plain"
    from cnnfast.cli import inputs

    seen = []
    real = inputs.Preparation.input
    monkeypatch.setattr(inputs.Preparation, "input", lambda *args: seen.append(real(*args)) or seen[-1])
    rows = np.arange(28 * 40, dtype=np.uint8).reshape(28, 40)
    Image.fromarray(rows).save("wide.png")
    main(["predict", "wide.png"])
    np.testing.assert_array_equal(seen[0][0][0], rows[:, 6:34])


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_files(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    labels = np.tile([3, 8], 30)
    images = (labels * 25)[:, None, None] * np.ones((1, 28, 28), np.int64)
    if kind == "csv":
        np.savetxt("own.csv", np.c_[labels, images.reshape(60, -1)], "%d", ",")
    else:
        np.savez("own.npz", x=images, y=labels)
    assert main(["train", "--data", f"own.{kind}", "--epochs", "1"]) == 0
    assert "hello-dl-letters: " in capsys.readouterr().out
    assert serialization.load("cnnfast-own.safetensors").classes == ("3", "8")


def error_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) in (1, 2)
    lines = capsys.readouterr().err.splitlines()
    return lines[0].removeprefix("error: ")


def test_errors_name_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "one" / "cat" / "1.png")
    two_classes(tmp_path / "few", 1)
    (tmp_path / "none").mkdir()
    Path("bad.csv").write_text("1,2\n2,300\n")
    Path("last.csv").write_text("".join(f"{pixel},9,7,8,{pixel % 2}\n" for pixel in range(4)))
    for data, text in {
        "one": "ImageFolder: one has one class folder, 'cat'; a classifier needs at least two classes",
        "none": "ImageFolder: none needs a folder for each class, named like it; it has none",
        "few": "ImageDataset.split: class 'cat' has one image, so it would be missing in one of the parts; "
        "add images of it or leave it out (Images of the folder few, resized and center-cropped to 8x8)",
        "last.csv": "ImageDataset.split: class '0' has one image, so it would be missing in one of the "
        "parts; add images of it or leave it out (Images from last.csv, labels from its first column)",
        "bad.csv": "from_csv: row 1 of bad.csv has the pixel '300'; pixels must be integers from 0 to 255",
    }.items():
        assert error_of(["train", "--data", data], capsys) == text
    two_classes(tmp_path / "many", 5)
    assert error_of(["train", "--data", "many", "--model", "d4"], capsys) == (
        "--model d4: takes images of 1x28x28, but many has 1x8x8; leave out --model for a network that fits"
    )


@pytest.mark.filterwarnings("default")
def test_unreadable_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two_classes(tmp_path / "pets", 20, size=(28, 28))
    Path("pets/dog/cut.png").write_bytes(b"no image")
    train = ["train", "--data", "pets", "--epochs", "1"]
    refused = (
        "ImageFolder: pets/dog/cut.png: not an image of a known kind (PNG, JPEG, BMP, GIF, TIFF, WebP, PNM); "
        "a photo in HEIC has to be saved as JPEG first; --on-error skip leaves such files out"
    )
    assert error_of(train, capsys) == refused
    assert error_of(["data", "preview", "pets"], capsys) == refused
    skip = ["--on-error", "skip"]
    assert main([*train, *skip]) == 0
    captured = capsys.readouterr()
    assert "warning: ImageFolder: skipped 1 of 41 files" in captured.err
    assert "34 images to train, 2 to validate, 4 to test" in " ".join(captured.out.split())
    assert main(["evaluate"]) == 1
    assert "--on-error skip leaves such files out" in capsys.readouterr().err
    for words, count in (("evaluate", 4), ("evaluate --data pets", 40), ("report --data pets", 40)):
        assert main([*words.split(), *skip]) == 0
        assert f"{count} images" in capsys.readouterr().out
    assert error_of([*train, "--on-error", "ignore"], capsys) == (
        "argument --on-error: 'ignore' is not one of raise, skip"
    )


def test_the_network_fits_any_images() -> None:
    for shape in ((1, 3, 3), (1, 8, 40), (3, 96, 64), (4, 30, 31)):
        data = ImageDataset(np.zeros((4, *shape), np.uint8), ["a", "b", "a", "b"])
        name, model = data_source.model_for(None, "own", data, 0)
        assert name == "for_images"
        assert model(data.images).shape == (4, 2)
    letters = ImageDataset(np.zeros((4, 28, 28), np.uint8), ["a", "b", "a", "b"])
    assert data_source.model_for(None, "own", letters, 0)[0] == "hello-dl-letters"


def test_networks_are_built_for_the_size_of_the_images(capsys: pytest.CaptureFixture[str]) -> None:
    images = np.zeros((20, 3, 64, 64), np.uint8)
    np.savez("own64.npz", images=images, labels=np.arange(20) % 2)
    data = ImageDataset(images, ["a", "b"] * 10)
    name, model = data_source.model_for("resnet18", "own64.npz", data, 0)
    assert (name, model.input_shape, model.output_shape) == ("resnet18", (3, 64, 64), (2,))
    assert main(["train", "--data", "own64.npz", "--model", "lenet5-paper"]) == 1
    assert "--model lenet5-paper, for own64.npz with images of 3x64x64: lenet5: size must be 28 or 32" in (
        capsys.readouterr().err
    )
    assert main(["train", "--data", "own64.npz", "--model", "d4"]) == 1
    assert "--model d4: takes images of 1x28x28, but own64.npz has 3x64x64" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"^models: d4 has no size to set; these have: lenet5"):
        models.get("d4", size=64)


def test_names_and_paths(tmp_path: Path) -> None:
    convert = data_source.name_or_path(["mnist", "glyphs"])
    assert convert("MNIST") == "mnist"
    (tmp_path / "mnist").mkdir()
    assert convert("mnist") == "mnist"
    assert convert("./mnist") == "./mnist"
    with pytest.raises(argparse.ArgumentTypeError, match="nor a file or folder; did you mean 'glyphs'"):
        convert("glyph")
    assert data_source.short_name(str(tmp_path / "a b.train.csv.gz")) == "a-b"
    assert data_source.epochs_for("own", ImageDataset(np.zeros((9, 8, 8), np.uint8), ["a"] * 9)) == 30


def test_small_images_are_learned() -> None:
    """Where a spot is in 8x8 pixels."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 4
    images = rng.integers(0, 60, (400, 8, 8))
    images[np.arange(400), 1 + 4 * (labels // 2), 1 + 4 * (labels % 2)] = 255
    np.savez("spots.npz", x=images.astype(np.uint8), y=labels)
    assert main(["train", "--data", "spots.npz"]) == 0
    training = serialization.metadata("cnnfast-spots.safetensors")["training"]
    assert training["test"]["accuracy"] > 0.9
