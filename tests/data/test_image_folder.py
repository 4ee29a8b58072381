"""`ImageFolder`: classes, sizes, modes, files that are skipped or refused."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets, vision
from cnnfast.datasets import ImageFolder
from cnnfast.errors import DataError
from PIL import Image

from tests.support.image_folders import two_classes, write_image
from tests.support.refusal import refused


def test_folders_are_the_classes_in_sorted_order(tmp_path: Path) -> None:
    for place, value in (("b/2.png", 30), ("b/10.png", 20), ("a/x.png", 10), ("a/deep/er.bmp", 5)):
        write_image(tmp_path / place, value)
    data = ImageFolder(tmp_path)
    assert data.classes == ("a", "b")
    assert data.labels.tolist() == [0, 0, 1, 1]
    assert data.labels.dtype == np.int64
    assert data.images.shape == (4, 8, 8)
    assert data.images[:, 0, 0].tolist() == [5, 10, 20, 30]
    assert data.name == tmp_path.name
    assert data.description == f"Images of the folder {tmp_path}, resized and center-cropped to 8x8."


def test_what_is_not_an_image_or_hidden_is_ignored(tmp_path: Path) -> None:
    two_classes(tmp_path, 1)
    for place in ("Thumbs.db", "cat/notes.txt", "cat/._1.png", ".git/x.png", "__MACOSX/cat/1.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"no image")
    (tmp_path / "cat" / ".hidden").mkdir()
    write_image(tmp_path / "cat" / ".hidden" / "1.png")
    data = ImageFolder(tmp_path)
    assert (len(data), data.classes) == (2, ("cat", "dog"))


@pytest.mark.parametrize("root", ["../pets", "./../pets/", "~/pets"])
def test_a_path_may_begin_with_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str) -> None:
    two_classes(tmp_path / "pets", 2)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert len(ImageFolder(root)) == 4


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    two_classes(tmp_path / "data", 1)
    elsewhere = tmp_path / "elsewhere"
    write_image(elsewhere / "1.png", 77)
    (tmp_path / "data" / "emu").symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(elsewhere)
    data = ImageFolder(tmp_path / "data")
    assert data.classes == ("cat", "dog", "emu")
    assert data.labels.tolist() == [0, 1, 2]
    assert data.images[2, 0, 0] == 77


@pytest.mark.parametrize(
    ("mode", "shape"), [("1", (8, 8)), ("LA", (8, 8)), ("P", (3, 8, 8)), ("RGB", (3, 8, 8))]
)
def test_gray_files_make_gray_images(tmp_path: Path, mode: str, shape: tuple[int, ...]) -> None:
    two_classes(tmp_path, 1)
    write_image(tmp_path / "cat" / "other.png", 255, mode=mode)
    data = ImageFolder(tmp_path)
    assert data.images.shape == (3, *shape)
    assert (data.images[1] == 255).all()


def test_sixteen_bits_and_transparency(tmp_path: Path) -> None:
    two_classes(tmp_path, 1)
    Image.fromarray(np.full((8, 8), 65535, np.uint16)).save(tmp_path / "cat" / "deep.png")
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "cat" / "empty.png")
    data = ImageFolder(tmp_path, mode="L")
    assert (data.images[1] == 255).all()
    assert (data.images[2] == 255).all()  # transparent is white
    assert data.images.shape == (4, 8, 8)


def test_images_of_different_sizes_become_64x64(tmp_path: Path) -> None:
    two_classes(tmp_path, 1)
    write_image(tmp_path / "dog" / "wide.png", 9, (20, 90))
    assert ImageFolder(tmp_path).input_shape == (1, 64, 64)
    assert ImageFolder(tmp_path, 16).input_shape == (1, 16, 16)
    assert ImageFolder(tmp_path, (10, 12)).input_shape == (1, 10, 12)


def test_small_images_keep_their_size_and_large_ones_do_not(tmp_path: Path) -> None:
    assert ImageFolder(two_classes(tmp_path / "a", 1, size=(96, 20))).input_shape == (1, 96, 20)
    assert ImageFolder(two_classes(tmp_path / "b", 1, size=(97, 20))).input_shape == (1, 64, 64)


def test_covers_and_crops_the_middle_as_predict_does(tmp_path: Path, rng: np.random.Generator) -> None:
    two_classes(tmp_path, 1)
    pixels = rng.integers(0, 256, (30, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat" / "z.png")
    data = ImageFolder(tmp_path, 24, "RGB")
    np.testing.assert_array_equal(data.images[1], vision.to_color_input(pixels, (24, 24)))
    striped = np.zeros((20, 60), np.uint8)
    striped[:, 20:40] = 255
    Image.fromarray(striped).save(tmp_path / "dog" / "z.png")
    np.testing.assert_array_equal(ImageFolder(tmp_path, 20, "L").images[3], np.full((20, 20), 255))


def test_orientation_of_the_camera_counts(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("L", (10, 20)).save(tmp_path / name / "1.jpg", exif=exif)
    write_image(tmp_path / "dog" / "2.png", 0, (10, 20))
    assert ImageFolder(tmp_path).input_shape == (1, 10, 20)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    two_classes(tmp_path)
    damaged = tmp_path / "dog" / "001.png"
    damaged.write_bytes(b"no image")
    reason = (
        "not an image of a known kind (PNG, JPEG, BMP, GIF, TIFF, WebP, PNM); "
        "a photo in HEIC has to be saved as JPEG first"
    )
    with refused(DataError, f'ImageFolder: {damaged}: {reason}; on_error="skip" leaves such files out'):
        ImageFolder(tmp_path)
    with pytest.warns(UserWarning, match="skipped 1 of 6 files") as caught:
        data = ImageFolder(tmp_path, on_error="skip")
    assert str(caught[0].message) == (
        f"ImageFolder: skipped 1 of 6 files, which are not readable: {damaged}: {reason}"
    )
    assert caught[0].filename == __file__
    assert data.labels.tolist() == [0, 0, 0, 1, 1]
    assert (data.images[3:] >= 200).all()


def test_a_cut_off_file_and_a_broken_link_are_named(tmp_path: Path) -> None:
    two_classes(tmp_path, 1, size=(60, 60))
    whole = write_image(tmp_path / "cat" / "cut.jpg", 3, (60, 60)).read_bytes()
    (tmp_path / "cat" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.jpg: the image is damaged: "):
        ImageFolder(tmp_path)
    if os.name != "nt":
        (tmp_path / "cat" / "cut.jpg").unlink()
        (tmp_path / "cat" / "cut.jpg").symlink_to("nowhere")
        with pytest.raises(DataError, match=r"cut\.jpg: No such file or directory; on_error"):
            ImageFolder(tmp_path)


def test_decoding_leaves_warning_filters_as_they_were(tmp_path: Path) -> None:
    two_classes(tmp_path, 40)
    before = list(warnings.filters)
    ImageFolder(tmp_path)
    assert list(warnings.filters) == before


def test_nothing_readable(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="skipped 2 of 2 files"),
        refused(DataError, f"ImageFolder: no file in {tmp_path} is a readable image"),
    ):
        ImageFolder(tmp_path, on_error="skip")


def test_a_test_part_takes_the_classes_of_the_training_part(tmp_path: Path) -> None:
    two_classes(tmp_path, 1)
    data = ImageFolder(tmp_path, classes=["ant", "dog", "cat", "emu"])
    assert data.classes == ("ant", "dog", "cat", "emu")
    assert data.labels.tolist() == [1, 2]
    with refused(
        DataError,
        f"ImageFolder: {tmp_path} has a folder 'dog', which is not one of the 2 classes; "
        "did you mean 'dogs'?",
    ):
        ImageFolder(tmp_path, classes=["cat", "dogs"])


class TestFoldersWithoutClasses:
    def test_no_folder(self, tmp_path: Path) -> None:
        with refused(FileNotFoundError, f"ImageFolder: there is no folder {tmp_path / 'nowhere'}"):
            ImageFolder(tmp_path / "nowhere")

    def test_a_file(self, tmp_path: Path) -> None:
        file = write_image(tmp_path / "1.png")
        with refused(DataError, f"ImageFolder: {file} is a file, not a folder with a folder for each class"):
            ImageFolder(file)

    def test_empty(self, tmp_path: Path) -> None:
        with refused(
            DataError, f"ImageFolder: {tmp_path} needs a folder for each class, named like it; it has none"
        ):
            ImageFolder(tmp_path)

    def test_images_directly_in_it(self, tmp_path: Path) -> None:
        write_image(tmp_path / "1.png")
        with refused(
            DataError,
            f"ImageFolder: {tmp_path} needs a folder for each class, named like it; "
            "it holds 1 images directly",
        ):
            ImageFolder(tmp_path)

    def test_one_class(self, tmp_path: Path) -> None:
        write_image(tmp_path / "cat" / "1.png")
        with refused(
            DataError,
            f"ImageFolder: {tmp_path} has one class folder, 'cat'; a classifier needs at least two classes",
        ):
            ImageFolder(tmp_path)

    def test_a_class_without_images(self, tmp_path: Path) -> None:
        two_classes(tmp_path, 1)
        (tmp_path / "emu").mkdir()
        formats = "(PNG, JPEG, BMP, GIF, TIFF, WebP, PNM)"
        start = f"ImageFolder: class folder {tmp_path / 'emu'} holds no images {formats}; "
        with refused(DataError, f"{start}it is empty"):
            ImageFolder(tmp_path)
        (tmp_path / "emu" / "1.heic").write_bytes(b"")
        with refused(DataError, f"{start}its files are of other kinds: 1.heic"):
            ImageFolder(tmp_path)

    def test_the_parts_of_a_data_set(self, tmp_path: Path) -> None:
        for part in ("train", "test"):
            two_classes(tmp_path / part, 1)
        with refused(
            DataError,
            f"ImageFolder: the folders in {tmp_path} (test, train) are parts of a data set, not classes; "
            f"use one of them, such as {tmp_path / 'test'}",
        ):
            ImageFolder(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"size": 0}, ValueError, "size must be at least 1, got 0"),
        ({"size": 2.5}, TypeError, "size must be an integer, got float 2.5"),
        ({"size": (3,)}, ValueError, "size must be an integer or a pair (height, width), got (3,)"),
        ({"size": (3, -1)}, ValueError, "size[1] must be at least 1, got -1"),
        ({"mode": "RGBA"}, ValueError, 'mode must be "L" or "RGB", got \'RGBA\''),
        ({"on_error": "ignore"}, ValueError, 'on_error must be "raise" or "skip", got \'ignore\''),
        ({"classes": "cat"}, TypeError, "classes must be a sequence of names, got 'cat'"),
    ],
)
def test_wrong_settings(
    tmp_path: Path, arguments: dict[str, object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        ImageFolder(two_classes(tmp_path, 1), **arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"ImageFolder: {message}")


def test_is_exported() -> None:
    assert "ImageFolder" in datasets.__all__
